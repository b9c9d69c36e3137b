"""Several runs beside one another: who is best by what, how they got there, and what they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from ganvas.reporting import measures
from ganvas.reporting.chapter import badge, gallery
from ganvas.reporting.charts import overlays, precision_recall
from ganvas.reporting.pictures import address, image, told
from ganvas.reporting.tags import Child, Markup, element, join, section, table
from ganvas.reporting.values import number, percent, span

if TYPE_CHECKING:
    from ganvas.reporting.subject import Subject

Plain = Mapping[str, Mapping[str, Any]]  # evaluations of plain baselines, by name
SAME = ("extractor", "origin", "resizer", "n_real", "n_fake", "split", "target")  # what must agree, to compare
STAR = (
    "★ marks the best of a row. Within the noise floor is not better: figures better than the floor count as equal to "
    "it, and distances that differ by less than the floor, or by two standard errors, count as equal."
)
PLACE = (
    "In small letters the place between the floor and real rows: of scores 0 % is columns shuffled independently; of "
    "privacy 0 % is handing out the training rows, and alarms are not proof (arXiv:2505.01524)."
)


def comparison(subjects: Sequence[Subject], names: Sequence[str], plain: Plain) -> Markup:
    """The sections that compare the runs with one another and with plain baselines."""
    square = precision_recall(subjects, names)
    drawn = [*overlays(subjects, names), *([square] if square else [])]
    return join(
        section("Figures side by side", figures(subjects, names, plain)),
        section("Along the way", gallery(drawn)),
        section("Newest samples", newest(subjects, names)),
    )


def figures(subjects: Sequence[Subject], names: Sequence[str], plain: Plain) -> Markup:
    """A row for each measure with its best figures marked, unless the runs were measured in different ways.

    Behind the scores of tables stands their place between floor and real rows.
    """
    evaluations, rows = [*(subject.evaluation for subject in subjects), *plain.values()], []
    apart, stars = disagreements(subjects), marks(subjects, plain)
    floored = any("floor" in (evaluation or {}) for evaluation in evaluations)
    for name, marked in stars.items():
        texts = [measures.written(name, measures.figures(evaluation)) for evaluation in evaluations]
        both = [join(text, place(name, e)) for text, e in zip(texts, evaluations, strict=True)]
        cells = [element("strong", "★ ", cell) if mark else cell for mark, cell in zip(marked, both, strict=True)]
        real = next((r for e in evaluations if (r := measures.reference(name, e)) is not None), None)
        least = next((f[name] for e in evaluations if name in (f := measures.bottom(e))), None)
        rows.append((measures.measure(name).title, *cells, *([number(least)] if floored else []), number(real)))
    warning = f"Nothing is marked: these figures cannot be compared, for the runs differ in {', '.join(apart)}."
    head = ["Measure", *names, *plain, *(["Floor", "Real rows"] if floored else ["Noise floor"])]
    empty = (None,) * (len(plain) + 1 + floored)
    return join(
        element("p", warning, class_="warning") if apart else None,
        table(head, [*rows, *([*line, *empty] for line in course(subjects))], "All runs", "figures"),
        element("p", STAR, class_="note") if rows and not apart else None,
        element("p", PLACE, class_="note") if floored else None,
    )


def place(name: str, evaluation: Mapping[str, Any] | None) -> Markup | None:
    """Where a score stands between floor and real rows, in small letters."""
    found = measures.places(evaluation).get(name)
    return None if found is None else element("small", percent(found))


def course(subjects: Sequence[Subject]) -> list[tuple[Child, ...]]:
    """Rows that say what each run was."""
    return [
        ("Game", *(subject.game for subject in subjects)),
        ("Samples seen", *(number(subject.run.progress.seen) for subject in subjects)),
        ("Time", *(span(subject.run.progress.seconds) for subject in subjects)),
        ("Diagnosis", *(badge(subject.diagnosis) for subject in subjects)),
    ]


def marks(subjects: Sequence[Subject], plain: Plain) -> dict[str, list[bool]]:
    """For each measure which runs and plain baselines are best; none where figures cannot be compared."""
    evaluations = [*(subject.evaluation for subject in subjects), *plain.values()]
    none, apart = [False] * len(evaluations), disagreements(subjects)
    return {name: none if apart else measures.best(name, evaluations) for name in measures.rows(evaluations)}


def leader(subjects: Sequence[Subject], names: Sequence[str], plain: Plain) -> str:
    """Who is best by most measures, in a sentence."""
    telling = [marked for marked in marks(subjects, plain).values() if any(marked)]
    if not telling:
        return "No measure tells the runs apart."
    counts = [sum(column) for column in zip(*telling, strict=True)]
    first = [name for name, count in zip([*names, *plain], counts, strict=True) if count == max(counts)]
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
