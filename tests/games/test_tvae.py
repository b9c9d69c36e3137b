"""TVAE: its bound in closed form, what has no score, and that a mixed table is learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from playing import built, one_round, player, train
from torch import distributions as law
from torch.nn.functional import pad

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.tvae import LEAST, TVAE
from ganvas.generator import Generator
from ganvas.metrics.tables.c2st import c2st
from ganvas.nets import rows
from ganvas.space import Data
from ganvas.spaces.tables import Table
from make import mixed, table


@pytest.fixture(scope="module")
def data() -> Data:
    return table(1500)


def game_on(data: Data, **flags: float | str) -> TVAE:
    game = built(data, TVAE, rows, **{"hidden": 32, "code": 8, "norm": "none"} | flags)
    assert isinstance(game, TVAE)
    return game


def test_the_surprise_is_that_of_the_distributions(data: Data) -> None:
    """Columns: kind (3 classes), x, hole and its flag, truth (2 classes)."""
    game = game_on(data)
    x = data.space.encode(data.train.read(np.arange(40))[0])
    code = torch.randn(40, 8)
    with torch.no_grad():
        game.G.net.get_parameter("spread").copy_(torch.linspace(-1, 1, 8))
        told = game.G.net(pad(code, (0, 9)))
        sigma = game.G.net.get_parameter("spread").exp()
        there = x[:, 5] < 0.5
        expected = -law.OneHotCategorical(logits=told[:, :3]).log_prob(x[:, :3])
        expected -= law.OneHotCategorical(logits=told[:, 6:]).log_prob(x[:, 6:])
        expected -= law.Normal(told[:, 3], sigma[3]).log_prob(x[:, 3])
        expected -= law.Bernoulli(logits=told[:, 5]).log_prob(x[:, 5])
        expected -= torch.where(there, law.Normal(told[:, 4], sigma[4]).log_prob(x[:, 4]), 0.0)
        assert 0 < int(there.sum()) < 40
        torch.testing.assert_close(game.surprise(x, code), expected, rtol=1e-4, atol=1e-4)


def test_the_loss_is_minus_the_bound(data: Data) -> None:
    names, move = one_round(game_on(data), data)[0]
    assert names == "G+E"
    total = sum(float(torch.as_tensor(move.notes[name])) for name in ("surprise", "kl"))
    assert float(move.loss) == pytest.approx(total, rel=1e-5)


def test_no_deviation_is_smaller_than_that_of_a_spike(data: Data) -> None:
    game = game_on(data)
    with torch.no_grad():
        game.G.net.get_parameter("spread").fill_(math.log(LEAST))
    one_round(game, data)
    spread = game.G.net.get_parameter("spread").detach()
    assert float(spread.min()) == pytest.approx(math.log(LEAST))  # none fell below
    assert float(spread.max()) > math.log(LEAST)  # others rose


def test_codes_of_two_sizes_are_refused(data: Data) -> None:
    game = built(data, TVAE, rows, **{"hidden": 32, "G.code": 8, "E.code": 4})
    with pytest.raises(InputError, match="give --code"):
        list(game.play(iter([Batch(torch.randn(8, 8))])))


def test_a_mixed_table_is_learnt(data: Data) -> None:
    game = train(game_on(data, hidden=64), data, 60_000, batch=100, lr=2e-3)
    space = data.space
    assert isinstance(space, Table)
    x, _ = player(game, "G", Generator).draw(range(1_000), seed=1)
    made, fresh = space.decode(x), space.read(mixed(1_000, seed=1))
    share = [np.bincount(raw[:, 0].astype(int), minlength=3) / len(raw) for raw in (made, fresh)]
    assert np.abs(share[0] - share[1]).max() < 0.08
    assert np.isnan(made[:, 2]).mean() == pytest.approx(0.2, abs=0.06)
    there = ~np.isnan(made[:, 2])
    assert np.corrcoef(made[there, 1], made[there, 2])[0, 1] > 0.9
    assert c2st(fresh, made, space.discrete) < 0.9
