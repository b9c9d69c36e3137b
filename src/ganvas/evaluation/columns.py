"""Columns and pairs of columns of made rows beside real ones: what drifted, in numbers that can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas.metrics.tables.association import association
from ganvas.metrics.tables.quality import MOST
from ganvas.metrics.tables.rows import Rows, part

if TYPE_CHECKING:
    from ganvas.spaces.tables.fields import Field
    from ganvas.spaces.tables.space import Table

BARS = 20  # of the histogram of a number
CLASSES = 12  # of a column that have a bar of their own; the rest share one
MATRIX = 24  # columns in the matrix of pairs: those whose pairs are farthest off
ROWS, CELLS, LETTERS = 8, 24, 24  # of the examples: rows, columns, letters in a cell
MISSING, REST = "missing", "others"


def columns(space: Table, real: Rows, made: Rows, shapes: tuple[Rows, Rows]) -> list[dict[str, Any]]:
    """Each column, those that drifted most first: its name and kind, how alike it is, and its bars.

    ``shapes`` [columns] are the scores of made rows and of other real ones, in [0, 1]; drift is what a score lacks to
    1. Bars are shares of the rows by ``labels`` (classes) or between ``edges`` (numbers; what is beyond is in the first
    and the last), and of what is missing as the last of them.
    """
    found = []
    for j, field in enumerate(space.fields):
        told = {"name": field.name, "kind": field.kind}
        alike = {"shape": number(shapes[0][j]), "ceiling": number(shapes[1][j])}
        found.append(told | alike | bars(field, part(real[:, j], MOST), part(made[:, j], MOST)))
    return sorted(found, key=lambda one: 2.0 if one["shape"] is None else one["shape"])


def number(value: float) -> float | None:
    """Four digits; None for NaN."""
    return None if np.isnan(value) else float(f"{value:.4g}")


def bars(field: Field, real: np.ndarray, made: np.ndarray) -> dict[str, Any]:
    """Where the bars of a column [n], [m] stand and how high they are."""
    lacking = {MISSING} if np.isnan(real).any() or np.isnan(made).any() else set()
    if field.classes:
        by_count = np.argsort(-np.bincount(real[~np.isnan(real)].astype(np.int64), minlength=field.bins), kind="stable")
        shown = np.sort(by_count[:CLASSES]) if field.kind == "ordered" else by_count[:CLASSES]
        rest = [REST] if field.bins > CLASSES else []
        where: dict[str, Any] = {"labels": [field.classes[k] for k in shown] + rest}
        counts = [np.append([np.sum(v == k) for k in shown], [np.isin(v, by_count[CLASSES:]).sum()] * len(rest))
                  for v in (real, made)]  # fmt: skip
    else:
        edges = borders(real)
        where = {"edges": [float(f"{edge:.6g}") if field.kind == "number" else float(edge) for edge in edges]}
        counts = [np.bincount(np.searchsorted(edges[1:-1], v[~np.isnan(v)], "right"), minlength=len(edges) - 1)
                  for v in (real, made)]  # fmt: skip
    heights = [np.append(count, [np.isnan(v).sum()] * len(lacking)) / len(v)
               for count, v in zip(counts, (real, made), strict=True)]  # fmt: skip
    shares = {name: [number(share) for share in height] for name, height in zip(("real", "made"), heights, strict=True)}
    return where | shares | {"missing": bool(lacking)}


def borders(real: np.ndarray) -> np.ndarray:
    """Edges of equal bars over the middle 98 % of numbers [n], at least two."""
    known = real[~np.isnan(real)]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
    whole = len(known) > 0 and bool((known == np.round(known)).all()) and high - low < BARS
    if whole:
        return np.arange(low - 0.5, high + 1.0)
    return np.linspace(low, high, BARS + 1) if high > low else np.array([low - 0.5, low + 0.5])


def pairs(space: Table, real: Rows, made: Rows, scores: Rows, seed: int = 0) -> dict[str, Any]:
    """How strongly columns go together, in real and in made rows [columns, columns]; None where that has no meaning.

    With more than MATRIX columns, those are shown whose pairs are least alike by their ``scores`` [columns, columns].
    """
    shown = np.sort(np.argsort(-np.nansum(1 - scores, 1), kind="stable")[:MATRIX])
    discrete = [space.discrete[j] for j in shown]
    ours, theirs = (association(rows[:, shown], discrete, seed) for rows in (made, real))
    found: dict[str, Any] = {"names": [space.fields[j].name for j in shown]}
    for name, matrix in (("real", theirs), ("made", ours)):
        found[name] = [[number(value) for value in row] for row in matrix]
    return found | {"left_out": len(space.fields) - len(shown)}


def examples(space: Table, made: Rows) -> dict[str, Any]:
    """The first made rows as text. Real rows are not shown: a report travels."""
    frame = space.frame(made[:ROWS])
    names = [str(name) for name in frame.columns[:CELLS]]
    cells = [[str(cell)[:LETTERS] for cell in row] for row in frame.iloc[:, :CELLS].astype(object).to_numpy().tolist()]
    return {"columns": names, "rows": cells}
