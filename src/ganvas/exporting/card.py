"""The model card: what a generator is, how it was made, how good it is and what it is not for, written from its run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

import ganvas.reporting.measures as measures
from ganvas.exporting.limits import limits
from ganvas.exporting.paths import bare
from ganvas.files import read_json
from ganvas.reporting.chapter import FLOOR, nearness
from ganvas.reporting.subject import Subject
from ganvas.reporting.values import number, percent, span
from ganvas.run import Run
from ganvas.space import Space
from ganvas.spaces.images.space import Images
from ganvas.spaces.toys import Points
from ganvas.version import __version__

LICENCES = {"digits": "cc-by-4.0"}  # of data that we know; the digits are the UCI's, by E. Alpaydin and C. Kaynak
COLOURS = {"L": "grey", "LA": "transparent grey", "RGB": "colour", "RGBA": "transparent colour"}
TASK = "unconditional-image-generation"  # the hub's name of it, whether there are labels or not
LISTED = 20  # classes named


def card(run: Run, samples: bool = True) -> str:
    """The card in Markdown, with the front matter that the hub reads; ``samples`` says that samples.png lies beside it.

    Figures and diagnosis are those in the run's folder, if they are of the generator as it is now.
    """
    subject = about(run)
    title, grid = name(run), "![Samples, not chosen: the first ones of seed 0](samples.png)" if samples else ""
    return "\n\n".join(
        part
        for part in (
            f"---\n{yaml(front(subject))}\n---",
            f"# {cell(title)}",
            f"{summary(subject)} Made with ganvas {__version__}.",
            grid,
            f"## How it was made\n\n{listed(making(subject))}",
            f"## Data\n\n{listed(data(subject))}",
            f"## Figures\n\n{judged(subject)}",
            f"## Diagnosis\n\n{(subject.diagnosis or {}).get('summary') or 'Not diagnosed.'}",
            "## Intended use and limits\n\n" + "\n".join(f"- {one}" for one in limits(subject)),
            f"## How to use it\n\n{use(run)}",
            f"## Licence\n\n{licence(run)}",
        )
        if part
    ) + "\n"  # fmt: skip


def about(run: Run) -> Subject:
    """The run with the evaluation and diagnosis of its generator as it is now, without paths of this machine."""
    found: dict[str, dict[str, Any] | None] = {}
    for kind in ("evaluation", "diagnosis"):
        file = run.path / f"{kind}.json"
        told: dict[str, Any] = read_json(file) if file.exists() else {}
        now = told.get("protocol", {}).get("checkpoint") == run.config.get("checkpoint")
        found[kind] = bare(told) if told and now else None
    return Subject(run, found["evaluation"], found["diagnosis"])


def name(run: Run) -> str:
    """What the generator is called: as its folder."""
    return run.path.resolve().name


def known(run: Run) -> dict[str, Any]:
    """What the run says of its data; {} when it says nothing."""
    found: dict[str, Any] = run.info.get("data") or {}
    return found


def what(space: Space) -> str:
    """What samples are, in words: ``8×8 grey pictures``."""
    if isinstance(space, Images):
        colour = COLOURS.get(space.mode, f"{space.channels}-channel")
        return f"{space.height}×{space.width} {colour} pictures" + (" of 16 bits" if space.bits == 16 else "")
    return f"points in {space.shape[0]} dimensions" if isinstance(space, Points) else "rows of a table"


def summary(subject: Subject) -> str:
    """One or two sentences: what it makes, of what kind it is, and how near it comes."""
    space, source = subject.run.space, known(subject.run).get("name")
    told = f"A generator of {what(space)}" + (f" like those of {cell(source)}" if source else "")
    told += f", trained by {subject.game}"
    if space.labels:
        told += f", conditional on {' and '.join(cell(column.name) for column in space.labels.columns)}"
    return f"{told}. {nearness(subject.evaluation)}" if subject.evaluation else f"{told}."


def making(subject: Subject) -> dict[str, object]:
    """How it was made: game, network, size, length, seed, versions."""
    run, info, progress = subject.run, subject.run.info, subject.run.progress
    prior, count = run.generator.prior, sum(weight.numel() for weight in run.generator.parameters())
    seen = f"{progress.seen:,}"
    if rows := known(run).get("train"):
        seen += f" ({progress.seen / rows:.0f} times each)"
    machine = info.get("machine") or {}
    found = {
        "Game": info.get("game"),
        "Network": f"{run.config['net']}, {count:,} parameters",
        "Latents": f"{prior.size} numbers, {prior.kind}" + (f" at ±{prior.limit:g}" * (prior.kind == "truncated")),
        "Samples seen": seen if progress.seen else None,
        "Time": f"{span(progress.seconds)} on {machine.get('device', 'cpu')}" if progress.seconds else None,
        "Arithmetic": machine.get("precision"),
        "Seed": (info.get("settings") or {}).get("run", {}).get("seed", 0) if "settings" in info else None,
        "Checkpoint": run.config.get("checkpoint"),
        "Versions": ", ".join(f"{k} {v}" for k, v in (info.get("versions") or {}).items()),
    }
    if privacy := info.get("privacy"):
        found["Differential privacy"] = f"ε = {privacy.get('epsilon')}, δ = {privacy.get('delta')} for every row"
    return found


def data(subject: Subject) -> dict[str, object]:
    """What it learnt from."""
    told, labels = known(subject.run), subject.run.space.labels
    found: dict[str, object] = {
        "Name": told.get("name") or "unknown",
        "Samples": what(subject.run.space),
        "Trained on": f"{told['train']:,}" if "train" in told else None,
        "Held out": f"{told['held_out']:,}" if "held_out" in told else None,
        "Fingerprint": told.get("fingerprint"),
    }
    for column in labels.columns if labels else ():
        kinds = ", ".join(column.classes[:LISTED]) + (", …" if len(column.classes) > LISTED else "")
        spread = f"numbers, {column.mean:.3g} ± {column.std:.3g}"
        found[f"Label {column.name}"] = f"{len(column.classes)} classes: {kinds}" if column.classes else spread
    return found


def figures(subject: Subject) -> list[tuple[str, str, str, str]]:
    """(measure, of the samples, of real data, what it means) for each figure of the evaluation."""
    found, lines = measures.figures(subject.evaluation), []
    for key in measures.rows([subject.evaluation]):
        how, place = measures.measure(key), measures.places(subject.evaluation).get(key)
        value = measures.written(key, found) + (f" (place {percent(place)})" if place is not None else "")
        lines.append((how.title, value, number(measures.reference(key, subject.evaluation)), how.meaning))
    return lines


def judged(subject: Subject) -> str:
    """The figures as a table, with their protocol; or that there are none."""
    evaluation = subject.evaluation
    if not evaluation:
        return "Not evaluated: nobody knows yet how good its samples are."
    lines = [f"| {cell(a)} | {cell(b)} | {cell(c)} | {cell(d)} |" for a, b, c, d in figures(subject)]
    head = "| Measure | Samples | Real data | Meaning |\n|---|---|---|---|\n"
    protocol = evaluation.get("protocol") or {}
    told = {key: protocol.get(key) for key in ("extractor", "resizer", "n_real", "n_fake", "split", "seed")}
    parts = ", ".join(f"{key.replace('_', ' ')} {cell(value)}" for key, value in told.items() if value is not None)
    against = f"Against {cell(evaluation.get('against', 'real data'))}: {parts}. {FLOOR}"
    notes = "\n".join(f"- {cell(one)}" for one in evaluation.get("warnings") or [])
    return "\n\n".join(part for part in (head + "\n".join(lines), against, notes) if part)


def front(subject: Subject) -> dict[str, Any]:
    """What the hub reads: library, task, licence, tags, and figures in its ``model-index``."""
    run, found = subject.run, measures.figures(subject.evaluation)
    pictures, told = isinstance(run.space, Images), known(run).get("name") or "unknown"
    meta: dict[str, Any] = {"library_name": "ganvas", "license": LICENCES.get(told, "unknown")}
    if pictures:
        meta["pipeline_tag"] = TASK
    kind = "image-generation" if pictures else "points" if isinstance(run.space, Points) else "tabular"
    meta["tags"] = ["ganvas", "gan", "generative-adversarial-network", subject.game.lower(), kind]
    if names := measures.rows([subject.evaluation]):
        meta["metrics"] = names
        rows = [
            {"type": key, "name": measures.measure(key).title, "value": float(f"{found[key]:.6g}")} for key in names
        ]
        task = {"type": TASK if pictures else "tabular-generation"}
        result = {"task": task, "dataset": {"name": told, "type": told}, "metrics": rows}
        meta["model-index"] = [{"name": name(run), "results": [result]}]
    return meta


def use(run: Run) -> str:
    """How to make samples: in Python from the hub, on the command line, and with tensors alone."""
    place, table = "OWNER/" + re.sub(r"[^A-Za-z0-9_.-]+", "-", name(run)), not isinstance(run.space, Images | Points)
    out = "rows.csv" if table else "samples.png"
    labels, given = run.generator.labels, "z"
    label, lines = "", [f"z = torch.randn(16, {run.generator.prior.size})"]
    if run.generator.prior.kind != "normal":
        lines = [f"z = run.generator.prior.shape(torch.randn(16, {run.generator.prior.size}))"]
    if labels and not table:
        first = " ".join(labels.names(labels.rows[:1])[0].split())
        label, given = f" --label {shlex.quote(first)}", "z, y"
        lines.append("y = run.generator.labels.encode(run.generator.labels.draw(torch.rand(16).numpy()))")
    own = not str(run.config["net"]).startswith("ganvas.")
    told = "\n\nThe network is not part of ganvas: give its file with `--trust`, `Run(path, trust=…)`." if own else ""
    python = f'import ganvas as gan\n\nrun = gan.from_pretrained("{place}")\n'
    python += "frame = gan.frame(run, 100, seed=0)" if table else "pictures = run.generate(16, seed=0)"
    lines.append(f"x = run.generator({given})  # {list(run.space.shape)} each")
    folder = shlex.quote(name(run))
    console = f"hf download {place} --local-dir {folder}\nganvas generate {folder} -n 16{label} --out {out}"
    tensors = "import torch\n\n" + "\n".join(lines)
    return f"```python\n{python}\n```\n\n```console\n{console}\n```\n\n```python\n{tensors}\n```{told}"


def licence(run: Run) -> str:
    """Whose the data is, as far as it is known."""
    told = LICENCES.get(known(run).get("name", ""))
    if told:
        return f"The data is under {told}; state it when you pass samples on."
    return "Unknown: whether and how samples may be used depends on the licence of the data it was trained on."


def listed(values: Mapping[str, object]) -> str:
    """A table of two columns; what is not known is left out."""
    lines = [f"| {key} | {cell(value)} |" for key, value in values.items() if value not in (None, "")]
    return "| | |\n|---|---|\n" + "\n".join(lines)


def cell(value: object) -> str:
    """A value as one cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def yaml(values: Mapping[str, Any], deep: str = "") -> str:
    """Nested dictionaries, lists and plain values as YAML in blocks; texts are quoted as in JSON, which YAML reads."""
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines.append(f"{deep}{key}:\n{yaml(value, deep + '  ')}")
        elif isinstance(value, list) and value:
            lines.append(f"{deep}{key}:\n" + "\n".join(f"{deep}- {entry(one, deep + '  ')}" for one in value))
        else:
            lines.append(f"{deep}{key}: {scalar(value)}")
    return "\n".join(lines)


def entry(value: object, deep: str) -> str:
    """An entry of a list, without its dash."""
    return yaml(value, deep).removeprefix(deep) if isinstance(value, Mapping) else scalar(value)


def scalar(value: object) -> str:
    """A plain value; YAML knows 1.0e-05 as a number, and not 1e-05."""
    told = json.dumps(value, ensure_ascii=False)
    return told.replace("e", ".0e") if isinstance(value, float) and "e" in told and "." not in told else told


__all__ = ["about", "card", "figures", "limits", "name", "summary"]
