"""How far rows of a table are apart: numbers by their difference, classes by being equal or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ganvas.metrics.tables.rows import Flags, Rows

BLOCK = 2**21  # distances held at once: 16 MiB


def spans(real: Rows, flags: Flags) -> Rows:
    """The range [fields] of each number among ``real`` rows [n, fields]; 1 for classes, constants, missing columns."""
    width = np.fmax.reduce(real, 0) - np.fmin.reduce(real, 0)
    return np.where(~flags & (width > 0), width, 1.0)


def distances(queries: Rows, points: Rows, flags: Flags, span: Rows) -> Iterator[tuple[slice, Rows]]:
    """Distances of ``queries`` [m, fields] to ``points`` [n, fields], block by block: (rows, float64 [rows, n]).

    The sum over the fields of |difference| / span for numbers, of 1 for classes that differ and for values of which
    one is missing (Gower 1971, doi:10.2307/2528823, as a sum): 0 for equal rows only.
    """
    step = max(1, BLOCK // len(points))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        total = np.zeros((len(queries[rows]), len(points)))
        for j, discrete in enumerate(flags):
            total += _gaps(queries[rows, j] / span[j], points[:, j] / span[j], bool(discrete))
        yield rows, total


def _gaps(a: Rows, b: Rows, discrete: bool) -> Rows | NDArray[np.bool_]:
    """The distances [m, n] of one field's values [m] and [n]."""
    missing, missing_b = np.isnan(a), np.isnan(b)
    if discrete:
        return np.where(missing, -1.0, a)[:, None] != np.where(missing_b, -1.0, b)
    gaps = np.abs(a[:, None] - b)
    if missing.any() or missing_b.any():
        one, other = missing[:, None], missing_b[None]
        gaps = np.where(one | other, one != other, gaps)
    return gaps


def nearest(queries: Rows, points: Rows, flags: Flags, span: Rows) -> tuple[Rows, NDArray[np.int64]]:
    """The distance of each of ``queries`` [m, fields] to its nearest of ``points``, and that one's index: [m], [m]."""
    found, where = np.empty(len(queries)), np.empty(len(queries), dtype=np.int64)
    for rows, gaps in distances(queries, points, flags, span):
        where[rows] = gaps.argmin(1)
        found[rows] = np.take_along_axis(gaps, where[rows, None], 1)[:, 0]
    return found, where
