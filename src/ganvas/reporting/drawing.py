"""Line charts by matplotlib, quiet and directly labelled: PNG for files, SVG that follows the page's colours."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ganvas.errors import InputError
from ganvas.reporting.tags import Markup, element
from ganvas.reporting.values import Points, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLOURS = {  # by their names in page.css, where a dark page has others
    "ink": "#1b1d22",
    "muted": "#646a73",
    "rule": "#dfe2e7",
    "one": "#3b5bdb",
    "two": "#d9480f",
    "three": "#2b8a3e",
    "four": "#9c36b5",
    "five": "#0b7285",
    "six": "#96650a",
}
SERIES = [COLOURS[name] for name in ("one", "two", "three", "four", "five", "six")]
WIDTH, HEIGHT = 5.0, 2.9  # inches
SIZE = 10.0  # of letters, in points
DECADES = 30.0  # positive values that span more than this factor get a logarithmic scale
LABEL = 20  # letters of a curve's name, at the most
MANY = 60  # points from which a curve is drawn smoothed, over itself in a pale colour


@dataclass(frozen=True)
class Curve:
    """A line of a chart; with ``better`` (lower, higher) its best point is marked."""

    label: str
    points: Points
    better: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawn figure, its title, how to read it, and what it says, for those who do not see it."""

    title: str
    caption: str
    alt: str
    figure: Figure


def canvas(left: float, right: float) -> tuple[Figure, Axes]:
    """An empty chart with quiet axes, ``left`` and ``right`` inches from its edges. InputError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("charts need matplotlib; install it with: pip install 'ganvas[report]'") from None
    figure = Figure(figsize=(WIDTH, HEIGHT))
    axes = figure.add_axes((left / WIDTH, 0.18, 1 - (left + right) / WIDTH, 0.77))
    axes.patch.set_visible(False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(COLOURS["rule"])
    axes.grid(axis="y", color=COLOURS["rule"], linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelcolor=COLOURS["muted"], labelsize=SIZE, pad=5)
    return figure, axes


def lines(title: str, caption: str, curves: Sequence[Curve], across: str, level: float | None = None) -> Chart:
    """A line chart with the name of each curve at its end; ``level`` draws a line to compare with."""
    figure, axes = canvas(0.55, 0.2 + 0.084 * max(len(short(curve.label)) for curve in curves))
    scales(axes, curves, across)
    ends = [draw(axes, curve, SERIES[i % len(SERIES)]) for i, curve in enumerate(curves)]
    if level is not None:
        axes.axhline(level, color=COLOURS["muted"], linewidth=0.9, linestyle=(0, (3, 3)))
    name_ends(axes, [short(curve.label) for curve in curves], ends)
    told = "; ".join(f"{curve.label} ends at {number(end)}".strip() for curve, end in zip(curves, ends, strict=True))
    return Chart(title, caption, f"{title} by {across}: {told}.", figure)


def short(label: str) -> str:
    """A label that fits."""
    return label if len(label) <= LABEL else label[: LABEL - 1] + "…"


def scales(axes: Axes, curves: Sequence[Curve], across: str) -> None:
    """Few round ticks; a logarithmic scale when all values are positive and span decades."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    y = np.concatenate([curve.points[1] for curve in curves])
    if (y > 0).all() and y.max() > DECADES * y.min():
        axes.set_yscale("log")
        few = y.max() < 100 * y.min()
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.margins(x=0.01)
    for axis in (axes.xaxis, axes.yaxis):
        compact(axis)
    axes.set_xlabel(across, color=COLOURS["muted"], fontsize=SIZE, loc="right", labelpad=3)


def compact(axis: Axis) -> None:
    """Ticks like 400k and 1.2M."""
    from matplotlib.ticker import FuncFormatter

    def written(value: float, _: int | None = None) -> str:
        for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= factor:
                return f"{value / factor:.4g}{unit}"
        return f"{value:.4g}"

    axis.set_major_formatter(FuncFormatter(written))


def draw(axes: Axes, curve: Curve, colour: str) -> float:
    """Draw a curve, one of many points as its running mean over itself in a pale colour; returns where it ends."""
    x, y = curve.points
    shown = running_mean(y)
    if len(y) >= MANY:
        axes.plot(x, y, color=colour, linewidth=0.7, alpha=0.3)
    dots = "o" if len(x) <= 2 else None
    axes.plot(x, shown, color=colour, linewidth=1.8, solid_capstyle="round", marker=dots, markersize=4)
    if curve.better:
        at = int(y.argmin() if curve.better == "lower" else y.argmax())
        axes.plot(x[at], y[at], "o", markersize=7, markerfacecolor="none", markeredgecolor=colour, clip_on=False)
    return float(shown[-1])


def running_mean(y: np.ndarray) -> np.ndarray:
    """The mean of each value [n] and its neighbours, about 1/40 of all; few values stay as they are."""
    if len(y) < MANY:
        return y
    window = np.ones(2 * (len(y) // 80) + 1)
    total: np.ndarray = np.convolve(y, window, "same") / np.convolve(np.ones(len(y)), window, "same")
    return total


def name_ends(axes: Axes, labels: Sequence[str], ends: Sequence[float]) -> None:
    """Write each label beside the end of its curve, moved apart where they would meet."""
    axes.autoscale_view()
    at = axes.transData.transform([(0.0, end) for end in ends])[:, 1]
    share = axes.transAxes.inverted().transform([(0.0, y) for y in at])[:, 1]
    places = apart(share, 0.085)
    for i, (label, place) in enumerate(zip(labels, places, strict=True)):
        colour = SERIES[i % len(SERIES)]
        text = axes.text(1.02, place, label, transform=axes.transAxes, va="center", color=colour, fontsize=SIZE)
        text.set_parse_math(False)


def apart(places: np.ndarray, gap: float) -> np.ndarray:
    """The places [n] moved up as little as needs be so that all are ``gap`` apart, and then down into [0, 1]."""
    order, moved = np.argsort(places, kind="stable"), places.copy()
    for before, here in itertools.pairwise(order):
        moved[here] = max(moved[here], moved[before] + gap)
    top = 1.0
    for here in order[::-1]:
        moved[here] = min(moved[here], top)
        top = moved[here] - gap
    return moved


def png(chart: Chart) -> bytes:
    """The chart on white under its title, at 200 dots per inch."""
    buffer = io.BytesIO()
    title = chart.figure.suptitle(chart.title, x=0.02, ha="left", color=COLOURS["ink"], fontsize=SIZE + 1)
    title.set_parse_math(False)
    chart.figure.savefig(buffer, format="png", dpi=200, facecolor="white", pad_inches=0.12, bbox_inches="tight")
    title.remove()
    return buffer.getvalue()


def svg(chart: Chart) -> Markup:
    """The chart as an ``<svg>`` for the page: letters are the page's, colours its variables, background none."""
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "ganvas"}):
        chart.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    inner = re.sub(r"<metadata>.*?</metadata>", "", text[text.index(">", text.index("<svg")) + 1 :], flags=re.S)
    inner = re.sub(r'<g id="[^"]*"', "<g", inner.replace("</svg>", ""))
    for name, colour in COLOURS.items():
        inner = inner.replace(colour, f"var(--{name})")
    return element("svg", Markup(inner.strip()), viewBox=box[1] if box else None, role="img", aria_label=chart.alt)
