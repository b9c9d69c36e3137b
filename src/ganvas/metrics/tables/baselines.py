"""Plain generators that an honest report of made tables must show beside its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganvas.metrics.tables.rows import Rows, check_tables, codes

LEAF = 5  # training rows in a leaf, at least: synthpop's minbucket
MOST_CLASSES = 100  # of a field whose classes a tree tells apart; a field of more is treated as a number


def independent(raw: Rows, n: int, rng: np.random.Generator) -> Rows:
    """``n`` rows [n, fields] whose columns are those of ``raw``, each shuffled on its own: the floor of all scores.

    Whole permutations of the rows as long as there are rows to make. Raises InputError for a table without rows.
    """
    check_tables([False] * raw.shape[-1], raw)
    rounds = max(1, -(-n // len(raw)))
    return np.stack([np.concatenate([rng.permutation(column) for _ in range(rounds)])[:n] for column in raw.T], axis=1)


def sequential_cart(raw: Rows, discrete: Sequence[bool], n: int, rng: np.random.Generator) -> Rows:
    """``n`` rows [n, fields], field after field: a decision tree on those before it, then a draw from the leaf.

    Reiter 2005 (Journal of Official Statistics 21) as in synthpop: Nowok et al. 2016, doi:10.18637/jss.v074.i11. The
    first column is drawn with replacement. Every value comes from a training row that is alike so far, so the quality
    is hard to beat, and the rows lean on the training rows: likeness without any regard for privacy. Raises InputError
    for tables that do not go with ``discrete``.
    """
    flags = check_tables(discrete, raw)
    seen = np.stack([codes(column)[0] for column in raw.T], axis=1)  # trees need the order of the values only
    drawn = rng.integers(len(raw), size=(n, 1))  # of each made value, the training row it comes from
    for j in range(1, raw.shape[1]):
        before = np.stack([seen[drawn[:, i], i] for i in range(j)], axis=1)
        tree = _tree(seen[:, :j], raw[:, j], bool(flags[j]), int(rng.integers(2**31)))
        drawn = np.column_stack([drawn, _from_leaves(tree.apply(seen[:, :j]), tree.apply(before), rng)])
    return np.take_along_axis(raw, drawn, 0)


def _tree(x: NDArray[np.int64], y: Rows, discrete: bool, seed: int) -> Any:
    """A tree fitted to x [n, k] and y [n]; missing numbers stand as far below the least as the greatest is above."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    ranks, count = codes(y)
    if discrete and count <= MOST_CLASSES:
        return DecisionTreeClassifier(min_samples_leaf=LEAF, random_state=seed).fit(x, ranks)
    known = y[~np.isnan(y)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    scaled = np.nan_to_num((y - low) / ((high - low) or 1.0), nan=-1.0)
    return DecisionTreeRegressor(min_samples_leaf=LEAF, random_state=seed).fit(x, scaled)


def _from_leaves(leaves: NDArray[np.int64], asked: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """For each leaf of ``asked`` [n] one of the training rows in it, where ``leaves`` [m] are those of the rows."""
    order = np.argsort(leaves, kind="stable")
    first, last = (np.searchsorted(leaves[order], asked, side) for side in ("left", "right"))
    return order[rng.integers(first, last)]
