"""CTGAN: what is asked for and how often, what not giving it costs, packs; and that a mixed table is learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from playing import built, one_round, player, train

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.ctgan import CTGAN
from ganvas.generator import Generator
from ganvas.metrics.tables.c2st import c2st
from ganvas.nets import rows
from ganvas.space import Data
from ganvas.spaces.tables import Table, tables
from make import mixed, table


@pytest.fixture(scope="module")
def data() -> Data:
    return table(1500)


def game_on(data: Data, **flags: float) -> CTGAN:
    game = built(data, CTGAN, rows, hidden=32, code=8, **flags)
    assert isinstance(game, CTGAN)
    return game


def encoded(data: Data) -> torch.Tensor:
    return data.space.encode(data.train.read(np.arange(len(data.train)))[0])


def test_a_class_is_asked_for_by_the_log_of_its_frequency(data: Data) -> None:
    torch.manual_seed(0)
    game, x = game_on(data), encoded(data).repeat(20, 1)
    asked = game.asking(Batch(x))
    assert asked.y is not None
    assert torch.equal(asked.y.sum(1), torch.ones(len(x)))  # one class of one column …
    assert torch.equal((asked.x * asked.y).sum(1), torch.ones(len(x)))  # … which is the row's own
    counts = encoded(data).sum(0)
    for block in (slice(0, 3), slice(6, 8)):
        share = asked.y[:, block].mean(0)
        expected = torch.log1p(counts[block]) / torch.log1p(counts[block]).sum() / 2
        assert share.tolist() == pytest.approx(expected.tolist(), abs=0.01)


def test_after_training_classes_are_asked_for_as_often_as_they_came(data: Data) -> None:
    game, counts = game_on(data), encoded(data).sum(0)
    expected = counts / len(data.train) / 2
    torch.testing.assert_close(game.G.net.get_buffer("asked")[:3], expected[:3])
    torch.testing.assert_close(game.G.net.get_buffer("asked")[6:], expected[6:])


def test_what_is_not_given_costs_its_cross_entropy(data: Data) -> None:
    game = game_on(data)
    y = torch.zeros(2, 8)
    y[0, 2] = y[1, 7] = 1.0
    asked, raw = Batch(y, y), torch.zeros(2, 8)
    assert float(game.unheard(asked, raw)) == pytest.approx((math.log(3) + math.log(2)) / 2)
    raw[0, 2] = raw[1, 7] = 50.0
    raw[0, 6] = 99.0  # of a column that was not asked for
    assert float(game.unheard(asked, raw)) == pytest.approx(0, abs=1e-6)


def test_the_slope_of_1_is_that_of_a_pack(data: Data) -> None:
    """A critic that is the sum of w times the first number of each row of a pack has the slope w √pac."""
    game = game_on(data, layers=0, pac=9, gp_weight=7.0)
    weight = game.D.get_parameter("judge.weight")
    with torch.no_grad():
        weight.zero_()[:, ::16] = 0.2
    (_, loss, notes), _ = list(game.play(iter([Batch(encoded(data)[:64])])))
    assert float(notes["penalty"].detach()) == pytest.approx((0.2 * 3 - 1) ** 2, abs=1e-5)
    r, f = (float(torch.as_tensor(notes[name]).mean().detach()) for name in ("real", "fake"))
    assert float(loss.detach()) == pytest.approx(f - r + 7 * 0.16, abs=1e-4)


def test_packs_are_rows_in_order_and_a_last_one_that_is_not_full_is_left(data: Data) -> None:
    game, x = game_on(data, pac=10), torch.randn(25, 8)
    packs = game.packs(Batch(x, 2 * x), x)
    assert packs.y is not None
    assert torch.equal(packs.x, x[:20].view(2, 10, 8))
    assert torch.equal(packs.y, 2 * packs.x)
    with pytest.raises(InputError, match="--batch 10 or more"):
        game.packs(Batch(x[:9], x[:9]), x[:9])


def test_a_table_without_classes_asks_for_nothing() -> None:
    numbers = tables(mixed()[["x"]], holdout=0.0)
    moves = one_round(game_on(numbers), numbers)
    assert float(torch.as_tensor(moves[1][1].notes["unheard"])) == 0


def test_a_mixed_table_is_learnt(data: Data) -> None:
    game = train(built(data, CTGAN, rows, hidden=64, code=16, dropout=0.2), data, 50_000, batch=250, lr=1e-3)
    space = data.space
    assert isinstance(space, Table)
    x, _ = player(game, "G", Generator).draw(range(1_000), seed=1)
    made, fresh = space.decode(x), space.read(mixed(1_000, seed=1))
    share = [np.bincount(raw[:, 0].astype(int), minlength=3) / len(raw) for raw in (made, fresh)]
    assert np.abs(share[0] - share[1]).max() < 0.1
    assert share[0].min() > 0.01  # the rare class is there
    there = ~np.isnan(made[:, 2])
    assert np.corrcoef(made[there, 1], made[there, 2])[0, 1] > 0.8
    assert c2st(fresh, made, space.discrete) < 0.95


@pytest.mark.parametrize("flags", [{"critic_moves": 0}, {"gp_weight": -1}, {"asked_weight": -1}, {"temperature": 0}])
def test_senseless_flags_are_refused(data: Data, flags: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--critic-moves"):
        game_on(data, **flags)
