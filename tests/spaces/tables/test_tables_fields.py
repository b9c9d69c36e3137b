"""Numbers as normal scores: the curve, its bins and spikes, and what is kept exactly."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import ks_2samp

from ganvas.spaces.tables.fields import BINS, EXACT, Field

RANDOM = np.random.default_rng(0)
COLUMNS = {
    "normal": RANDOM.normal(size=10_000),
    "decimals": np.round(RANDOM.exponential(100, 10_000), 2),
    "zeros": np.where(RANDOM.random(10_000) < 0.4, 0, RANDOM.lognormal(size=10_000)),
    "rounded": np.where(RANDOM.random(10_000) < 0.5, RANDOM.integers(20, 90, 10_000) * 1000, RANDOM.integers(1e5)),
    "few": RANDOM.integers(0, 50, 10_000).astype(float),
    "more": RANDOM.integers(0, 300, 10_000).astype(float),
    "short": RANDOM.normal(size=90),
    "two": np.array([1.0, 2.0]),
    "one": np.array([3.0]),
}


def number(raw: np.ndarray) -> Field:
    return Field.of_numbers("a", "number", np.asarray(raw, np.float64))


@pytest.mark.parametrize("name", COLUMNS)
def test_the_curve_is_a_curve_and_its_bins_hold_what_they_say(name: str) -> None:
    raw = np.asarray(COLUMNS[name], np.float64)
    field = number(raw)
    assert (np.diff(field.gauss) > 0).all()
    assert (np.diff(field.value) >= 0).all()
    assert np.isin(field.edges, field.gauss).all()
    assert field.edges[0] == field.gauss[0]
    assert field.edges[-1] == field.gauss[-1]
    assert field.bins == len(field.edges) - 1 <= BINS
    where = field.bin(field.encode(raw))
    assert np.bincount(where, minlength=field.bins).tolist() == field.counts.tolist()
    assert len(json.dumps(field.config())) < 40_000


@pytest.mark.parametrize("name", COLUMNS)
def test_training_values_survive_scores_in_single_precision(name: str) -> None:
    raw = np.asarray(COLUMNS[name], np.float64)
    field = number(raw)
    back = field.decode(field.encode(raw).astype(np.float32))
    if field.places == EXACT:
        assert np.abs(back - raw).max() < 1e-4 * raw.std()
    else:
        assert (back == raw).all()


@pytest.mark.parametrize("name", ["normal", "decimals", "zeros", "rounded", "few", "more"])
def test_normal_scores_become_the_distribution_that_was_seen(name: str) -> None:
    made = number(COLUMNS[name]).decode(np.random.default_rng(1).standard_normal(20_000))
    assert ks_2samp(made, COLUMNS[name]).statistic < 0.02
    if name != "normal":
        frequent = np.unique(COLUMNS[name], return_counts=True)
        top = frequent[0][frequent[1].argmax()]
        assert abs((made == top).mean() - (COLUMNS[name] == top).mean()) < 0.02


def test_a_score_is_the_quantile_of_the_mid_rank() -> None:
    field = number(np.array([1.0] * 30 + [2.0] * 50 + [5.0] * 20))
    assert field.encode(np.array([1.0, 2.0, 5.0])) == pytest.approx(ndtri([0.15, 0.55, 0.9]), abs=1e-3)
    assert field.edges[1:-1] == pytest.approx(ndtri([0.3, 0.8]), abs=1e-4)
    assert np.isnan(field.encode(np.array([np.nan]))).all()
    assert np.isnan(field.decode(np.array([np.nan]))).all()
    assert field.decode(np.array([-9.0, -0.6, 0.0, 1.0, 9.0])).tolist() == [1, 1, 2, 5, 5]


def test_a_frequent_value_is_alone_in_its_bin() -> None:
    field = number(COLUMNS["zeros"])
    score = field.encode(np.array([0.0]))
    assert field.counts[field.bin(score)[0]] == (COLUMNS["zeros"] == 0).sum()
    edges = field.edges[field.bin(score)[0] :][:2]
    assert field.decode(edges[0] + (edges[1] - edges[0]) * np.linspace(0.001, 0.999, 9)).tolist() == [0.0] * 9


def test_beyond_the_range_scores_go_on_and_values_stop() -> None:
    field = number(COLUMNS["normal"])
    high = COLUMNS["normal"].max()
    score = field.encode(np.array([high, high + 0.5, high + 1.0, 1e9, -1e9]))
    assert score[0] < score[1] < score[2] < score[3] == 8.0 == -score[4]
    assert score[2] - score[0] == pytest.approx(1.0, abs=0.1)
    assert field.decode(score[:4]).tolist() == [high] * 4


@pytest.mark.parametrize(
    ("values", "places"),
    [([1, 2, 3], 0), ([1.5, 2.25, 3], 2), ([100, 200, 1200], -2), ([0.1, 0.2, 0.30000001], 8), ([1 / 3, 0, 1], EXACT)],
)
def test_decimals(values: list[float], places: int) -> None:
    field = number(np.array(values))
    assert field.places == places
    made = field.decode(np.linspace(-4, 4, 99))
    if places < EXACT:
        assert (made == np.round(made, places)).all()


@pytest.mark.parametrize(("unit", "step"), [("D", 86_400_000_000), ("h", 3_600_000_000), ("s", 1_000_000), ("us", 1)])
def test_dates_keep_their_resolution(unit: str, step: int) -> None:
    days = np.arange(np.datetime64("1815-06-18", unit), np.datetime64("1815-06-18", unit) + 999)
    field = Field.of_numbers("a", "date", days.astype("datetime64[us]").astype(np.float64))
    assert field.places == step
    made = field.decode(np.random.default_rng(0).standard_normal(500))
    assert (made % step == 0).all()


def test_missing_values_are_one_more_outcome() -> None:
    field = number(np.array([1.0, 2.0, np.nan, 2.0]))
    assert (field.missing, field.bins, field.outcomes, field.counts.tolist()) == (True, 2, 3, [1, 2, 1])
    told = Field.of_classes("a", "category", ("x", "y"), np.array([0, 1, np.nan, 1]))
    assert (told.missing, told.bins, told.outcomes, told.counts.tolist()) == (True, 2, 3, [1, 2, 1])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(-1e12, 1e12) | st.integers(-3, 3).map(float), min_size=1, max_size=400))
def test_any_numbers(values: list[float]) -> None:
    raw = np.array(values)
    field = Field.load(json.loads(json.dumps(number(raw).config())))
    g = field.encode(raw)
    assert (np.diff(field.gauss) > 0).all()
    assert (np.diff(field.value) >= 0).all()
    assert np.bincount(field.bin(g), minlength=field.bins).tolist() == field.counts.tolist()
    assert np.abs(g).max() <= 4.001
    order = np.argsort(raw, kind="stable")
    assert (np.diff(g[order]) >= 0).all()
    assert np.allclose(field.decode(g), raw, rtol=1e-6, atol=1e-6 * max(1.0, np.ptp(raw)))
    made = field.decode(np.linspace(-5, 5, 50))
    assert ((made >= raw.min()) & (made <= raw.max())).all()
