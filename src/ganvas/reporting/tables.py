"""One run of a table: scores between floor and ceiling, privacy, columns that drifted, pairs, rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganvas.reporting import measures
from ganvas.reporting.chapter import again, course, diagnosis, gallery, protocol
from ganvas.reporting.charts import charts
from ganvas.reporting.drawing import svg
from ganvas.reporting.drift import SHOWN, drifts
from ganvas.reporting.tags import Markup, element, join, section, table
from ganvas.reporting.values import number, percent

if TYPE_CHECKING:
    from ganvas.reporting.subject import Subject

BETWEEN = (
    "Place: 0 % is the floor, the same columns each shuffled on its own, which takes no model; 100 % is what other "
    "real rows score against the same ones. A score without both says little."
)
ALARM = (
    "These are copy alarms, not proof. A distance to the closest record near its ideal does not say that nobody's "
    "record leaks: attacks on membership find what distances miss (Yao et al. 2025, arXiv:2505.01524), and a stronger "
    "attack may find more than these do. Only a mechanism such as differential privacy gives a guarantee."
)
LEAK = (
    "Place: 0 % is handing out the training rows themselves, as the same attack sees them; 100 % is what fresh real "
    "rows give away."
)


def chapter(subject: Subject, title: str) -> Markup:
    """All sections of one run of a table; those about which nothing is known are left out."""
    evaluation = subject.evaluation or {}
    return join(
        rows(evaluation),
        diagnosis(subject.diagnosis or {}),
        judgement(evaluation),
        course(subject, list(charts(subject).values())),
        protocol({"Evaluation": evaluation, "Diagnosis": subject.diagnosis}),
        again(subject),
    )


def judgement(evaluation: Mapping[str, Any]) -> Markup:
    """Scores, privacy, columns and pairs."""
    drawn = drifts(evaluation)
    pairs = drawn.pop("pairs", None)
    return join(scores(evaluation), privacy(evaluation), columns(evaluation, drawn), square(pairs))


def rows(evaluation: Mapping[str, Any]) -> Markup:
    """The first made rows as a small table."""
    found = evaluation.get("examples") or {}
    if not found.get("rows"):
        return Markup()
    told = element("p", "The first made rows. Real rows are not shown: a report travels.", class_="note")
    return section("Rows", table(found["columns"], found["rows"], "Made rows", "facts"), told)


def scores(evaluation: Mapping[str, Any]) -> Markup:
    """How like real rows the made ones are, every score with its floor and its ceiling."""
    found = lines(evaluation, measures.SCORES)
    if not found:
        return Markup()
    notes = [str(one) for one in evaluation.get("warnings") or [] if not private(str(one))]
    caption = f"{evaluation.get('of')} against {evaluation.get('against')}"
    return section(
        "Scores",
        *(element("p", note, class_="warning") for note in notes),
        table(["Measure", "Made rows", "Floor", "Real rows", "Place"], found, caption, "figures bars"),
        element("p", BETWEEN, class_="note"),
    )


def private(warning: str) -> bool:
    """Whether a warning belongs to the section on privacy."""
    return warning.startswith(("alarm:", "No alarm")) or "privacy" in warning


def privacy(evaluation: Mapping[str, Any]) -> Markup:
    """What attacks find, and how much that is worth."""
    found = lines(evaluation, measures.PRIVACY)
    notes = [str(one) for one in evaluation.get("warnings") or [] if private(str(one)) and "No alarm" not in str(one)]
    if not found and not notes:
        return Markup()
    head = ["Attack", "Made rows", "Training rows", "Fresh real rows", "Place"]
    return section(
        "Privacy",
        element("p", ALARM),
        *(element("p", note[:1].upper() + note[1:], class_="warning") for note in notes),
        table(head, found, "What the made rows give away of the training rows", "figures bars") if found else None,
        element("p", LEAK, class_="note") if found else None,
    )


def lines(evaluation: Mapping[str, Any], names: Sequence[str]) -> list[tuple[Markup | str, ...]]:
    """A row for each of these measures: what it means, its figure, floor, ceiling and place between them."""
    found, ceiling, place = measures.figures(evaluation), measures.floors(evaluation), measures.places(evaluation)
    floor = measures.bottom(evaluation)
    made: list[tuple[Markup | str, ...]] = []
    for name in (name for name in names if name in found):
        how = measures.measure(name)
        title = join(how.title, element("small", how.meaning))
        figures = (measures.written(name, found), number(floor.get(name)), number(ceiling.get(name)))
        made.append((title, *figures, bar(place.get(name))))
    return made


def bar(place: float | None) -> Markup | str:
    """A place between floor and ceiling, in percent, over a bar of that length; a dash where it has no meaning."""
    if place is None:
        return "–"
    length = max(0.0, min(1.0, place))
    return join(element("span", percent(place)), element("i", style=f"width:{length:.1%}", aria_hidden="true"))


def columns(evaluation: Mapping[str, Any], drawn: Mapping[str, Any]) -> Markup:
    """The columns that drifted most."""
    count = len(evaluation.get("columns") or [])
    first = f"The {SHOWN} of {count} columns that drifted most" if count > SHOWN else "Those that drifted most first"
    told = f"{first}. Filled: real rows; line: made rows. Drift is what the score of the column lacks to 1."
    return section("Columns", element("p", told, class_="note") if drawn else None, gallery(list(drawn.values())))


def square(pairs: Any) -> Markup:
    """How columns go together."""
    if pairs is None:
        return Markup()
    return section("Pairs", element("figure", svg(pairs), element("figcaption", pairs.caption), class_="square"))
