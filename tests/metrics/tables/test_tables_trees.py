"""What boosted trees find in made tables: against scikit-learn's own figures, and on tables that leave no choice."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from ganvas.errors import InputError
from ganvas.metrics.tables.c2st import c2st
from ganvas.metrics.tables.trees import auc, features
from ganvas.metrics.tables.utility import trts, tstr

NAN = float("nan")
DISCRETE = [False, True, False, True]


def table(n: int, seed: int, law: float = 1.0) -> np.ndarray:
    """A number, a class of four, a number that follows both, a class of three that follows the first number."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=n), rng.choice([0, 3, 7, 300], n)
    c = law * (a + (b % 7)) + rng.normal(0, 0.2, n)
    return np.stack([a, b, c, np.digitize(law * a + rng.normal(0, 0.3, n), [-0.5, 0.5])], 1)


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_that_of_scikit_learn(ties: bool) -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, 200).astype(float) if ties else rng.normal(size=200)
    positive = rng.random(200) < 0.3
    assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_class_numbers_are_the_same_in_all_tables() -> None:
    a, b = np.array([[300.0, 1.5], [7, 2.5]]), np.array([[NAN, 3.5], [9, NAN]])
    (x, y), categorical = features([a, b], np.array([True, False]))
    assert categorical == [0]
    np.testing.assert_array_equal(x, [[2, 1.5], [0, 2.5]])
    np.testing.assert_array_equal(y, [[NAN, 3.5], [1, NAN]])
    many = np.arange(600.0).reshape(-1, 1)
    assert features([many], np.array([True]))[1] == []


def test_fresh_rows_cannot_be_told_apart_and_shifted_ones_can() -> None:
    real = table(800, 0)
    assert c2st(real, table(800, 1), DISCRETE) == pytest.approx(0.5, abs=0.07)
    moved = table(900, 1) + np.array([9, 0, 0, 0])
    assert c2st(real, moved, DISCRETE) == 1
    rng = np.random.default_rng(2)
    shuffled = np.stack([rng.permutation(column) for column in table(800, 1).T], 1)
    assert 0.8 < c2st(real, shuffled, DISCRETE) <= 1
    assert c2st(real, shuffled, DISCRETE) == c2st(real, shuffled, DISCRETE)


def test_a_missing_value_gives_a_row_away() -> None:
    real, made = table(200, 0), table(200, 1)
    made[:, 2] = NAN
    assert c2st(real, made, DISCRETE) == 1
    made = table(200, 1)
    made[:, 1] = NAN
    assert c2st(real, made, DISCRETE) == 1


def test_hopeless_columns_do_no_harm() -> None:
    real, made = table(100, 0), table(100, 1)
    real[:, 0] = made[:, 0] = NAN
    real[:, 1] = made[:, 1] = NAN
    real[:, 2] = made[:, 2] = 5
    assert c2st(real, made, DISCRETE) == pytest.approx(0.5, abs=0.15)
    assert tstr(made, real, DISCRETE, 3) == pytest.approx(0.5, abs=0.1)
    lonely = np.full((100, 4), NAN)
    lonely[3] = 1
    assert c2st(lonely, lonely, DISCRETE) <= 0.6
    with pytest.raises(InputError, match="10 real and made rows"):
        c2st(real[:9], made, DISCRETE)


def test_the_number_that_is_learnt_is_judged_by_r2() -> None:
    train, real = table(600, 0), table(300, 1)
    x, y = np.delete(train, 2, 1), np.delete(real, 2, 1)
    for part in (x, y):
        part[:, 1] = np.searchsorted([0, 3, 7, 300], part[:, 1])
    model = HistGradientBoostingRegressor(categorical_features=[1, 2], random_state=0).fit(x, train[:, 2])
    found = tstr(train, real, DISCRETE, 2)
    assert found == pytest.approx(r2_score(real[:, 2], model.predict(y)), abs=1e-3)
    assert found > 0.9
    assert trts(real, train, DISCRETE, 2) == found


def test_the_class_that_is_learnt_is_judged_by_auc() -> None:
    train, real = table(600, 0), table(300, 1)
    real[:30, 3] = NAN  # left out
    x, y = np.delete(train, 3, 1), np.delete(real[30:], 3, 1)
    for part in (x, y):
        part[:, 1] = np.searchsorted([0, 3, 7, 300], part[:, 1])
    model = HistGradientBoostingClassifier(categorical_features=[1], random_state=0).fit(x, train[:, 3])
    expected = roc_auc_score(real[30:, 3], model.predict_proba(y), multi_class="ovr", average="macro")
    assert tstr(train, real, DISCRETE, 3) == pytest.approx(expected, abs=1e-9)


def test_rows_of_another_law_teach_the_wrong_thing() -> None:
    real = table(300, 1)
    assert tstr(table(600, 0, law=-1), real, DISCRETE, 2) < 0
    assert tstr(table(600, 0, law=-1), real, DISCRETE, 3) < 0.4


def test_targets_of_one_class_or_value() -> None:
    train, real = table(100, 0), table(100, 1)
    one = train.copy()
    one[:, 3] = 1
    assert tstr(one, real, DISCRETE, 3) == 0.5  # nothing was to be learnt
    assert np.isnan(trts(one, real, DISCRETE, 3))  # nothing to rank
    one[:, 2] = 4
    assert tstr(one, real, DISCRETE, 2) <= 0
    assert np.isnan(trts(one, real, DISCRETE, 2))
    two = np.where(train[:, [3]] == 2, 1, train[:, [3]])
    score = tstr(np.concatenate([train[:, :3], two], 1), real, DISCRETE, 3)
    assert 0.6 < score < tstr(train, real, DISCRETE, 3)  # a class never met counts 1/2


def test_targets_that_cannot_be() -> None:
    train, real = table(200, 0), table(200, 1)
    with pytest.raises(InputError, match="a target from 0 to 3, not 4"):
        tstr(train, real, DISCRETE, 4)
    empty = real.copy()
    empty[:, 2] = NAN
    with pytest.raises(InputError, match="field 2 is missing"):
        tstr(train, empty, DISCRETE, 2)
    train[:, 3] = np.arange(200)
    with pytest.raises(InputError, match="100 classes or less, not 200"):
        tstr(train, real, DISCRETE, 3)
    assert tstr(train[:, :1], real[:, :1], [False], 0) == pytest.approx(0, abs=0.1)
