"""Attribute inference: does one who knows some fields of a training row learn another from the made rows?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganvas.errors import InputError
from ganvas.metrics.tables.distance import nearest, spans
from ganvas.metrics.tables.rows import Flags, Rows, check_tables, part

MOST = 2_000  # training rows that are attacked
MOST_KNOWN = 10_000  # made rows the attacker has, and held-out ones to compare with
NEAR = 0.05  # of a number's range: a guess within it is right


class Attribute(NamedTuple):
    """What ``attribute`` found; shares in [0, 1].

    Attributes:
        right: the share of secrets guessed from the made rows.
        expected: the share guessed from as many held-out rows: what anyone can infer who knows the world.
        gain: right - expected: what the made rows give away about the training rows beyond that; 0 or below is best.
        error: the standard error of ``gain``.
    """

    right: float
    expected: float
    gain: float
    error: float


def attribute(
    train: Rows,
    held_out: Rows,
    made: Rows,
    discrete: Sequence[bool],
    secret: int,
    known: Sequence[int] | None = None,
    seed: int = 0,
) -> Attribute:
    """Guesses the field ``secret`` of ``train`` rows [n, fields] from the ``made`` row [m, fields] that is most alike.

    Alike by the ``known`` fields (all others if None). A guess is right if it is the class, or within 5 % of the
    number's range. The attack and the comparison with rows that were not trained on: Giomi et al. 2022,
    arXiv:2211.10459, section on inference. 2,000 rows at the most are attacked, those whose secret is not missing, by
    equally many made and held-out rows [k, fields], 10,000 at the most, chosen by ``seed``. Raises InputError for
    tables that do not go together, fields that there are not, or a secret that is missing everywhere.
    """
    flags = check_tables(discrete, train, held_out, made)
    fields = [j for j in range(len(flags)) if j != secret] if known is None else list(known)
    if not fields or secret in fields or not set(fields) | {secret} <= set(range(len(flags))):
        raise InputError(
            f"expected a secret and other, known fields from 0 to {len(flags) - 1}, not {secret} and {fields}"
        )
    victims = train[part(np.flatnonzero(~np.isnan(train[:, secret])), MOST, seed)]
    if not len(victims):
        raise InputError(f"expected rows whose secret is known, but field {secret} is missing everywhere")
    span = spans(train, flags)
    count = min(len(made), len(held_out), MOST_KNOWN)
    rng = np.random.default_rng(seed)  # an order of its own for ties
    right, expected = (
        _guessed(victims, points[rng.permutation(len(points))[:count]], flags, span, (secret, fields))
        for points in (made, held_out)
    )
    gains = right.astype(np.float64) - expected
    error = float(gains.std() / np.sqrt(len(gains)))
    return Attribute(float(right.mean()), float(expected.mean()), float(gains.mean()), error)


def _guessed(victims: Rows, points: Rows, flags: Flags, span: Rows, fields: tuple[int, list[int]]) -> NDArray[np.bool_]:
    """Whether the secret of each of ``victims`` [n, …] is that of the nearest of ``points``; fields: secret, known."""
    secret, known = fields
    _, where = nearest(victims[:, known], points[:, known], flags[known], span[known])
    guess, truth = points[where, secret], victims[:, secret]
    return guess == truth if flags[secret] else np.abs(guess - truth) <= NEAR * span[secret]
