"""Holes: the copula against closed forms, mixtures and quantiles, and the verb."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import ndtr

import ganvas as gan
from ganvas import imputation
from ganvas.imputation import Imputer, mixed, sharpened
from ganvas.spaces.tables.gaussian import Gaussian
from ganvas.verbs.impute import learnt

N = 160


def frame(seed: int = 0, n: int = N) -> pd.DataFrame:
    """b follows a, the class follows a too; c is noise."""
    random = np.random.default_rng(seed)
    a = random.normal(size=n)
    b = (2 * a + 0.3 * random.normal(size=n)).round(2)
    kind = np.where(a + 0.3 * random.normal(size=n) > 0, "high", "low")
    return pd.DataFrame({"a": a.round(3), "b": b, "c": random.normal(size=n).round(1), "kind": kind})


def with_holes(whole: pd.DataFrame, share: float = 0.2) -> pd.DataFrame:
    return whole.mask(np.random.default_rng(1).random(whole.shape) < share)


@pytest.fixture(scope="module")
def imputer() -> Imputer:
    return learnt(with_holes(frame()), None, 0)


@pytest.fixture
def normal() -> tuple[Gaussian, np.ndarray]:
    """A copula of given covariance, and its covariance."""
    square = np.array([[1.0, 0.8, 0.2], [0.8, 1.0, 0.4], [0.2, 0.4, 1.0]])
    raw = np.random.default_rng(0).multivariate_normal(np.zeros(3), square, 60)
    fields = gan.tables(pd.DataFrame(raw, columns=list("abc")), holdout=0.0).space.fields  # type: ignore[attr-defined]
    one = np.ones(3)
    return Gaussian(fields, np.arange(3), 0 * one, one, torch.zeros(3).double(), torch.tensor(square)), square


def test_the_copula_conditions_as_the_closed_form(normal: tuple[Gaussian, np.ndarray]) -> None:
    copula, s = normal
    x, known = torch.tensor([[0.5, 0.0, -1.0]]).double(), torch.tensor([[True, False, True]])
    mean, covariance = copula.believed(x, known)
    gain = np.linalg.solve(s[np.ix_([0, 2], [0, 2])], s[[0, 2], 1])
    assert mean[0].tolist() == pytest.approx([0.5, gain @ [0.5, -1.0], -1.0])
    wanted = np.zeros((3, 3))
    wanted[1, 1] = 1 - gain @ s[[0, 2], 1]
    assert np.allclose(covariance[0].numpy(), wanted)


def test_em_finds_a_correlation_through_holes() -> None:
    random = np.random.default_rng(0)
    raw = random.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 1500)
    fields = gan.tables(pd.DataFrame(raw, columns=["a", "b"]), holdout=0.0).space.fields  # type: ignore[attr-defined]
    given = np.where(random.random(raw.shape) < 0.3, np.nan, raw)
    found = Gaussian.fit(fields, given).covariance
    assert float(found[0, 1] / (found[0, 0] * found[1, 1]).sqrt()) == pytest.approx(0.9, abs=0.03)


def test_the_copula_says_shares_of_bins(normal: tuple[Gaussian, np.ndarray]) -> None:
    copula, _ = normal
    field = copula.fields[0]
    share = copula.share(0, np.zeros((1, 1)), np.ones((1, 1)))[0]
    edges = np.concatenate([[-np.inf], field.edges[1:-1], [np.inf]])
    assert np.allclose(share, np.diff(ndtr(edges)), atol=1e-4)


def test_the_weight_goes_to_the_one_that_knew() -> None:
    good, bad = np.full(400, 0.9), np.full(400, 0.1)
    weight = mixed([good, bad], [bad, good])
    assert weight[0] > 0.9
    assert weight[1] < 0.1


def test_shares_that_are_not_sure_enough_are_sharpened_and_others_are_not() -> None:
    random = np.random.default_rng(0)
    said = np.tile([0.6, 0.4], (4000, 1))
    true = [(random.random(4000) > p).astype(int) for p in (0.6, 0.6**2 / (0.6**2 + 0.4**2))]
    assert sharpened([said, said], true) == pytest.approx([1.0, 2.0], abs=0.35)


def test_quantiles_invert_the_distribution(imputer: Imputer) -> None:
    field = imputer.space.fields[0]
    share = np.random.default_rng(0).dirichlet(np.ones(field.bins), 1)
    v = imputation._quantile(field, share.repeat(4000, 0), (np.arange(4000) + 0.5) / 4000)
    assert (np.diff(v) >= 0).all()
    found = np.bincount(field.bin(field.encode(v)), minlength=field.bins) / 4000
    assert np.abs(found - share[0]).sum() < 0.1


def test_what_is_known_stays_and_holes_are_filled_well(imputer: Imputer) -> None:
    whole, given = frame(7), with_holes(frame(7))  # rows it was not trained on
    raw = imputer.space.read(given)
    found = imputer.fill(given, imputer.estimate(raw))
    assert not found.isna().any().any()
    kept = given.notna()
    assert (found[kept] == whole[kept]).to_numpy()[kept.to_numpy()].all()
    rows = given["b"].isna() & given["a"].notna()
    assert (found["b"] - whole["b"])[rows].abs().mean() < 0.5 * (whole["b"].mean() - whole["b"])[rows].abs().mean()
    rows = given["kind"].isna() & given["a"].notna()
    assert (found["kind"] == whole["kind"])[rows].mean() > 0.75
    assert found["b"].round(2).equals(found["b"])


def test_intervals_hold_what_they_promise_and_draws_spread(imputer: Imputer) -> None:
    whole, given = frame(8, 400), with_holes(frame(8, 400))
    raw, true = imputer.space.read(given), imputer.space.read(whole)
    low, high = imputer.interval(raw, 0.9)
    for j in range(3):
        rows = np.isnan(raw[:, j])
        assert 0.75 <= ((low <= true) & (true <= high))[rows, j].mean() <= 1.0
    inside = imputer.interval(raw, 0.3)
    assert (inside[0] >= low).all()
    assert (inside[1] <= high).all()
    one, same, other = (imputer.draw(raw, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert (one != other)[np.isnan(raw)].mean() > 0.5
    rows = np.isnan(raw[:, 0]) & np.isnan(raw[:, 1])  # holes of a row are drawn together
    assert np.corrcoef(np.concatenate([imputer.draw(raw, s)[rows, :2] for s in range(20)]).T)[0, 1] > 0.7


def test_a_level_must_be_a_share(imputer: Imputer) -> None:
    with pytest.raises(gan.InputError, match="level"):
        imputer.interval(np.zeros((1, 4)), 90)


def test_the_verb_fills_a_file_and_its_run_fills_another(tmp_path: Path) -> None:
    given = with_holes(frame())
    given.to_csv(tmp_path / "holes.csv", index=False)
    run = tmp_path / "run"
    out = gan.impute(tmp_path / "holes.csv", out=tmp_path / "full.csv", run=run)
    full = pd.read_csv(out)
    assert not full.isna().any().any()
    known = given.notna().to_numpy()
    assert (full.to_numpy() == given.to_numpy())[known].all()
    again = gan.impute(run, table=tmp_path / "holes.csv", out=tmp_path / "again.parquet")
    assert pd.read_parquet(again)["b"].equals(full["b"])
    gan.impute(run, table=tmp_path / "holes.csv", out=tmp_path / "drawn.csv", draws=2)
    one, two = (pd.read_csv(tmp_path / f"drawn-{i}.csv") for i in (1, 2))
    assert (one.to_numpy() == given.to_numpy())[known].all()
    assert not one.equals(two)
    assert not (tmp_path / "drawn.csv").exists()


@pytest.mark.parametrize(
    ("what", "options", "words"),
    [
        ("holes.csv", {"out": "full.txt"}, "no name of a table"),
        ("holes.csv", {"out": "full.csv", "draws": -1}, "--draws -1"),
        ("run", {"out": "full.csv"}, "which table to fill"),
        ("none.csv", {"out": "full.csv"}, "no file"),
    ],
)
def test_what_cannot_be_done_is_said(what: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(gan.InputError, match=words):
        gan.impute(what, **options)  # type: ignore[arg-type]
