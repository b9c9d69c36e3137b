"""One run in words, pictures and tables: the sections of its part of the page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganvas.reporting import measures
from ganvas.reporting.charts import charts
from ganvas.reporting.drawing import Chart, svg
from ganvas.reporting.pictures import figure, film
from ganvas.reporting.tags import Markup, element, facts, join, section, table
from ganvas.reporting.values import finite, number, percent, span

if TYPE_CHECKING:
    from ganvas.reporting.subject import Subject

FLOOR = "The noise floor is what real data scores against other real data: no generator can do better."
COUNTS = {"n_real": "Real samples", "n_fake": "Made samples"}
ACTIONS = {"train_on": "Train on", "stop": "Stop here", "change": "Change something"}


def chapter(subject: Subject, title: str) -> Markup:
    """All sections of one run; those about which nothing is known are left out."""
    drawn = charts(subject)
    square = drawn.pop("precision_recall", None)
    return join(
        samples(subject, title),
        diagnosis(subject.diagnosis or {}),
        results(subject.evaluation or {}, [square] if square else []),
        by_class((subject.evaluation or {}).get("classes") or {}),
        course(subject, list(drawn.values())),
        neighbours(subject),
        protocol({"Evaluation": subject.evaluation, "Diagnosis": subject.diagnosis}),
        again(subject),
    )


def summary(subject: Subject) -> str:
    """What the run is: ``R3GAN on digits · 400,000 samples seen in 71 s``."""
    data, progress = subject.run.info["data"]["name"], subject.run.progress
    return f"{subject.game} on {data} · {progress.seen:,} samples seen in {span(progress.seconds)}"


def verdict(subject: Subject) -> Markup:
    """A sentence on what was reached, behind a badge when there is a diagnosis."""
    found = subject.diagnosis or {}
    told = found.get("summary") or found.get("verdict") or nearness(subject.evaluation)
    return element("p", badge(found), " ", str(told), class_="verdict")


def badge(found: Mapping[str, Any] | None) -> Markup | None:
    """What to do, by a diagnosis, as a coloured word."""
    action = str((found or {}).get("action", ""))
    return element("span", ACTIONS[action], class_=f"badge {action}") if action in ACTIONS else None


def nearness(evaluation: Mapping[str, Any] | None) -> str:
    """How near made samples are to real ones, by the first distance that was measured."""
    found = measures.figures(evaluation)
    for name in ("c2st", "quality"):
        if name in (place := measures.places(evaluation)):
            title = measures.measure(name).title
            way = percent(place[name])
            return f"{title} {number(found[name])}: {way} of the way from independent columns to real rows."
    for name in ("frechet_distance", "kid"):
        if name in found:
            title, value, floor = measures.measure(name).title, found[name], measures.reference(name, evaluation)
            if floor is None or floor <= 0:
                return f"{title} to real data: {number(value)}."
            if value <= floor:
                return f"{title} {number(value)}: no farther from real data than real data is ({number(floor)})."
            return f"{title} {number(value)}, {number(value / floor)} times the noise floor of {number(floor)}."
    return "Not evaluated yet."


def samples(subject: Subject, title: str) -> Markup:
    """The newest samples, and how they came to be."""
    if not subject.frames:
        return section("Samples", element("p", "No samples yet.", class_="note"))
    told = "The same latents from the first round to the last."
    if subject.classes:
        told = f"Every column is a class, every row a latent. {told}"
    return section("Samples", film(subject.frames, f"Samples of {title}"), element("p", told, class_="note"))


def diagnosis(found: Mapping[str, Any]) -> Markup:
    """The findings, each with its evidence and what is proposed."""
    cards = []
    for finding in found.get("findings") or []:
        evidence = [element("li", str(one)) for one in finding.get("evidence") or []]
        proposal = finding.get("proposal")
        cards.append(
            element(
                "div",
                element("h3", str(finding.get("verdict", ""))),
                element("ul", *evidence) if evidence else None,
                element("p", element("strong", "Do: "), str(proposal)) if proposal else None,
                class_="finding",
            )
        )
    figures = facts(found.get("figures") or {})
    inside = element("details", element("summary", "Figures behind it"), figures) if figures else None
    return section("Diagnosis", *cards, inside)


def results(evaluation: Mapping[str, Any], drawn: Sequence[Chart]) -> Markup:
    """Every figure beside its noise floor and what it means."""
    found, lines = measures.figures(evaluation), []
    for name in measures.rows([evaluation]):
        how = measures.measure(name)
        real = measures.reference(name, evaluation)
        title = join(how.title, element("small", how.meaning))
        lines.append((title, measures.written(name, found), number(real)))
    if not lines:
        return Markup()
    of, against = evaluation.get("of"), evaluation.get("against")
    caption = f"{of or 'Samples'} against {against or 'real data'}"
    notes = [str(one) for one in evaluation.get("warnings") or []]
    if (evaluation.get("memorisation") or {}).get("alarm") is True:
        notes.insert(0, "Samples copy training data: more of them lie close to training samples than chance allows.")
    return section(
        "Figures",
        *(element("p", note, class_="warning") for note in notes),
        table(["Measure", "Samples", "Noise floor"], lines, caption, "figures"),
        element("p", FLOOR, class_="note"),
        gallery(drawn),
    )


def by_class(classes: Mapping[str, Mapping[str, Any]]) -> Markup:
    """The figures of each class as bars."""
    names = list(dict.fromkeys(key for values in classes.values() for key, value in values.items() if finite(value)))
    most = {name: max(float(v[name]) for v in classes.values() if finite(v.get(name))) for name in names}
    rows = [
        [kind, *(bar(values.get(name), 1.0 if most[name] <= 1 else most[name], name) for name in names)]
        for kind, values in classes.items()
    ]
    titles = [measures.measure(name).title if name not in COUNTS else COUNTS[name] for name in names]
    told = table(["Class", *titles], rows, "Figures of each class", "bars")
    return section("Class by class", told if names else None)


def bar(value: object, whole: float, name: str) -> Markup | None:
    """A number over a bar of its share of the ``whole``; counts have no bar."""
    if not isinstance(value, int | float) or not finite(value):
        return None
    told = element("span", number(round(value) if name in COUNTS else value))
    if name in COUNTS or whole <= 0:
        return told
    length = max(0.0, min(1.0, value / whole))
    return join(told, element("i", style=f"width:{length:.1%}", aria_hidden="true"))


def course(subject: Subject, drawn: Sequence[Chart]) -> Markup:
    """The charts along the way, and where the run was thrown back."""
    info = subject.run.info
    back = [f"Rolled back at {r['seen']:,} samples: {r['reason']}" for r in info.get("rollbacks") or []]
    stopped = info.get("divergence")
    back += [f"Broke down at {stopped['seen']:,} samples: {stopped['reason']}"] if stopped else []
    notes = [element("p", note, class_="warning") for note in back]
    return section("How it went", *notes, gallery(drawn))


def gallery(drawn: Sequence[Chart]) -> Markup | None:
    """Charts side by side."""
    cards = [element("figure", element("h3", c.title), svg(c), element("figcaption", c.caption)) for c in drawn]
    return element("div", *cards, class_="gallery") if cards else None


def neighbours(subject: Subject) -> Markup:
    """Samples beside what they might have been copied from."""
    if subject.neighbours is None:
        return Markup()
    told = "Made samples beside the training samples nearest to them. Equal pictures would be copies."
    return section("Nearest training samples", figure(subject.neighbours, told, told))


def protocol(named: Mapping[str, Mapping[str, Any] | None]) -> Markup:
    """Everything that decides the figures, of each of these by its title."""
    tables = []
    for title, found in named.items():
        told = facts((found or {}).get("protocol") or {})
        tables += [element("div", element("h3", title), told)] if told else []
    return section("Protocol", *tables)


def again(subject: Subject) -> Markup:
    """How to make the same run again, and more samples."""
    info = subject.run.info
    out = "rows.csv" if "normalised" in (subject.evaluation or {}) else "samples.png"
    more = f"ganvas generate {shlex.quote(str(subject.run.path))} -n 64 --out {out}"
    data = {key: info["data"].get(key) for key in ("name", "fingerprint", "shape", "train", "held_out")}
    tables = []
    for title, found in (("Data", data), ("Versions", info.get("versions")), ("Machine", info.get("machine"))):
        tables.append(element("div", element("h3", title), facts(found or {})))
    tables.append(element("div", element("h3", "Settings"), facts(info.get("settings") or {})))
    return section(
        "Again",
        element("pre", element("code", f"{info.get('command', '')}\n{more}")),
        element("div", *tables, class_="columns"),
    )
