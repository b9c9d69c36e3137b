"""Association: how strongly do two columns go together, whatever they hold? For looking at, beside ``quality``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganvas.metrics.tables.rows import Rows, check_tables, codes, part, phi_square

MOST = 10_000  # rows
BINS = 10  # of a number, of about as many rows each


def association(raw: Rows, discrete: Sequence[bool], seed: int = 0) -> Rows:
    """Cramér's V [fields, fields] in [0, 1] of all pairs of columns of ``raw`` [n, fields], corrected for chance.

    Bergsma 2013, doi:10.1016/j.jkss.2012.10.002: 0 for columns that have nothing to do with each other, 1 where each
    tells the other; symmetric, without a sign. Numbers count by their tenths of the rows, and what is missing is a
    class of its own. NaN on the diagonal and for constant columns. Of more than 10,000 rows a random part is used (by
    ``seed``). Raises InputError for a table that does not go with ``discrete``.
    """
    flags = check_tables(discrete, raw)
    raw = part(raw, MOST, seed)
    classes = [codes(column if flag else _tenths(column)) for column, flag in zip(raw.T, flags, strict=True)]
    found = np.full((len(flags), len(flags)), np.nan)
    for i in range(len(flags)):
        for j in range(i):
            found[i, j] = found[j, i] = _cramer(classes[i], classes[j])
    return found


def _tenths(column: Rows) -> Rows:
    """Which tenth of the known values each value [n] lies in, equal values together; NaN stays."""
    known = ~np.isnan(column)
    _, ranks, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    found = np.full(len(column), np.nan)
    found[known] = np.floor(BINS * middle[ranks.reshape(-1)] / max(1, int(known.sum())))
    return found


def _cramer(a: tuple[NDArray[np.int64], int], b: tuple[NDArray[np.int64], int]) -> float:
    """V of two columns of class numbers [n] and how many classes they have."""
    n, r, c = len(a[0]), a[1], b[1]
    if min(r, c) < 2 or n < 2:
        return float("nan")
    chance = (r - 1) * (c - 1) / (n - 1)  # what φ² is expected to be without any association
    square = max(0.0, phi_square(a[0], b[0]) - chance)
    most = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(square / most))) if most > 0 else float("nan")
