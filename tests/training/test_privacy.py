"""Differential privacy of a run: the account against Opacus' own, what is refused, spending, secrets, exact resume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

import ganvas as gan
from ganvas.errors import InputError
from ganvas.evaluation.origin import data_of
from ganvas.games.dpgan import DPGAN
from ganvas.spaces.tables import tables
from ganvas.spaces.tables.private import amounts, histograms, octaves, privately
from ganvas.training.batches import Batches
from ganvas.training.privacy import SECRET, Guard, Poisson
from ganvas.training.settings import Settings

opacus = pytest.importorskip("opacus")
N = 2000
SMALL = {"batch": 100, "hidden": 8, "layers": 1, "latent": 4, "critic_moves": 2, "checkpoint_every": 2, "quiet": True}
BUDGET = {"epsilon": 5.0, "delta": 1e-5}


def frame(rows: int = N) -> pd.DataFrame:
    random = np.random.default_rng(0)
    made = pd.DataFrame({"age": random.integers(18, 90, rows), "city": random.choice(["Rome", "Milan"], rows)})
    made["income"] = np.round(np.exp(random.normal(7, 0.6, rows)), 2)
    made["born"] = pd.Timestamp("1950-01-01") + pd.to_timedelta(random.integers(0, 20_000, rows), unit="D")
    made["key"] = [f"Secret-{i:05d}" for i in range(rows)]
    made.loc[0, "city"] = "Only one lives here"
    made["hole"] = pd.Series(random.integers(0, 5, rows), dtype="Int64").mask(random.random(rows) < 0.4)
    return made


@pytest.mark.parametrize(("rate", "noise", "steps"), [(0.05, 1.5, 200), (0.01, 0.9, 3000), (1.0, 8.0, 5)])
def test_the_account_is_that_of_opacus(rate: float, noise: float, steps: int) -> None:
    guard = Guard(1.0, 1e-5, rate, 1, steps, 0, noise, 50.0)
    theirs = opacus.accountants.RDPAccountant()
    theirs.history = [(noise, rate, steps)]
    assert guard.spent(steps) == pytest.approx(theirs.get_epsilon(delta=0.9e-5), rel=1e-3)
    theirs.history = [(noise, rate, steps), (50.0, 1.0, 9)]
    assert replace(guard, counts=9).spent(steps) == pytest.approx(theirs.get_epsilon(delta=0.9e-5), rel=1e-3)


def test_the_noise_spends_the_budget_and_no_more() -> None:
    guard = Guard(3.0, 1e-5, 0.02, 10, 50, 12).fitted()
    assert 2.99 < guard.spent(50) <= 3.0
    assert 0.89 < guard.spent(0) <= 0.9
    spent = [guard.spent(rounds) for rounds in (0, 1, 10, 49, 50, 51)]
    assert spent == sorted(spent)
    assert spent[-1] > 3.0
    more = Guard(3.0, 1e-5, 0.02, 10, 500, 12).fitted()
    assert more.noise > guard.noise
    with pytest.raises(InputError, match="too little for 50 rounds"):
        Guard(1e-4, 1e-5, 0.02, 10, 50, 12).fitted()


def test_each_row_comes_with_the_same_chance() -> None:
    data = tables(frame(500), holdout=0.0)
    batches = Poisson(data, 50, seed=3)
    batch = [next(batches) for _ in range(300)]
    sizes = np.array([len(one) for one in batch])
    assert sizes.mean() == pytest.approx(50, abs=4 * np.sqrt(50 * 0.9 / 300))
    assert sizes.var() == pytest.approx(500 * 0.1 * 0.9, rel=0.3)
    assert batches.position == 300 * 50
    again = Poisson(data, 50, seed=3)
    again.position = 50 * 7
    assert torch.equal(next(again).x, batch[7].x)
    assert isinstance(again, Batches)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"game": "taegan"}, "--game taegan does not go with --epsilon: its players see real rows themselves; take dpgan"),
    ({"game": "wgan_gp"}, "--game wgangp does not go"),
    ({"game": "tvae"}, "--game tvae does not go"),
    ({"stop_on": "c2st"}, "--stop-on does not go with --epsilon: it looks at held-out rows"),
    ({"on_divergence": "rollback"}, "--on-divergence rollback"),
    ({"accumulate": 2}, "--accumulate"),
    ({"rounds": None, "minutes": 1.0}, "--minutes"),
    ({"noise": 0.5}, "--noise does not go with --epsilon: it follows from epsilon"),
    ({"r1": 1.0}, "--r1 does not go"),
    ({"delta": None}, r"needs --delta, more than 0 and less than 1 / 1,800"),
    ({"delta": 0.01}, r"needs --delta, more than 0 and less than 1 / 1,800"),
    ({"epsilon": 0.0}, "--epsilon 0.0 must be more than 0"),
    ({"batch": 5000}, "--batch 5000 is more than the 1,800 rows"),
    ({"constraints": "(city, hole)"}, "tells values of rows; with --epsilon compare numbers alone"),
]


@pytest.mark.parametrize(("flags", "message"), REFUSED)
def test_what_voids_the_guarantee_is_refused(flags: dict[str, Any], message: str, tmp_path: Path) -> None:
    how = BUDGET | {"rounds": 2, "quiet": True} | flags
    with pytest.raises(InputError, match=message):
        gan.train(frame(), run=tmp_path / "run", **how)
    assert not (tmp_path / "run" / "run.json").exists()


def test_pictures_and_points_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--epsilon is for tables"):
        gan.train("ring", run=tmp_path / "run", rounds=2, quiet=True, **BUDGET)


def tensors(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(run / "generator" / "weights.safetensors")


def test_a_private_run_spends_resumes_exactly_and_tells_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    frame().to_csv(path, index=False)
    run = gan.train(path, run=tmp_path / "a", rounds=6, **SMALL, **BUDGET)
    told = run.info["privacy"]
    assert 4.9 < told["epsilon_spent"] <= 5.0
    assert gan.show(run)["privacy"] == told
    assert not run.scores
    assert not (run.path / "state" / "best.json").exists()
    assert run.info["game"] == "ganvas.games.dpgan:DPGAN"
    secret = json.loads((run.path / SECRET).read_text())["seed"]
    published = b"".join(file.read_bytes() for file in (run.path / "generator").iterdir())
    for private in (str(secret).encode(), b"Only one lives here", b"Secret-0"):
        assert private not in published
    assert str(secret) not in (run.path / "run.json").read_text()
    data = data_of(run)
    assert data is not None
    assert data.space.config() == run.space.config()
    other = gan.train(path, run=tmp_path / "b", rounds=6, **SMALL, **BUDGET)
    assert any(
        not torch.equal(a, b) for a, b in zip(tensors(run.path).values(), tensors(other.path).values(), strict=False)
    )

    def stop(t: int, game: gan.Game, line: object) -> None:
        if t == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("secrets.randbits", lambda bits: secret)
    with pytest.raises(KeyboardInterrupt):
        gan.train(path, run=tmp_path / "cut", rounds=6, monitors=[stop], **SMALL, **BUDGET)
    assert gan.Run(tmp_path / "cut").info["privacy"]["epsilon_spent"] < 4.9
    with pytest.raises(InputError, match="begun with other settings"):
        gan.train(resume=tmp_path / "cut", rounds=12, override=True, quiet=True)
    gan.train(resume=tmp_path / "cut", quiet=True)
    ours, theirs = tensors(run.path), tensors(tmp_path / "cut")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    made = run.space.frame(run.samples(range(20), 1)[0])  # type: ignore[attr-defined]
    assert (made.dtypes.drop("key") == pd.read_csv(path).dtypes.drop("key")).all()
    (tmp_path / "cut" / SECRET).unlink()
    with pytest.raises(InputError, match="is gone: without it a private run can neither go on"):
        gan.train(resume=tmp_path / "cut", quiet=True)


def test_the_space_is_made_of_counts_alone() -> None:
    data = tables(frame(), holdout=0.0)
    made = privately(data, 5.0, 1e-6, seed=9)
    space, fields = made.space, {field.name: field for field in made.space.fields}  # type: ignore[attr-defined]
    assert histograms(data.space) == 2 * 4 + 1  # type: ignore[arg-type]
    assert fields["city"].classes == ("Milan", "Rome")  # who lives alone is not listed
    assert np.isnan(made.train.raw[0, 1])
    counts = data.space.fields[1].counts  # type: ignore[attr-defined]
    assert fields["city"].counts[:2] == pytest.approx(counts[[0, 2]], abs=25)
    assert fields["hole"].missing
    assert not fields["age"].missing
    assert fields["age"].value.min() < 25
    assert fields["age"].value.max() < 128  # a power of two: bounds are octaves
    assert fields["income"].places == 2
    assert np.median(fields["born"].value) == pytest.approx(np.median(data.train.raw[:, 3]), rel=0.2)
    again = privately(data, 5.0, 1e-6, seed=9)
    assert json.dumps(again.space.config()) == json.dumps(space.config())
    assert json.dumps(privately(data, 5.0, 1e-6, seed=8).space.config()) != json.dumps(space.config())
    assert torch.isfinite(space.encode(made.train.raw)).all()
    with pytest.raises(InputError, match="no class of column 'city' is frequent enough"):
        privately(data, 1000.0, 1e-6, seed=9)


def test_bounds_are_octaves_of_a_step() -> None:
    random = np.random.default_rng(0)
    for values, bounds in [
        ([5.0, 6, 7, 100], (4, 128)),
        ([0.0, 3], (0, 4)),
        ([0.0], (0, 1)),
        ([-5.0, 100], (-8, 128)),
        ([-5.0, -100], (-128, -3)),
    ]:
        assert octaves(np.repeat(values, 50), 1.0, random) == bounds
    assert amounts(np.array([3.2, 0.0, -1.0])).tolist() == [3, 0, 0]
    assert amounts(np.full(2, 1e9)).sum() == 20_000


def test_without_noise_the_counts_are_those_of_the_rows() -> None:
    data = tables(frame(), holdout=0.0)
    made = privately(data, 1e-9, 1e-6, seed=1)
    for name in ("age", "hole"):
        old, new = (next(f for f in one.space.fields if f.name == name) for one in (data, made))  # type: ignore[attr-defined]
        assert np.array_equal(new.counts, old.counts), name
        assert np.array_equal(np.unique(new.value), np.unique(old.value)), name


def test_a_game_is_private_by_its_own_word_alone() -> None:
    assert DPGAN.private_moves({}) == 10
    assert gan.Game.private_moves({}) == 0
    with pytest.raises(InputError, match="--epsilon"):
        Settings(epsilon=-1.0)
