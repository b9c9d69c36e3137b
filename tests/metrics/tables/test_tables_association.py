"""Association of columns: closed forms of Cramér's V, what chance gives, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from ganvas.errors import InputError
from ganvas.metrics.tables.association import association


def test_columns_that_tell_each_other_have_1_and_strangers_about_0() -> None:
    random = np.random.default_rng(0)
    x, kind = random.normal(size=4_000), random.integers(0, 4, 4_000).astype(float)
    found = association(
        np.stack([x, x**3, kind, 3 - kind, random.normal(size=4_000)], 1), [False, False, True, True, False]
    )
    assert found[0, 1] == pytest.approx(1, abs=1e-6)  # the tenths are the same
    assert found[2, 3] == pytest.approx(1, abs=1e-6)
    assert np.nanmax(found[4]) < 0.05
    assert np.isnan(np.diag(found)).all()
    np.testing.assert_array_equal(found, found.T)


def test_two_by_two_is_phi_corrected_for_chance() -> None:
    a = np.repeat([0.0, 0.0, 1.0, 1.0], [40, 10, 20, 30])
    b = np.repeat([0.0, 1.0, 0.0, 1.0], [40, 10, 20, 30])
    square = (40 * 30 - 10 * 20) ** 2 / (50 * 50 * 60 * 40)  # phi squared
    wanted = np.sqrt((square - 1 / 99) / (2 - 1 / 99 - 1))  # Bergsma 2013
    assert association(np.stack([a, b], 1), [True, True])[0, 1] == pytest.approx(wanted, rel=1e-12)


def test_chance_alone_is_0_where_the_plain_formula_is_not() -> None:
    random = np.random.default_rng(1)
    found = [association(random.integers(0, 20, (300, 2)).astype(float), [True, True])[0, 1] for _ in range(20)]
    assert np.median(found) < 0.07  # plain Cramér's V is about sqrt(19 / 300) = 0.25


def test_missing_values_are_a_class_of_their_own() -> None:
    random = np.random.default_rng(2)
    x, other = random.normal(size=2_000), random.normal(size=2_000)
    gone = x > 1
    raw = np.stack([x, np.where(gone, np.nan, other)], 1)
    assert association(raw, [False, False])[0, 1] > 0.2
    assert association(np.stack([x, other], 1), [False, False])[0, 1] < 0.05


def test_constant_and_empty_columns_have_no_association() -> None:
    raw = np.stack([np.arange(50.0), np.ones(50), np.full(50, np.nan)], 1)
    assert np.isnan(association(raw, [False, False, True])).all()


def test_a_table_of_another_width_is_refused() -> None:
    with pytest.raises(InputError, match="fields"):
        association(np.zeros((5, 2)), [True])
