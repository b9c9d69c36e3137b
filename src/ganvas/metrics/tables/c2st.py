"""Classifier two-sample test: how well can a strong learner tell made rows from real ones?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganvas.errors import InputError
from ganvas.metrics.tables.rows import Rows, check_tables, part
from ganvas.metrics.tables.trees import auc, boosted, features

MOST = 10_000  # rows of each table
FOLDS = 5


def c2st(real: Rows, made: Rows, discrete: Sequence[bool], seed: int = 0) -> float:
    """The ROC AUC in [0, 1] of boosted trees that tell ``made`` rows [m, fields] from held-out ``real`` ones.

    1/2 is best: nothing tells them apart; 1: every row gives itself away. Lopez-Paz & Oquab 2017, arXiv:1610.06545,
    with the AUC in the place of the accuracy. Five folds by ``seed``; each row is scored by the trees that have not
    seen it, all scores together make the AUC. Give real rows that no generator was trained on: against its training
    rows a copier is indistinguishable. Of both tables equally many rows are used, 10,000 at the most, chosen by
    ``seed``. Raises InputError for tables that do not go together or have less than 10 rows.
    """
    flags = check_tables(discrete, real, made)
    count = min(len(real), len(made), MOST)
    if count < 2 * FOLDS:
        raise InputError(f"expected {2 * FOLDS} real and made rows or more, not {len(real)} and {len(made)}; give more")
    (x,), categorical = features([np.concatenate([part(real, count, seed), part(made, count, seed)])], flags)
    is_real = np.arange(2 * count) < count
    order = np.random.default_rng(seed)
    fold = np.concatenate([order.permutation(np.arange(count) % FOLDS) for _ in range(2)])
    scores = np.empty(2 * count)
    for k in range(FOLDS):
        model = boosted(x[fold != k], is_real[fold != k], categorical, classes=True, seed=seed)
        scores[fold == k] = model.predict_proba(x[fold == k])[:, 1]
    return auc(scores, is_real)
