"""Estimators in pipelines: frames in and out, unseen rows, classes, constants."""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ganvas.estimators import GANImputer, GANOverSampler, TableSynthesizer


def frame(n: int = 90, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    a = random.normal(size=n).round(2)
    text = np.where(a > 0, "up", "down").astype(object)
    return pd.DataFrame({"a": a, "b": (3 * a).round(2), "text": text, "flag": random.integers(0, 2, n), "same": 1.0})


def with_holes(whole: pd.DataFrame) -> pd.DataFrame:
    hidden = np.random.default_rng(1).random(whole.shape) < 0.2
    return whole.astype({"flag": float}).mask(hidden)


@pytest.fixture(scope="module")
def fitted() -> GANImputer:
    return GANImputer(categorical_features=["flag"], random_state=0).fit(with_holes(frame()))


def test_the_imputer_fills_unseen_rows_of_a_frame(fitted: GANImputer) -> None:
    whole = frame(seed=5).set_index(pd.Index(range(100, 190)))
    given = with_holes(whole)
    found = fitted.transform(given)
    assert isinstance(found, pd.DataFrame)
    assert list(found) == list(fitted.get_feature_names_out()) == list(whole)
    assert found.index.equals(whole.index)
    assert not found.isna().any().any()
    known = given.notna().to_numpy()
    assert (found.to_numpy() == whole.to_numpy())[known].all()
    assert set(found["flag"]) == {0.0, 1.0}
    assert (found["same"] == 1).all()
    rows = given["b"].isna() & given["a"].notna()
    assert np.corrcoef(found["b"][rows], whole["b"][rows])[0, 1] > 0.9


def test_draws_differ_in_the_holes_alone_and_lie_in_the_intervals(fitted: GANImputer) -> None:
    given = with_holes(frame(seed=6))
    one, two = fitted.draw(given, m=2)
    known = given.notna().to_numpy()
    assert (one.to_numpy() == two.to_numpy())[known].all()
    assert not one.equals(two)
    assert one.equals(fitted.draw(given, m=1)[0])
    low, high = fitted.interval(given, 0.98)
    rows = given["a"].isna()
    assert (one["a"].between(low["a"], high["a"]))[rows].mean() > 0.9


def test_a_column_without_values_stays_empty_and_one_row_is_enough() -> None:
    given = np.array([[1.0, np.nan, 2.0]])
    found = GANImputer().fit(given).transform(np.array([[np.nan, np.nan, 5.0]]))
    assert np.array_equal(found, [[1.0, np.nan, 5.0]], equal_nan=True)


def test_the_imputer_is_tuned_in_a_pipeline() -> None:
    x = with_holes(frame(60))[["a", "b"]].to_numpy()
    y = np.arange(60) % 2
    pipeline = make_pipeline(GANImputer(random_state=0), LogisticRegression())
    search = GridSearchCV(pipeline, {"ganimputer__seen": [60, 90]}, cv=2, refit=False).fit(x, y)
    assert search.best_params_["ganimputer__seen"] in (60, 90)
    assert clone(pipeline[0]).get_params() == pipeline[0].get_params()


def test_the_synthesizer_draws_conditional_rows_and_scores() -> None:
    table = frame(80)
    model = TableSynthesizer(seen=2000, random_state=0).fit(table)
    rows = model.sample(20, where="text = 'up'")
    assert list(rows) == list(table)
    assert (rows["text"] == "up").all()
    assert rows.dtypes.equals(table.dtypes)
    assert model.sample(5).equals(model.sample(9)[:5])
    filled = model.complete(pd.DataFrame({"text": ["down", "up"], "a": [np.nan, 0.5]}))
    assert list(filled["text"]) == ["down", "up"]
    assert filled["a"][1] == 0.5
    shuffled = table.assign(b=table["b"].sample(frac=1, random_state=1).to_numpy())
    assert model.score(table) > model.score(shuffled)


def test_the_sampler_makes_rows_of_the_rare_class_in_a_pipeline() -> None:
    imblearn = pytest.importorskip("imblearn.pipeline")
    x = frame(120).drop(columns="flag")
    y = pd.Series(np.where(np.arange(120) < 20, "rare", "usual"), name="y")
    x.loc[:19, "b"] += 30
    new, labels = GANOverSampler(seen=6000, random_state=0).fit_resample(x, y)
    assert (labels == "rare").sum() == (labels == "usual").sum() == 100
    pd.testing.assert_frame_equal(new[:120], x)
    made = new[120:]
    assert made.dtypes.equals(x.dtypes)
    assert (made["b"] > 15).mean() > 0.8
    assert set(made["text"]) <= {"up", "down"}
    pipeline = imblearn.make_pipeline(GANOverSampler(seen=60, random_state=0), LogisticRegression())
    assert len(pipeline.fit(x[["a", "b"]], y).predict(x[["a", "b"]])) == 120


def test_numbers_of_each_class_can_be_asked_for() -> None:
    pytest.importorskip("imblearn")
    x, y = np.random.default_rng(0).normal(size=(40, 2)), np.repeat([0, 1, 2], [25, 10, 5])
    _, labels = GANOverSampler(sampling_strategy={2: 9}, seen=40, random_state=0).fit_resample(x, y)
    assert np.bincount(labels).tolist() == [25, 10, 9]


def test_an_unknown_name_is_no_estimator() -> None:
    module = importlib.import_module("ganvas.estimators")
    with pytest.raises(AttributeError, match="Nothing"):
        module.Nothing  # noqa: B018
