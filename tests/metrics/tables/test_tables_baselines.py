"""The plain baselines do what they say: keep columns and nothing else, or keep what a tree can see."""

from __future__ import annotations

import numpy as np
import pytest

from ganvas.errors import InputError
from ganvas.metrics.tables.baselines import independent, sequential_cart
from ganvas.metrics.tables.rows import part

NAN = float("nan")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_independent_columns_are_permutations_that_forget_the_rows() -> None:
    a = np.arange(500.0)
    raw = np.stack([a, a, np.where(a < 50, NAN, a % 3)], 1)
    made = independent(raw, 500, rng())
    np.testing.assert_array_equal(np.sort(made, 0), np.sort(raw, 0))
    assert abs(np.corrcoef(made[:, 0], made[:, 1])[0, 1]) < 0.15
    assert independent(raw, 120, rng()).shape == (120, 3)
    more = independent(raw, 1200, rng())
    assert len(more) == 1200
    assert np.unique(more[:1000, 0], return_counts=True)[1].tolist() == [2] * 500
    np.testing.assert_array_equal(made, independent(raw, 500, rng()))
    with pytest.raises(InputError):
        independent(raw[:0], 5, rng())


def law(n: int) -> np.ndarray:
    """b follows a; the class c is the sign of a; d is missing exactly where c is 1, else near b."""
    a = rng(1).normal(size=n)
    b = a**2 + rng(2).normal(0, 0.1, n)
    c = (a > 0).astype(float)
    return np.stack([a, b, c, np.where(c == 1, NAN, b + rng(3).normal(0, 0.1, n))], 1)


def test_cart_keeps_what_hangs_together() -> None:
    raw = law(2000)
    made = sequential_cart(raw, [False, False, True, False], 1500, rng())
    assert made.shape == (1500, 4)
    assert np.std(made[:, 1] - made[:, 0] ** 2) < 0.4 < np.std(raw[:, 1])
    assert (made[:, 2] == (made[:, 0] > 0)).mean() > 0.98
    assert (np.isnan(made[:, 3]) == (made[:, 2] == 1)).mean() > 0.98
    kept = ~np.isnan(made[:, 3])
    assert np.corrcoef(made[kept, 1], made[kept, 3])[0, 1] > 0.9
    for j in range(4):
        assert set(made[~np.isnan(made[:, j]), j]) <= set(raw[~np.isnan(raw[:, j]), j])
    np.testing.assert_array_equal(made, sequential_cart(raw, [False, False, True, False], 1500, rng()))
    assert not np.array_equal(made, sequential_cart(raw, [False, False, True, False], 1500, rng(1)))


def test_cart_sees_numbers_of_any_scale() -> None:
    """Microseconds since 1970 and tiny numbers: what float32 cannot tell apart."""
    a = rng().permutation(1000).astype(float)
    raw = np.stack([1.7e15 + a, 1e-12 * a, a], 1)
    made = sequential_cart(raw, [False] * 3, 1000, rng(1))
    assert np.corrcoef(made[:, 0] - 1.7e15, made[:, 2])[0, 1] > 0.99
    assert np.corrcoef(made[:, 1], made[:, 2])[0, 1] > 0.99


def test_cart_stands_hopeless_columns_and_many_classes() -> None:
    raw = np.stack([np.full(300, NAN), np.ones(300), np.full(300, NAN), np.arange(300.0), np.arange(300.0)], 1)
    made = sequential_cart(raw, [False, False, True, True, False], 50, rng())
    assert np.isnan(made[:, [0, 2]]).all()
    assert (made[:, 1] == 1).all()
    assert np.abs(made[:, 3] - made[:, 4]).max() < 20
    assert sequential_cart(raw[:, :1], [False], 7, rng()).shape == (7, 1)
    assert sequential_cart(raw[:1], [False] * 5, 3, rng()).shape == (3, 5)


def test_a_part_of_many_rows_is_without_repetition_and_by_seed() -> None:
    raw = np.arange(100.0).reshape(-1, 1)
    some = part(raw, 30, seed=1)
    assert len(np.unique(some)) == 30
    np.testing.assert_array_equal(some, part(raw, 30, seed=1))
    assert not np.array_equal(some, part(raw, 30, seed=2))
    assert part(raw, 100) is raw
