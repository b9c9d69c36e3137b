"""Quality of made tables against closed forms and against an independent account of SDMetrics' formulas in pandas."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from scipy.stats.contingency import association

from ganvas.errors import InputError
from ganvas.metrics.tables import quality as file
from ganvas.metrics.tables.normalised import normalised
from ganvas.metrics.tables.quality import quality

NAN = float("nan")


def mixed(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Two numbers that go together, one apart, two classes of which one follows a number; holes in two columns."""
    rng = np.random.default_rng(seed)
    a = rng.normal(shift, 1, n)
    raw = np.stack([a, a + rng.normal(0, 0.5 + shift, n), rng.exponential(1, n), a > 0.5, rng.integers(0, 4, n)], 1)
    raw[rng.random(n) < 0.1, 2] = NAN
    raw[rng.random(n) < 0.2, 4] = NAN
    return raw


def frequencies(rows: pd.DataFrame) -> pd.Series:
    return rows.fillna(-1).value_counts(normalize=True)


def by_pandas(real: np.ndarray, made: np.ndarray, discrete: list[bool], own_bins: bool) -> tuple[float, float]:
    """Column shapes and pair trends."""
    a, b = pd.DataFrame(real), pd.DataFrame(made)
    shapes, trends, cut_a, cut_b = [], [], a.copy(), b.copy()
    for j, flag in enumerate(discrete):
        if flag:
            p, q = (frame[j].value_counts(normalize=True) for frame in (a, b))
            shapes.append(1 - p.sub(q, fill_value=0).abs().sum() / 2)
            continue
        shapes.append(1 - ks_2samp(a[j].dropna(), b[j].dropna()).statistic)
        edges = np.linspace(a[j].min(), a[j].max(), 11)
        other = np.linspace(b[j].min(), b[j].max(), 11) if own_bins else edges
        for cut, known, bounds in ((cut_a, a, edges), (cut_b, b, other)):
            cut[j] = pd.cut(known[j], [-np.inf, *bounds[1:-1], np.inf], right=False, labels=False)
    for i, j in itertools.combinations(range(len(discrete)), 2):
        if discrete[i] or discrete[j]:
            counts = pd.crosstab(cut_a[i].fillna(-1), cut_a[j].fillna(-1))
            p, q = (frequencies(frame[[i, j]]) for frame in (cut_a, cut_b))
            if association(counts.to_numpy(), method="cramer") > 0.3:
                trends.append(1 - p.sub(q, fill_value=0).abs().sum() / 2)
        elif abs(a[i].corr(a[j])) > 0.5:
            trends.append(1 - abs(a[i].corr(a[j]) - b[i].corr(b[j])) / 2)
    return float(np.mean(shapes)), float(np.mean(trends))


@pytest.mark.parametrize("own_bins", [False, True])
@pytest.mark.parametrize("cells", [1, 2**16])
def test_the_definition_in_pandas(own_bins: bool, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST_CELLS", cells)
    discrete = [False, False, False, True, True]
    real, made = mixed(700, 0), mixed(500, 1, shift=0.4)
    found = quality(real, made, discrete, own_bins=own_bins)
    shapes, trends = by_pandas(real, made, discrete, own_bins)
    assert found.shapes == pytest.approx(shapes, abs=1e-12)
    assert found.trends == pytest.approx(trends, abs=1e-12)
    assert found.overall == pytest.approx((shapes + trends) / 2, abs=1e-12)
    assert found.overall < 0.97


def test_equal_tables_are_perfect_and_shuffled_columns_keep_their_shapes() -> None:
    real = mixed(500, 0)
    discrete = [False, False, False, True, True]
    found = quality(real, real, discrete)
    assert found[:3] == (1.0, 1.0, 1.0)
    rng = np.random.default_rng(0)
    shuffled = np.stack([rng.permutation(column) for column in real.T], 1)
    found = quality(real, shuffled, discrete)
    assert found.shapes == 1.0
    assert found.trends < 0.95
    assert found.pairs[0, 1] == pytest.approx(1 - np.corrcoef(real[:, :2].T)[0, 1] / 2, abs=0.05)


def test_by_hand() -> None:
    real = np.array([[0.0, 0], [1, 0], [2, 1], [3, 1]])
    made = np.array([[0.0, 0], [1, 0], [2, 0], [9, 1]])
    found = quality(real, made, [False, True])
    assert found.columns.tolist() == [0.75, 0.75]  # a quarter above 3; a quarter of the other class
    assert found.pairs[0, 1] == 0.75  # 9 falls into the last bin as 3 does; (2, 1) became (2, 0)
    assert np.isnan(found.pairs[0, 0])


def test_disjoint_tables_score_nothing() -> None:
    real, made = np.zeros((5, 2)), np.ones((5, 2))
    found = quality(real, made, [True, True])
    assert found[:2] == (0, 0)
    assert np.isnan(found.trends)  # constant columns do not go together
    assert found.pairs[0, 1] == 0
    assert quality(real, made, [False, True]).columns.tolist() == [0, 0]


def test_empty_and_constant_columns_are_left_out() -> None:
    real = np.stack([np.full(6, NAN), np.ones(6), np.arange(6.0), np.arange(6.0) % 2], 1)
    found = quality(real, real, [False, False, False, True])
    np.testing.assert_array_equal(np.isnan(found.columns), [True, False, False, False])
    assert np.isnan(found.pairs[1, 2])
    assert np.isnan(found.pairs[0, 2])
    assert found.pairs[1, 3] == found.pairs[0, 3] == 1
    assert found.overall == 1
    assert np.isnan(quality(real[:, :1], real[:, :1], [False]).overall)
    assert quality(real[:, 1:2], real[:, 1:2], [False]).overall == 1


def test_big_tables_are_sampled_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MOST", 50)
    real = mixed(400, 0)
    found = quality(real, real, [False] * 3 + [True] * 2, seed=3)
    assert found.overall == 1
    assert quality(real, mixed(400, 1), [False] * 5, seed=3) != quality(real, mixed(400, 1), [False] * 5, seed=4)


def test_wrong_tables_are_refused() -> None:
    table = np.zeros((4, 2))
    with pytest.raises(InputError, match=r"expected tables \[n, 2\]"):
        quality(table, np.zeros((4, 3)), [False, False])
    with pytest.raises(InputError, match=r"expected tables \[n, 2\]"):
        quality(table, np.zeros((0, 2)), [False, False])
    with pytest.raises(InputError, match="field 1 has infinities"):
        quality(table, np.array([[0, np.inf]]), [False, False])


def test_normalised_between_floor_and_ceiling() -> None:
    found = normalised(
        {"quality": 0.95, "c2st": 0.75, "tstr": 1.0, "trts": 1.0},
        {"quality": 0.9, "c2st": 1.0, "tstr": 0.5},
        {"quality": 1.0, "c2st": 0.5, "tstr": 0.5},
    )
    assert found["quality"] == pytest.approx(0.5)
    assert found["c2st"] == 0.5
    assert np.isnan(found["tstr"])
    assert np.isnan(found["trts"])
