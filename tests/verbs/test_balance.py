"""Does balancing help? What is compared, what is advised, what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ganvas as gan
from ganvas.spaces.tables import Table
from ganvas.verbs import balance as verb


def frame(n: int = 240) -> pd.DataFrame:
    random = np.random.default_rng(0)
    bad = random.random(n) < 0.15
    number = random.normal(size=n) + bad
    kind = np.where(random.random(n) < 0.3 + 0.4 * bad, "x", "y")
    return pd.DataFrame({"number": number.round(2), "kind": kind, "y": np.where(bad, "bad", "good")})


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], Path]:
    pytest.importorskip("imblearn")
    place = tmp_path_factory.mktemp("balance")
    frame().to_csv(place / "table.csv", index=False)
    return gan.balance(place / "table.csv", target="y", out=place / "balanced.csv"), place


def test_the_figures_of_three_ways_are_compared(told: tuple[dict[str, dict[str, dict[str, float]]], Path]) -> None:
    report, _ = told
    assert (report["target"], report["rare"]) == ("y", "bad")
    assert report["share"] == pytest.approx((frame()["y"] == "bad").mean())
    assert list(report["figures"]) == ["untouched", "smotenc", "ganvas"]
    for figures in report["figures"].values():
        assert set(figures) == {"average_precision", "f1", "f1_at_half", "brier", "threshold", "noise"}
        assert all(0 <= value <= 1 for value in figures.values())
    assert report["figures"]["untouched"]["noise"] == 0


def test_the_balanced_table_begins_with_the_rows_as_they_were(told: tuple[dict[str, object], Path]) -> None:
    whole = pd.read_csv(told[1] / "balanced.csv")
    first = frame()
    pd.testing.assert_frame_equal(whole[: len(first)], first)
    made = whole[len(first) :]
    assert set(made["y"]) == {"bad"}
    assert (whole["y"] == "bad").sum() == (whole["y"] == "good").sum()
    assert made["number"].between(first["number"].min(), first["number"].max()).all()
    assert set(made["kind"]) <= {"x", "y"}


def figures(precision: float, noise: float = 0.001) -> dict[str, float]:
    told = {"average_precision": precision, "f1": 0.4, "f1_at_half": 0.1, "threshold": 0.2, "noise": noise}
    return told | {"brier": 0.1}


@pytest.mark.parametrize(
    ("made", "smotenc", "words"),
    [
        (figures(0.29), figures(0.304), "do not resample, move the threshold: to 0.2"),
        (figures(0.29), figures(0.36, noise=0.05), "do not resample, move the threshold"),
        (figures(0.35), figures(0.32), "resample with ganvas: the average precision rises by 0.050"),
    ],
)
def test_the_advice_is_what_the_figures_say(made: dict[str, float], smotenc: dict[str, float], words: str) -> None:
    assert verb.advice({"untouched": figures(0.3), "smotenc": smotenc, "ganvas": made}).startswith(words)


def test_the_split_keeps_the_share_of_the_classes() -> None:
    positive = np.arange(100) < 20
    learnt, judged = verb.split(positive, 0)
    assert sorted([*learnt, *judged]) == list(range(100))
    assert (positive[learnt].sum(), positive[judged].sum()) == (14, 6)


def test_the_space_knows_nothing_of_the_rows_that_judge() -> None:
    whole = frame()
    _, judged = verb.split((whole["y"] == "bad").to_numpy(), 0)
    whole.loc[judged, "number"] += 1000.0
    whole.loc[judged[0], "kind"] = "seen by the judge alone"
    data = gan.tables(whole, target="y", holdout=0.0)
    assert isinstance(data.space, Table)
    part, judge, (at, code) = verb.parted(whole, data, (2, data.space.fields[2].classes.index("bad")), 0)
    assert isinstance(part.space, Table)
    number, kind, _ = part.space.fields
    assert "seen by the judge alone" not in kind.classes
    assert number.value.max() < 100
    assert judge[:, 0].min() > 900
    assert np.isnan(judge[0, 1])
    assert len(part.train) == len(whole) - len(judged)
    assert (judge[:, at] == code).tolist() == (whole["y"][judged] == "bad").tolist()


def test_the_noise_is_that_of_average_precisions_drawn_again() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(1)
    truth, told = random.random(80) < 0.2, random.random(80).round(1)  # many are told the same
    for _ in range(5):
        often = np.bincount(random.integers(0, 80, 80), minlength=80)
        expected = metrics.average_precision_score(truth, told, sample_weight=often)
        assert verb.precision(truth, told, often) == pytest.approx(expected)
    assert verb.spread(truth, told, told, 0) == 0.0
    assert verb.spread(truth, told, random.random(80), 0) > 0.01


def test_the_best_threshold_is_that_of_the_best_f1() -> None:
    chance, truth = np.array([0.1, 0.2, 0.3, 0.35, 0.8]), np.array([False, False, True, False, True])
    assert verb.best_threshold(chance, truth) == 0.3


@pytest.mark.parametrize(
    ("target", "rare", "words"),
    [("number", None, "no classes to balance"), ("y", "worse", "no class 'worse'"), ("y", "good", "not rare")],
)
def test_what_cannot_be_balanced_is_refused(target: str, rare: str | None, words: str) -> None:
    with pytest.raises(gan.InputError, match=words):
        gan.balance(frame(), target=target, rare=rare)
