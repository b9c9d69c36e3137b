"""Several runs beside one another: who is best by what, how they got there, and what they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from ganvas.reporting import measures
from ganvas.reporting.chapter import badge, gallery
from ganvas.reporting.charts import overlays, precision_recall
from ganvas.reporting.pictures import address, image, told
from ganvas.reporting.tags import Child, Markup, element, join, section, table
from ganvas.reporting.values import number, span

if TYPE_CHECKING:
    from ganvas.reporting.subject import Subject

SAME = ("extractor", "origin", "resizer", "n_real", "n_fake", "split")  # what must agree before figures may be compared
STAR = (
    "★ marks the best of a row. Within the noise floor is not better: figures better than the floor count as equal to "
    "it, and distances that differ by less than the floor, or by two standard errors, count as equal."
)


def comparison(subjects: Sequence[Subject], names: Sequence[str]) -> Markup:
    """The sections that compare the runs."""
    square = precision_recall(subjects, names)
    drawn = [*overlays(subjects, names), *([square] if square else [])]
    return join(
        section("Figures side by side", figures(subjects, names)),
        section("Along the way", gallery(drawn)),
        section("Newest samples", newest(subjects, names)),
    )


def figures(subjects: Sequence[Subject], names: Sequence[str]) -> Markup:
    """A row for each measure with its best figures marked, unless the runs were measured in different ways."""
    evaluations, rows = [subject.evaluation for subject in subjects], []
    apart, stars = disagreements(subjects), marks(subjects)
    for name, marked in stars.items():
        texts = [measures.written(name, measures.figures(evaluation)) for evaluation in evaluations]
        cells = [element("strong", "★ ", t) if mark else t for mark, t in zip(marked, texts, strict=True)]
        floor = next((r for e in evaluations if (r := measures.reference(name, e)) is not None), None)
        rows.append((measures.measure(name).title, *cells, number(floor)))
    warning = f"Nothing is marked: these figures cannot be compared, for the runs differ in {', '.join(apart)}."
    return join(
        element("p", warning, class_="warning") if apart else None,
        table(["Measure", *names, "Noise floor"], [*rows, *course(subjects)], "All runs", "figures"),
        element("p", STAR, class_="note") if rows and not apart else None,
    )


def course(subjects: Sequence[Subject]) -> list[tuple[Child, ...]]:
    """Rows that say what each run was."""
    return [
        ("Game", *(subject.game for subject in subjects), None),
        ("Samples seen", *(number(subject.run.progress.seen) for subject in subjects), None),
        ("Time", *(span(subject.run.progress.seconds) for subject in subjects), None),
        ("Diagnosis", *(badge(subject.diagnosis) for subject in subjects), None),
    ]


def marks(subjects: Sequence[Subject]) -> dict[str, list[bool]]:
    """For each measure which runs are best; none where figures cannot be compared."""
    evaluations, apart = [subject.evaluation for subject in subjects], disagreements(subjects)
    none = [False] * len(subjects)
    return {name: none if apart else measures.best(name, evaluations) for name in measures.rows(evaluations)}


def leader(subjects: Sequence[Subject], names: Sequence[str]) -> str:
    """Who is best by most measures, in a sentence."""
    telling = [marked for marked in marks(subjects).values() if any(marked)]
    if not telling:
        return "No measure tells the runs apart."
    counts = [sum(column) for column in zip(*telling, strict=True)]
    first = [name for name, count in zip(names, counts, strict=True) if count == max(counts)]
    verb = "leads" if len(first) == 1 else "lead"
    return f"{' and '.join(first)} {verb}: best by {max(counts)} of {len(telling)} measures that tell the runs apart."


def disagreements(subjects: Sequence[Subject]) -> list[str]:
    """What differs in how the evaluated runs were measured."""
    measured = [s for s in subjects if s.evaluation is not None]
    protocols = [(s.evaluation or {}).get("protocol") or {} for s in measured]
    found = [key.replace("_", " ") for key in SAME if len({str(p.get(key)) for p in protocols}) > 1]
    own = [s.run.info["data"].get("fingerprint") for s in measured]
    prints = {p.get("fingerprint") or mine for p, mine in zip(protocols, own, strict=True)}
    return [*found, *(["data"] if len(prints) > 1 else [])]


def newest(subjects: Sequence[Subject], names: Sequence[str]) -> Markup:
    """The last grid of each run."""
    cards = []
    for subject, name in zip(subjects, names, strict=True):
        if not subject.frames:
            continue
        seen, path = subject.frames[-1]
        with Image.open(path) as picture:
            shown = image(address(picture), picture.width, f"Newest samples of {name}")
        cards.append(element("figure", element("h3", name), shown, element("figcaption", told(seen))))
    return element("div", *cards, class_="gallery narrow") if cards else Markup()
