"""Utility: what is learnt from made rows, is it worth something on real ones, and the other way round?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganvas.errors import InputError
from ganvas.metrics.tables.rows import Flags, Rows, check_tables, part
from ganvas.metrics.tables.trees import auc, boosted, features

MOST = 10_000  # rows learnt from, and rows judged
MOST_CLASSES = 100  # of a target: the trees grow for each class


def tstr(made: Rows, real: Rows, discrete: Sequence[bool], target: int, seed: int = 0) -> float:
    """Train on synthetic, test on real: boosted trees learn the field ``target`` from ``made``, ``real`` judges them.

    Esteban et al. 2017, arXiv:1706.02633. For a number the R² (at most 1; 0 is worth the mean, below is worse), for a
    class the ROC AUC of each class against the rest, averaged over the judging rows' classes (1/2 is worth nothing).
    Give real rows that no generator was trained on; the ceiling is ``tstr(train, held_out, …)``. Rows without a target
    are left out; a class that was not to be learnt counts 1/2; NaN where the judging rows have one class or one value
    only, which rank nothing. Of more than 10,000 rows a random part is used (by ``seed``). Raises InputError for
    tables that do not go together, no such target or none that is known, or more than 100 classes of it.
    """
    flags = check_tables(discrete, made, real)
    if not 0 <= target < len(flags):
        raise InputError(f"expected a target from 0 to {len(flags) - 1}, not {target}; give the number of a field")
    learnt, judged = (raw[part(np.flatnonzero(~np.isnan(raw[:, target])), MOST, seed)] for raw in (made, real))
    if not len(learnt) or not len(judged):
        raise InputError(f"expected rows with a known target, but field {target} is missing in all of a table")
    if len(np.unique(judged[:, target])) < 2:
        return float("nan")
    return (_ranking if flags[target] else _fit)(learnt, judged, flags, target, seed)


def trts(made: Rows, real: Rows, discrete: Sequence[bool], target: int, seed: int = 0) -> float:
    """Train on real, test on synthetic: do the ``made`` rows obey what the ``real`` ones teach? As ``tstr``, reversed.

    Above ``tstr(train, held_out, …)`` the made rows are simpler than real ones: less noise, fewer rare cases.
    """
    return tstr(real, made, discrete, target, seed)


def _ranking(learnt: Rows, judged: Rows, flags: Flags, target: int, seed: int) -> float:
    """The mean AUC of each class of the field ``target`` against the rest."""
    known, truth = np.unique(learnt[:, target]), judged[:, target]
    if len(known) > MOST_CLASSES:
        raise InputError(f"expected a target of {MOST_CLASSES} classes or less, not {len(known)}; choose another field")
    if len(known) == 1:
        return 0.5
    (x, asked), categorical = _others(learnt, judged, flags, target)
    model = boosted(x, learnt[:, target], categorical, classes=True, seed=seed)
    chances = dict(zip(known, model.predict_proba(asked).T, strict=True))
    nothing = np.zeros(len(truth))
    return float(np.mean([auc(chances.get(one, nothing), truth == one) for one in np.unique(truth)]))


def _fit(learnt: Rows, judged: Rows, flags: Flags, target: int, seed: int) -> float:
    """R² of the field ``target``, a number."""
    (x, asked), categorical = _others(learnt, judged, flags, target)
    middle, truth = learnt[:, target].mean(), judged[:, target]
    found = boosted(x, learnt[:, target] - middle, categorical, classes=False, seed=seed).predict(asked) + middle
    return float(1 - np.square(truth - found).sum() / np.square(truth - truth.mean()).sum())


def _others(learnt: Rows, judged: Rows, flags: Flags, target: int) -> tuple[list[Rows], list[int]]:
    """All fields but ``target``, for trees; a table of the target alone has one field that says nothing."""
    if len(flags) == 1:
        return [np.zeros_like(learnt), np.zeros_like(judged)], []
    return features([np.delete(raw, target, 1) for raw in (learnt, judged)], np.delete(flags, target))
