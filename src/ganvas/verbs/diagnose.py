"""Say in plain words how a run's game is: what is wrong, how one knows, and what to do: train on, stop, change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganvas.diagnosis.probe import open_session, probe
from ganvas.diagnosis.verdicts import Finding, as_json, findings
from ganvas.errors import InputError
from ganvas.evaluation.answer import Question, answer, made
from ganvas.evaluation.origin import data_of
from ganvas.evaluation.samples import part
from ganvas.files import write_json
from ganvas.metrics.extractors import Extractor
from ganvas.metrics.features import extractor as extractor_of
from ganvas.metrics.features import own_file
from ganvas.monitors.trend import trends
from ganvas.record import recorded_couple
from ganvas.run import Run
from ganvas.space import Data, Space
from ganvas.training import checkpoints

JUDGED = 1000  # samples of each kind whose features are compared
WANTED = ("manifolds", "diversity", "memorisation", "modes")


def diagnose(
    run: Run | str | Path,
    *,
    data: Any = None,
    extractor: str | None = None,
    trust: str | Path | None = None,
) -> dict[str, Any]:
    """Read the log and the weights of a run, play a few moves of its game, and say what is wrong and what to do.

    The verdicts: healthy, equilibrium, mode_collapse, discriminator_wins, generator_wins, vanishing_gradient,
    exploding_gradient, oscillation, discriminator_overfits, memorisation, saturated_output, dead_units, divergence.
    The action: train_on, stop or change. Nothing in the run changes but diagnosis.json.

    Args:
        run: the run folder.
        data: the data, when it is no longer where the run found it, or was in memory.
        extractor: whose features tell collapse and copies, as for evaluate (default: what suits the data).
        trust: your own Python file, when the run's game or network is yours.

    Raises:
        InputError: no such run, no checkpoint yet, or its data is gone.
    """
    run = run if isinstance(run, Run) else Run(run, trust)
    loaded = data if isinstance(data, Data) else data_of(run, data)
    if loaded is None:
        raise InputError(f"the data of {run.path} is not where it was, or has changed; give it with --data")
    if checkpoints.latest(run.path / "state") is None:
        raise InputError(f"{run.path} has no checkpoint yet; let it train to its first one")
    session, untrained = open_session(run, loaded, recorded_couple(run))
    figures = trends(run.log, run.scores) | probe(session, untrained)
    figures["stopped"] = float(run.info.get("divergence") is not None)
    figures |= compared(run, loaded, extractor)
    found = findings(figures)
    told = {
        "run": str(run.path),
        "verdict": found[0].verdict,
        "action": found[0].action,
        "summary": summary(found),
        "findings": [as_json(finding) for finding in found],
        "figures": {name: float(f"{value:.4g}") for name, value in figures.items()},
        "protocol": {"checkpoint": run.config.get("checkpoint"), "seen": run.progress.seen},
    }
    write_json(run.path / "diagnosis.json", told)
    return told


def compared(run: Run, data: Data, extractor: str | None) -> dict[str, float]:
    """Figures of the samples' features against held-out ones, for the rules."""
    split = "held-out" if len(data.held_out) > 1 else "train"
    question = Question(made(run, JUDGED), part(data, split, JUDGED), usual(extractor, run.space), WANTED, data=data)
    found = answer(question).figures
    figures = {name: found[name] for name in ("precision", "recall", "density", "coverage", "diversity")}
    figures["rows"] = float(question.real.count)
    figures["precision_real"] = found["noise_floor"]["precision"]
    if classes := [row["diversity"] for row in found.get("classes", {}).values() if "diversity" in row]:
        figures["class_diversity"] = min(classes)
    if modes := found.get("modes"):
        missing = modes["of"] - modes["covered"]
        figures |= {"modes": modes["of"], "modes_missing": missing, "share_good": modes["share_good"]}
    if memory := found.get("memorisation"):
        figures |= {"copies": memory["copies"], "copies_expected": memory["expected"]}
        figures["copies_alarm"] = float(memory["alarm"])
    return figures


def usual(name: str | None, space: Space) -> Extractor:
    """The extractor asked for; when none is, what suits the data, and plain values where nothing is installed."""
    if name is not None:
        return extractor_of(name, space, own_file(name))
    try:
        return extractor_of(None, space)
    except InputError:
        return extractor_of("values", space)


def summary(found: list[Finding]) -> str:
    """The verdict in one or two sentences."""
    first = found[0]
    also = f" Also: {', '.join(f.verdict.replace('_', ' ') for f in found[1:])}." if found[1:] else ""
    todo = first.proposal[0].upper() + first.proposal[1:]
    return f"{first.verdict.replace('_', ' ').capitalize()}: {'; '.join(first.evidence)}. {todo}.{also}"
