"""Boosted trees on the rows of a table: what judges made tables by what can be learnt from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganvas.metrics.tables.rows import Flags, Rows, codes

USUAL = (100, 31)  # trees, and leaves of each
MOST_CLASSES = 254  # of a field that the trees split by sets of classes; a field of more is split as a number is


def features(tables: Iterable[Rows], flags: Flags) -> tuple[list[Rows], list[int]]:
    """The tables [n, fields] for boosted trees, and which of their fields are split by sets of classes.

    Class numbers become 0, 1, …, the same in all tables; what is missing stays NaN, which the trees know.
    """
    tables = list(tables)
    whole = np.concatenate(tables)
    categorical = []
    for j in np.flatnonzero(flags):
        known = ~np.isnan(whole[:, j])
        if known.any():
            whole[known, j], count = codes(whole[known, j])
            categorical += [int(j)] * (count <= MOST_CLASSES)
    return np.split(whole, np.cumsum([len(raw) for raw in tables])[:-1]), categorical


def boosted(
    x: Rows, y: NDArray[Any], categorical: list[int], classes: bool, seed: int, size: tuple[int, int] = USUAL
) -> Any:
    """Scikit-learn's histogram gradient boosting with its own settings, fitted to x [n, k] and y [n].

    ``size``: how many trees, and leaves of each at most. Columns without any value, which it does not stand, become
    constants.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    trees, leaves = size
    model = kind(
        max_iter=trees,
        max_leaf_nodes=leaves,
        categorical_features=categorical,
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(np.where(np.isnan(x).all(0), 0.0, x), y)


def auc(scores: Rows, positive: NDArray[np.bool_]) -> float:
    """P(score of a positive > score of a negative) + P(equal)/2, by ranks, for ``scores`` [n] of both kinds.

    The area under the ROC curve: Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747.
    """
    _, ranks, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2  # of tied ranks, from 1
    count = int(positive.sum())
    return float((middle[ranks][positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))
