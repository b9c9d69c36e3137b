"""Which charts a run has, how to read them, and the charts that compare runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganvas.reporting import measures
from ganvas.reporting.drawing import COLOURS, SERIES, SIZE, Chart, Curve, canvas, compact, lines, short
from ganvas.reporting.values import Points, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ganvas.reporting.subject import Subject

SEEN = "samples seen"
CLOCK = ("t", "seen", "seconds")  # entries of a log line that are no figures


@dataclass(frozen=True)
class Panel:
    """Entries of the log that belong in one chart: a pattern for their names, and what their curves are called."""

    title: str
    caption: str
    keys: str  # its first group is the player
    label: str
    level: float | None = None


PANELS = {
    "losses": Panel("Losses", "What each player descends. In a game they need not fall.", r"([^.]+)()", "{0}"),
    "judgement": Panel(
        "What the discriminator says",
        "Its mean word on real and on made samples. Far apart: it tells them apart with ease.",
        r"([^.]+)\.(real|fake)",
        "{0}({1})",
    ),
    "auc": Panel(
        "How often it is right",
        "Share of pairs whose real sample is scored above the made one: 0.5 is guessing, 1 certain.",
        r"([^.]+)\.(auc)",
        "{0}",
        level=0.5,
    ),
    "gradients": Panel(
        "Gradient norms", "How hard each player is pushed.", r"([^.]+)\.(gradient|gradient_norm)", "{0}"
    ),
}


def charts(subject: Subject) -> dict[str, Chart]:
    """Every chart for which the run has figures, by name. Raises InputError without matplotlib."""
    made = {}
    keys = dict.fromkeys(key for line in subject.log for key in line if key not in CLOCK)
    for name, panel in PANELS.items():
        found = [match for key in keys if (match := re.fullmatch(panel.keys, key))]
        curves = [Curve(panel.label.format(*match.groups()), subject.curve(match[0])) for match in found]
        curves = [curve for curve in curves if len(curve.points[0])]
        if curves:
            made[name] = lines(panel.title, panel.caption, curves, SEEN, panel.level)
    for metric, points in subject.scores.items():
        if len(points[0]):
            made["score_" + re.sub(r"\W", "_", metric)] = score(metric, [Curve("", points, side(metric))], SEEN)
    square = precision_recall([subject], [""])
    return made | ({"precision_recall": square} if square else {})


def side(metric: str) -> str:
    """Which way a score is better."""
    return "higher" if measures.measure(metric).better == "higher" else "lower"


def score(metric: str, curves: Sequence[Curve], across: str) -> Chart:
    """The checkpoints of runs by a metric."""
    title = measures.measure(metric).title
    caption = f"Each checkpoint, judged on held-out data: {side(metric)} is better. {rings(curves)}"
    return lines(f"{title[:1].upper()}{title[1:]} of checkpoints", caption, curves, across)


def rings(curves: Sequence[Curve]) -> str:
    """What the ring at the best point of a curve says."""
    if len(curves) > 1:
        return "Rings are the best of each run."
    x, y = curves[0].points
    at = int(y.argmin() if curves[0].better == "lower" else y.argmax())
    return f"The ring is the best: {number(float(y[at]))} after {x[at]:,.0f} samples."


def overlays(subjects: Sequence[Subject], names: Sequence[str]) -> list[Chart]:
    """The scores of several runs over each other, by samples seen and by seconds; of metrics that two runs share."""
    made = []
    for metric in dict.fromkeys(metric for subject in subjects for metric in subject.scores):
        sharing = [(s, n) for s, n in zip(subjects, names, strict=True) if len(s.scores.get(metric, ((), ()))[0])]
        if len(sharing) < 2:
            continue
        seen = [Curve(name, s.scores[metric], side(metric)) for s, name in sharing]
        timed = [Curve(name, timed_points(s, metric), side(metric)) for s, name in sharing]
        made += [score(metric, seen, SEEN), score(metric, timed, "seconds of training")]
    return made


def timed_points(subject: Subject, metric: str) -> Points:
    """The scores of a run by seconds of training."""
    seen, scores = subject.scores[metric]
    return subject.seconds(seen), scores


def precision_recall(subjects: Sequence[Subject], names: Sequence[str]) -> Chart | None:
    """Runs as points in the unit square, a ring where real data stands; None when no run has both figures."""
    both = {"precision", "recall"}
    found = [(short(name), s.evaluation) for s, name in zip(subjects, names, strict=True)]
    found = [(name, evaluation) for name, evaluation in found if both <= measures.figures(evaluation).keys()]
    if not found:
        return None
    figure, axes = unit_square("recall: variety", "precision: quality")
    said = []
    for i, (name, evaluation) in enumerate(found):
        values, real = measures.figures(evaluation), measures.floors(evaluation)
        x, y, colour = values["recall"], values["precision"], SERIES[i % len(SERIES)]
        if both <= real.keys():
            axes.plot(real["recall"], real["precision"], "o", ms=8, mfc="none", mec=COLOURS["muted"], clip_on=False)
        axes.plot(x, y, "o", ms=8, color=colour, clip_on=False)
        text = axes.annotate(name, (x, y), (8, 0), textcoords="offset points", va="center", color=colour, fontsize=SIZE)
        text.set_parse_math(False)
        said.append(f"{name} precision {number(y)}, recall {number(x)}".strip())
    caption = "Right: more varied. Up: better made. The ring is where real data stands against real data."
    return Chart("Precision and recall", caption, f"Precision and recall: {'; '.join(said)}.", figure)


def unit_square(across: str, up: str) -> tuple[Figure, Axes]:
    """Empty axes from 0 to 1."""
    figure, axes = canvas(1.1, 1.4)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.grid(axis="x", color=COLOURS["rule"], linewidth=0.7)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0.0, 0.25, 0.5, 0.75, 1.0])
        compact(axis)
    axes.set_xlabel(across, color=COLOURS["muted"], fontsize=SIZE)
    axes.set_ylabel(up, color=COLOURS["muted"], fontsize=SIZE)
    return figure, axes
