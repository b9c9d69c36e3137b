"""What drifted in made rows of a table: a chart for each column, and the pairs of columns as a square."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas.reporting.drawing import COLOURS, SIZE, WIDTH, Chart, canvas, compact
from ganvas.reporting.values import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 24  # columns that are drawn: those that drifted most
LETTERS = 18  # of a class's name
BAND = 0.22  # inches for a name in the square
MADE, REAL = COLOURS["two"], COLOURS["muted"]
SQUARE = (
    "How strongly two columns go together: Cramér's V, corrected for chance; numbers by their tenths. Below the "
    "diagonal real rows, above it made ones: where the two halves mirror each other, nothing was lost."
)


def drifts(evaluation: Mapping[str, Any] | None) -> dict[str, Chart]:
    """The charts of the columns by name, ``column_price`` …, those that drifted most first, and ``pairs``."""
    found = evaluation or {}
    made = {}
    for one in (found.get("columns") or [])[:SHOWN]:
        name = "column_" + re.sub(r"\W", "_", one["name"])
        while name in made:
            name += "_"
        made[name] = column(one)
    names = (found.get("pairs") or {}).get("names") or []
    return made | ({"pairs": square(found["pairs"])} if len(names) > 1 else {})


def column(one: Mapping[str, Any]) -> Chart:
    """Real rows as filled bars, made rows as lines, of one column."""
    real, made = (np.array([value or 0.0 for value in one[key]]) for key in ("real", "made"))
    labels = [*one.get("labels", ()), *(["missing"] if one["missing"] else [])]
    if "labels" in one:
        figure, axes = canvas(1.5, 0.2)
        classes(axes, labels, real, made)
    else:
        figure, axes = canvas(0.55, 0.2)
        numbers(axes, one, real, made)
    drift, usual = (None if one[key] is None else 1 - one[key] for key in ("shape", "ceiling"))
    caption = f"Drift {number(drift)}; of other real rows {number(usual)}."
    most = int(np.abs(real - made).argmax()) if len(real) else 0
    where = f" of {labels[most]}" if "labels" in one and labels else ""
    told = f"{one['name']}: the largest gap is {made[most]:.1%}{where} in made rows, {real[most]:.1%} in real ones."
    return Chart(one["name"], caption, told, figure)


def classes(axes: Axes, labels: list[str], real: np.ndarray, made: np.ndarray) -> None:
    """Bars from left to right, a class below the other."""
    from matplotlib.ticker import MaxNLocator

    y = np.arange(len(labels))
    axes.barh(y, real, 0.8, color=REAL, alpha=0.35)
    axes.barh(y, made, 0.8, facecolor="none", edgecolor=MADE, linewidth=1.6)
    axes.grid(False)
    axes.grid(axis="x", color=COLOURS["rule"], linewidth=0.7)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_yticks(y, [cut(label) for label in labels])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    compact(axes.xaxis)


def cut(label: str) -> str:
    """A name that fits beside its bar."""
    return label if len(label) <= LETTERS else label[: LETTERS - 1] + "…"


def numbers(axes: Axes, one: Mapping[str, Any], real: np.ndarray, made: np.ndarray) -> None:
    """A histogram; what is missing stands apart on the right."""
    from matplotlib.ticker import MaxNLocator

    edges = np.array(one["edges"], np.float64)
    k = len(edges) - 1
    axes.stairs(real[:k], edges, fill=True, color=REAL, alpha=0.35)
    axes.stairs(made[:k], edges, color=MADE, linewidth=1.6, baseline=None)
    axes.xaxis.set_major_locator(MaxNLocator(4 if one["kind"] == "date" else 5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    if one["kind"] == "date":
        axes.xaxis.set_major_formatter(lambda value, _: str(np.datetime64(int(value), "us"))[:10])
    else:
        compact(axes.xaxis)
    compact(axes.yaxis)
    if one["missing"]:
        wide = (edges[-1] - edges[0]) / 12
        at = edges[-1] + 1.2 * wide
        axes.bar(at, real[-1], wide, color=REAL, alpha=0.35)
        axes.bar(at, made[-1], wide, facecolor="none", edgecolor=MADE, linewidth=1.6)
        axes.annotate("missing", (at, 0), (0, -16), textcoords="offset points", ha="center", va="top", fontsize=SIZE,
                      color=COLOURS["muted"])  # fmt: skip
    axes.set_ylim(0, 1.08 * max(real.max(), made.max(), 1e-6))


def square(pairs: Mapping[str, Any]) -> Chart:
    """Real rows below the diagonal, made ones above it."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    names = [cut(name) for name in pairs["names"]]
    k, edge = len(names), 1.6
    real, made = (np.array(pairs[key], dtype=np.float64) for key in ("real", "made"))
    shown = np.where(np.tri(k, dtype=bool), real, made)
    figure, axes = canvas(0.5, 0.2)
    side = max(WIDTH - edge, BAND * k)
    figure.set_size_inches(side + edge, side + edge)
    axes.set_position((edge / (side + edge), 0.0, side / (side + edge), side / (side + edge)))
    red, green, blue, _ = to_rgba(COLOURS["one"])
    ramp = LinearSegmentedColormap.from_list("ganvas", [(red, green, blue, 0.0), (red, green, blue, 1.0)])
    axes.grid(False)
    axes.pcolormesh(np.nan_to_num(shown)[::-1], cmap=ramp, vmin=0, vmax=1)
    axes.plot([0, k], [k, 0], color=COLOURS["rule"], linewidth=0.9)
    axes.set(xlim=(0, k), ylim=(0, k))
    middle = np.arange(k) + 0.5
    axes.xaxis.tick_top()
    axes.set_xticks(middle, names, rotation=90)
    axes.set_yticks(middle, names[::-1])
    for text in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        text.set_parse_math(False)
    axes.spines["bottom"].set_visible(False)
    return Chart("Pairs of columns", SQUARE + left_out(pairs), told(pairs, real, made), figure)


def left_out(pairs: Mapping[str, Any]) -> str:
    """How many columns are not shown."""
    count = pairs.get("left_out") or 0
    return f" {count} columns whose pairs are less far off are not shown." if count else ""


def told(pairs: Mapping[str, Any], real: np.ndarray, made: np.ndarray) -> str:
    """The pair that is farthest off, in words."""
    gaps = np.nan_to_num(np.abs(real - made))
    i, j = np.unravel_index(int(gaps.argmax()), gaps.shape)
    both = f"{pairs['names'][i]} and {pairs['names'][j]}"
    return (
        f"Farthest off are {both}: {number(float(made[i, j]))} in made rows, {number(float(real[i, j]))} in real ones."
    )
