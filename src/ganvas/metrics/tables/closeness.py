"""Closeness: are made rows nearer to the training rows than to others? A copy alarm, not proof.

A share near 1/2 does not say that nobody's record leaks: distances to the closest record miss most of what attacks
on membership find (Yao et al. 2025, arXiv:2505.01524). Read ``membership`` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganvas.metrics.tables.distance import nearest, spans
from ganvas.metrics.tables.rows import Rows, check_tables, part

MOST = 10_000  # training rows and held-out rows that made ones are compared with
MOST_MADE = 2_000  # made rows whose nearest are sought
MOST_ASKED = 100_000  # rows that may be copies
BLOCK = 2**16  # training rows that are read at a time


class Closeness(NamedTuple):
    """What ``closeness`` found.

    Attributes:
        share: of the made rows, how many are nearer to the training rows than to as many held-out ones, ties count
            half, in [0, 1]: 1/2 is best, above it the made rows lean on the training rows.
        error: the standard error of ``share`` if it is 1/2: two of them above 1/2 are an alarm.
        train: the median distance of made rows to the closest training row, >= 0, at most the number of fields or so.
        held_out: the same to the closest held-out row.
        copies: the share of made rows that equal a training row in every field, in [0, 1].
        expected: the share of held-out rows that do: what is to be expected without any copying.
    """

    share: float
    error: float
    train: float
    held_out: float
    copies: float
    expected: float


def closeness(train: Rows, held_out: Rows, made: Rows, discrete: Sequence[bool], seed: int = 0) -> Closeness:
    """Distances of ``made`` rows [m, fields] to the closest ``train`` [n, fields] and ``held_out`` rows [k, fields].

    The distance adds up |differences| of numbers in units of the real rows' range and 1 for each class that differs;
    one value missing of two counts 1. Of the training and the held-out rows equally many are compared with, 10,000 at
    the most, and 2,000 made rows, chosen by ``seed``; copies are sought for 100,000 rows at the most, among all
    training rows. Raises InputError for tables that do not go together.
    """
    flags = check_tables(discrete, train, held_out, made)
    count = min(len(train), len(held_out), MOST)
    known, unknown, asked = part(train, count, seed), part(held_out, count, seed), part(made, MOST_MADE, seed)
    span = spans(np.concatenate([known, unknown]), flags)
    near, far = (nearest(asked, points, flags, span)[0] for points in (known, unknown))
    share = float((near < far).mean() + (near == far).mean() / 2)
    error = float(0.5 / np.sqrt(len(asked)))
    medians = float(np.median(near)), float(np.median(far))
    return Closeness(share, error, *medians, copies(made, train, seed), copies(held_out, train, seed))


def copies(rows: Rows, of: Rows, seed: int = 0) -> float:
    """The share in [0, 1] of ``rows`` [n, fields] that equal one of the rows ``of`` [m, fields]; NaN equals NaN.

    Of more than 100,000 ``rows`` a random part is asked for (by ``seed``), always among all rows ``of``.
    """
    asked = [row.tobytes() for row in _plain(part(rows, MOST_ASKED, seed))]
    wanted, found = set(asked), set[bytes]()
    for start in range(0, len(of), BLOCK):
        found |= wanted.intersection(row.tobytes() for row in _plain(of[start : start + BLOCK]))
    return float(np.mean([one in found for one in asked]))


def _plain(raw: Rows) -> Rows:
    """One kind of NaN and one kind of zero, so that equal rows have equal bytes."""
    return np.where(np.isnan(raw), np.nan, raw + 0.0)
