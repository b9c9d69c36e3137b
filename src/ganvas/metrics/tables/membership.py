"""Membership inference: do the made rows tell who was among the training rows?

Two attacks that see nothing but the made rows. What they find is a lower bound: a stronger attack may find more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganvas.errors import InputError
from ganvas.metrics.tables.distance import nearest, spans
from ganvas.metrics.tables.rows import Flags, Rows, check_tables, part
from ganvas.metrics.tables.trees import auc

MOST = 4_000  # training rows, and held-out rows, that are attacked
MOST_MADE = 10_000  # made rows the attacker has; as many real ones as reference, at the most


class Membership(NamedTuple):
    """What ``membership`` found: ROC AUCs in [0, 1]; 1/2 is best, below it is chance.

    Attributes:
        distance: of the attack that believes those rows which are near to a made row.
        density: of the attack that believes those which are nearer to a made row than to real rows it knows.
        error: the standard error of ``distance`` if it is 1/2; that of ``density`` is about 1.2 times as large.
    """

    distance: float
    density: float
    error: float


def membership(train: Rows, held_out: Rows, made: Rows, discrete: Sequence[bool], seed: int = 0) -> Membership:
    """How often is a row of ``train`` [n, fields] believed a member rather than one of ``held_out`` [k, fields]?

    Attacks by what is ``made`` [m, fields]. Distance: the score of a row is minus its distance to the closest made row
    (Chen et al. 2020, arXiv:1909.03935, black box). Density: its distance to the closest of some real reference rows
    over that to the closest made row, a ratio of densities estimated by one neighbour (DOMIAS, van Breugel et al. 2023,
    arXiv:2302.12580); one half of the held-out rows, drawn by ``seed``, is the reference, the other is attacked. 4,000
    rows of each at the most are attacked, by 10,000 made rows at the most, chosen by ``seed``. Raises InputError for
    tables that do not go together or less than 2 held-out rows.
    """
    flags = check_tables(discrete, train, held_out, made)
    if len(held_out) < 2:
        raise InputError("expected 2 held-out rows or more, not 1; hold more rows out of training")
    order, half = np.random.default_rng(seed).permutation(len(held_out)), len(held_out) // 2
    members, others, known = part(train, MOST, seed), held_out[order[:MOST]], part(made, MOST_MADE, seed)
    span = spans(np.concatenate([members, others]), flags)
    inside, outside = (nearest(rows, known, flags, span)[0] for rows in (members, others))
    distance = _auc(-inside, -outside)
    reference, others = held_out[order[:half][:MOST_MADE]], held_out[order[half:][:MOST]]
    density = _auc(*(_ratio(rows, reference, known, flags, span) for rows in (members, others)))
    n, k = len(inside), len(outside)
    return Membership(distance, density, float(np.sqrt((n + k + 1) / (12 * n * k))))


def _ratio(rows: Rows, reference: Rows, made: Rows, flags: Flags, span: Rows) -> Rows:
    """Of each row [n] the distance to the reference as a share of that and the distance to the made rows, in [0, 1]."""
    real, near = (nearest(rows, points, flags, span)[0] for points in (reference, made))
    return np.divide(real, real + near, out=np.full(len(rows), 0.5), where=real + near > 0)


def _auc(members: Rows, others: Rows) -> float:
    return auc(np.concatenate([members, others]), np.arange(len(members) + len(others)) < len(members))
