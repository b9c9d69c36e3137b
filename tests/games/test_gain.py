"""GAIN: which holes are made and what the hint leaves open, both losses in closed form; holes come to be filled."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from playing import built, one_round

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.gain import GAIN
from ganvas.nets import gain
from ganvas.rows import rows
from ganvas.space import Data
from make import mixed, table


@pytest.fixture(scope="module")
def data() -> Data:
    return table(1500)


def game_on(data: Data, **flags: float) -> GAIN:
    game = built(data, GAIN, gain, hidden=32, **flags)
    assert isinstance(game, GAIN)
    return game


def real(data: Data) -> Batch:
    return Batch(data.space.encode(data.train.read(np.arange(len(data.train)))[0]))


def test_what_is_missing_is_never_known_and_a_share_of_the_rest_is_hidden(data: Data) -> None:
    torch.manual_seed(0)
    batch = real(data)
    batch = Batch(batch.x.repeat(10, 1))
    known, column = game_on(data, rate=0.3).holes(batch)
    missing = batch.x[:, 5] > 0.5
    assert not known[missing, 2].any()
    assert 0.1 < float(missing.float().mean()) < 0.3
    share = torch.cat([known[:, [0, 1, 3]].flatten(), known[~missing, 2]]).mean()
    assert float(share) == pytest.approx(0.7, abs=0.01)
    assert (np.bincount(column[:, 0]) / len(column)).tolist() == pytest.approx([0.25] * 4, abs=0.015)


def test_a_judge_who_knows_nothing_loses_log_2_in_the_open_column(data: Data) -> None:
    game = game_on(data, alpha=0.0)
    for p in game.D.parameters():
        p.data.zero_()
    (_, spotting, _), (_, filling, notes) = list(game.play(iter([real(data)])))
    assert float(spotting.detach()) == pytest.approx(math.log(2))
    hidden = float(filling.detach()) / math.log(2)  # -log D where the open column was not known
    assert 0.15 < hidden < 0.4
    assert float(torch.as_tensor(notes["taken"]).detach()) == pytest.approx(float(filling.detach()))


def test_what_was_known_is_rebuilt(data: Data) -> None:
    game, x = game_on(data), real(data).x[:3]
    raw = torch.zeros_like(x)
    everything, first, nothing = torch.ones(3, 8), torch.zeros(3, 8), torch.zeros(3, 8)
    first[:, :3] = 1.0
    assert float(game.rebuilding(x, raw, nothing)) == 0
    assert float(game.rebuilding(x, raw, first)) == pytest.approx(math.log(3))
    squares = float(x[:, 3:5].square().sum(1).mean())
    assert float(game.rebuilding(x, raw, everything)) == pytest.approx(math.log(3) + 2 * math.log(2) + squares)


def test_alpha_weighs_what_is_rebuilt(data: Data) -> None:
    small, large = (one_round(game_on(data, alpha=alpha), data)[1][1] for alpha in (0.0, 10.0))
    error = float(torch.as_tensor(large.notes["rebuilding"]))
    assert float(large.loss - small.loss) == pytest.approx(10 * error, rel=1e-4)


def test_holes_come_to_be_filled(tmp_path: Path) -> None:
    """``hole`` is 3 x; what is filled in lies far nearer than the mean does, and no hole is left."""
    frame, how = mixed(600), {"hidden": 64, "batch": 100, "rounds": 500, "holdout": 0.0, "alpha": 10.0}
    run = gan.train(frame, game="gain", run=tmp_path / "run", quiet=True, threads=1, checkpoint_every=10_000, **how)
    whole = mixed(300, seed=1).dropna().reset_index(drop=True)
    known = whole.assign(hole=np.nan)
    found = run.space.frame(rows(run, range(len(known)), known=known))  # type: ignore[attr-defined]
    assert found[["kind", "x", "truth"]].equals(known[["kind", "x", "truth"]])
    error = (found["hole"] - whole["hole"]).pow(2).mean()
    assert error < 0.3 * whole["hole"].var()
    with pytest.raises(InputError, match="--game taegan"):
        rows(run, range(3), where="kind = 'a'")


@pytest.mark.parametrize("flags", [{"rate": 0.0}, {"rate": 1.0}, {"alpha": -1.0}])
def test_senseless_flags_are_refused(data: Data, flags: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--rate"):
        game_on(data, **flags)
