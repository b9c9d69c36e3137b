"""Distances between rows against SciPy, and what copies, honest rows and known secrets look like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganvas.errors import InputError
from ganvas.metrics.tables import closeness as file
from ganvas.metrics.tables import distance
from ganvas.metrics.tables.attribute import attribute
from ganvas.metrics.tables.closeness import closeness, copies
from ganvas.metrics.tables.distance import distances, nearest, spans
from ganvas.metrics.tables.membership import membership

NAN = float("nan")
DISCRETE = [False, False, True, True]
FLAGS = np.array(DISCRETE)


def table(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    return np.stack([a, 1e3 * a + rng.normal(0, 300, n), rng.integers(0, 5, n), a > 0], 1)


@pytest.mark.parametrize("block", [1, 100, 2**21])
def test_distances_are_those_of_scipy_in_any_block_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance, "BLOCK", block)
    a, b = table(31, 0), table(23, 1)
    span = spans(b, FLAGS)
    np.testing.assert_allclose(span, [np.ptp(b[:, 0]), np.ptp(b[:, 1]), 1, 1])
    expected = cdist(a[:, :2] / span[:2], b[:, :2] / span[:2], "cityblock") + 2 * cdist(a[:, 2:], b[:, 2:], "hamming")
    np.testing.assert_allclose(np.concatenate([gaps for _, gaps in distances(a, b, FLAGS, span)]), expected)
    found, where = nearest(a, b, FLAGS, span)
    np.testing.assert_array_equal(where, expected.argmin(1))
    np.testing.assert_allclose(found, expected.min(1))


def test_one_missing_value_of_two_is_a_whole_difference() -> None:
    rows = np.array([[0.0, NAN], [NAN, 2], [0.25, 2], [NAN, NAN]])
    ((_, gaps),) = distances(rows, rows, np.array([False, True]), np.ones(2))
    assert gaps.tolist() == [[0, 2, 1.25, 1], [2, 0, 1, 1], [1.25, 1, 0, 2], [1, 1, 2, 0]]


def test_spans_of_constant_and_empty_columns() -> None:
    rows = np.array([[3.0, NAN, 1], [3, NAN, 9]])
    assert spans(rows, np.array([False, False, True])).tolist() == [1, 1, 1]


@pytest.mark.parametrize("block", [1, 2**16])
def test_copies_are_counted_exactly(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "BLOCK", block)
    known = np.array([[0.0, NAN], [1, 2]])
    assert copies(np.array([[-0.0, -NAN], [1, 2], [1, 2.0000001], [NAN, 2]]), known) == 0.5


def test_honest_rows_and_copies() -> None:
    train, held_out = table(600, 0), table(500, 1)
    fresh = closeness(train, held_out, table(800, 2), DISCRETE)
    assert fresh.share == pytest.approx(0.5, abs=4 * fresh.error)
    assert fresh.error == pytest.approx(0.5 / np.sqrt(800))
    assert fresh.copies == fresh.expected == 0
    copied = closeness(train, held_out, train, DISCRETE)
    assert copied.copies == 1
    assert copied.share > 0.9  # all but those whose originals are among the 100 rows left out
    assert copied.train == 0 < copied.held_out
    assert closeness(train, held_out, held_out, DISCRETE).share == 0
    assert closeness(train, train, table(50, 3), DISCRETE).share == 0.5  # ties


def test_near_copies_are_found_without_an_exact_one() -> None:
    train, held_out = table(500, 0), table(500, 1)
    near = train + np.array([1e-3, 0, 0, 0])
    found = closeness(train, held_out, near, DISCRETE)
    assert found.copies == 0
    assert found.share > 0.9


def test_membership_of_fresh_rows_of_copies_and_of_half_copies() -> None:
    train, held_out, fresh = table(400, 0), table(400, 1), table(400, 2)
    found = membership(train, held_out, fresh, DISCRETE)
    assert found.error == pytest.approx(np.sqrt(801 / (12 * 400 * 400)))
    assert found.distance == pytest.approx(0.5, abs=4 * found.error)
    assert found.density == pytest.approx(0.5, abs=6 * found.error)
    assert membership(train, held_out, train, DISCRETE)[:2] == (1, 1)
    assert membership(train, held_out, held_out, DISCRETE).distance == 0
    half = membership(train, held_out, np.concatenate([train[:200], fresh[:200]]), DISCRETE)
    assert 0.7 < half.distance < 0.85
    assert 0.7 < half.density < 0.9
    with pytest.raises(InputError, match="2 held-out rows"):
        membership(train, held_out[:1], fresh, DISCRETE)


def test_a_secret_that_only_the_made_rows_know() -> None:
    train, held_out, fresh = table(500, 0), table(500, 1), table(500, 2)
    leak = attribute(train, held_out, train, DISCRETE, secret=2)
    assert leak.right == 1
    assert leak.expected == pytest.approx(0.2, abs=0.08)  # one class in five
    assert leak.gain == pytest.approx(leak.right - leak.expected)
    assert leak.gain > 20 * leak.error
    honest = attribute(train, held_out, fresh, DISCRETE, secret=2)
    assert abs(honest.gain) < 4 * honest.error


def test_a_secret_that_everyone_can_infer_is_no_gain() -> None:
    train, held_out, fresh = table(500, 0), table(500, 1), table(500, 2)
    found = attribute(train, held_out, fresh, DISCRETE, secret=3, known=[0])
    assert min(found.right, found.expected) > 0.95
    assert abs(found.gain) <= 0.03
    number = attribute(train, held_out, fresh, DISCRETE, secret=1, known=[0, 2])
    assert 0.3 < number.right < 0.7  # within 5 % of the range is .37 standard deviations of what is left open, doubled
    assert attribute(train, held_out, train, DISCRETE, secret=1, known=[0]).right == 1


def test_attribute_asks_for_fields_that_there_are() -> None:
    train = table(20, 0)
    with pytest.raises(InputError, match="from 0 to 3, not 4"):
        attribute(train, train, train, DISCRETE, secret=4)
    with pytest.raises(InputError, match=r"not 1 and \[0, 1\]"):
        attribute(train, train, train, DISCRETE, secret=1, known=[0, 1])
    empty = train.copy()
    empty[:, 1] = NAN
    with pytest.raises(InputError, match="field 1 is missing everywhere"):
        attribute(empty, train, train, DISCRETE, secret=1)
    assert attribute(train, train, empty, DISCRETE, secret=1).right == 0


def test_hopeless_columns_do_no_harm() -> None:
    train, held_out, made = (table(60, seed) for seed in range(3))
    for raw in (train, held_out, made):
        raw[:, 0], raw[:, 2] = NAN, 1
    assert 0 <= closeness(train, held_out, made, DISCRETE).share <= 1
    assert 0 < membership(train, held_out, made, DISCRETE).distance < 1
    same = np.ones((10, 4))
    assert membership(same, same, same, DISCRETE)[:2] == (0.5, 0.5)
    assert closeness(same, same, same, DISCRETE).share == 0.5
