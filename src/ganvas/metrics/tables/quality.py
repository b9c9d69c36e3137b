"""Quality: are the columns and their pairs distributed alike? What it cannot see needs three columns or more.

The definition is that of SDMetrics' QualityReport (DataCebo, MIT): a score in [0, 1] for each column and each pair,
and the mean of both means. Columns shuffled independently score .78 to .87 on real tables (benchmarks/tables.py), so a
quality without that floor and without the ceiling of held-out real rows (``normalised``) says little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganvas.metrics.tables.rows import Flags, Rows, check_tables, codes, part, phi_square

MOST = 50_000  # rows of each table that are compared
BINS = 10  # of a number, where it is paired with a class
CORRELATED, ASSOCIATED = 0.5, 0.3  # |Pearson's correlation| and Cramér's V beyond which columns go together
MOST_CELLS = 2**16  # of a table of frequencies that is written out; of a bigger one the cells that occur


class Quality(NamedTuple):
    """What ``quality`` found, each in [0, 1]; NaN where nothing can be compared.

    Attributes:
        overall: the mean of shapes and trends; shapes alone where there is no pair.
        shapes: the mean of ``columns``.
        trends: the mean of ``pairs`` of columns that go together in the real rows; NaN where there is none.
        columns: [fields], how alike each column is distributed; NaN for columns without any value.
        pairs: [fields, fields], how alike each pair is, symmetric; NaN on the diagonal and for constant numbers.
    """

    overall: float
    shapes: float
    trends: float
    columns: Rows
    pairs: Rows


def quality(real: Rows, made: Rows, discrete: Sequence[bool], own_bins: bool = False, seed: int = 0) -> Quality:
    """Compares ``made`` [m, fields] with ``real`` rows [n, fields], NaN where missing, column by column and in pairs.

    A column of numbers: 1 - the Kolmogorov-Smirnov statistic; of classes: 1 - the total variation distance. A pair of
    numbers: 1 - half the difference of Pearson's correlations; any other pair: 1 - the total variation distance of the
    tables of frequencies, with numbers cut into 10 bins of equal width. Missing values are left out, but in a table of
    frequencies they are a class of their own. Pairs count whose |correlation| or Cramér's V in the real rows is above
    0.5 and 0.3: columns that do not go together are too easy. The bins are those of the real rows, the outer ones open;
    the releases of SDMetrics give the made rows bins of their own range, so that an outlier moves the score:
    ``own_bins`` does so too. Of more than 50,000 rows a random part is compared (by ``seed``). Raises InputError for
    tables that do not go together.
    """
    flags = check_tables(discrete, real, made)
    real, made = part(real, MOST, seed), part(made, MOST, seed)
    columns = np.array([_shape(real[:, j], made[:, j], flag) for j, flag in enumerate(flags)])
    pairs, together = _pairs(real, made, flags, own_bins)
    shapes, trends = _mean(columns), _mean(pairs[together])
    return Quality(_mean(np.array([shapes, trends])), shapes, trends, columns, pairs)


def _mean(scores: Rows) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if known.size else float("nan")


def _shape(real: Rows, made: Rows, discrete: bool) -> float:
    """The score of one column [n], [m]."""
    real, made = np.sort(real[~np.isnan(real)]), np.sort(made[~np.isnan(made)])
    if not len(real) or not len(made):
        return float("nan")
    values = np.unique(np.concatenate([real, made]))
    below = np.stack([np.searchsorted(rows, values, "right") / len(rows) for rows in (real, made)])
    gaps = below[0] - below[1]
    return float(1 - (np.abs(np.diff(gaps, prepend=0.0)).sum() / 2 if discrete else np.abs(gaps).max()))


def _pairs(real: Rows, made: Rows, flags: Flags, own_bins: bool) -> tuple[Rows, NDArray[np.bool_]]:
    """The scores of all pairs, and which go together in the real rows [fields, fields]."""
    found, together = np.full((len(flags), len(flags)), np.nan), np.zeros((len(flags), len(flags)), bool)
    classes = [_classes(real[:, j], made[:, j], flag, own_bins) for j, flag in enumerate(flags)]
    for i in range(len(flags)):
        for j in range(i):
            if flags[i] or flags[j]:
                score = _contingency(classes[i], classes[j], len(real))
                close = _cramer(*(column[: len(real)] for column, _ in (classes[i], classes[j]))) > ASSOCIATED
            else:
                whole = _correlation(real[:, [i, j]])
                score = 1 - abs(whole - _correlation(made[:, [i, j]])) / 2
                close = abs(whole) > CORRELATED
            found[i, j] = found[j, i] = score
            together[i, j] = together[j, i] = close
    return found, together


def _correlation(two: Rows) -> float:
    """Pearson's, of the rows of ``two`` [n, 2] without missing values; NaN where one of them is constant."""
    two = two[~np.isnan(two).any(1)]
    if not len(two) or not np.ptp(two, axis=0).all():
        return float("nan")
    two = (two - two.mean(0)) / np.ptp(two, axis=0)
    return float(two[:, 0] @ two[:, 1] / (np.linalg.norm(two[:, 0]) * np.linalg.norm(two[:, 1])))


def _classes(real: Rows, made: Rows, discrete: bool, own_bins: bool) -> tuple[NDArray[np.int64], int]:
    """A column of both tables, the real rows first, as class numbers [n + m] and how many there are."""
    if not discrete:
        real, made = _binned(real, real), _binned(made, made if own_bins else real)
    return codes(np.concatenate([real, made]))


def _binned(values: Rows, of: Rows) -> Rows:
    """The bin of each of ``values`` [n] among 10 of the range of ``of``; NaN stays."""
    known = of[~np.isnan(of)]
    if not len(known):
        return np.where(np.isnan(values), np.nan, 0.0)
    inner = np.histogram_bin_edges(known, BINS)[1:-1]
    return np.where(np.isnan(values), np.nan, np.searchsorted(inner, values, "right"))


def _contingency(a: tuple[NDArray[np.int64], int], b: tuple[NDArray[np.int64], int], n: int) -> float:
    """1 - the total variation distance of two columns' joint frequencies; the first ``n`` rows are the real ones."""
    joint, cells = a[0] * b[1] + b[0], a[1] * b[1]
    if cells > MOST_CELLS:
        joint, cells = codes(joint)
    real, made = (np.bincount(rows, minlength=cells) / len(rows) for rows in (joint[:n], joint[n:]))
    return float(1 - np.abs(real - made).sum() / 2)


def _cramer(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Cramér's V in [0, 1] of two columns of class numbers [n]: how far they go together; 0 where one is constant."""
    freedom = min(np.count_nonzero(np.bincount(column)) for column in (a, b)) - 1
    return float(np.sqrt(phi_square(a, b) / freedom)) if freedom else 0.0
