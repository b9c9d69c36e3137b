"""TAEGAN: warm-up by likelihood, when it ends, what the refinement descends, and that rows are learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from playing import built, one_round, train

from ganvas.errors import InputError
from ganvas.game import Batch, Game
from ganvas.games.taegan import TAEGAN
from ganvas.generator import Generator
from ganvas.metrics.tables.c2st import c2st
from ganvas.nets import masked, mlp
from ganvas.recipe import couple
from ganvas.space import Data
from ganvas.spaces.tables import Table, tables
from ganvas.training.settings import Settings


def mixed(n: int = 1_500, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    kind = random.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    x = random.normal(size=n) + np.select([kind == "a", kind == "b"], [-2.0, 2.0], 0.0)
    y = np.where(random.random(n) < 0.15, np.nan, 3 * x + 0.3 * random.normal(size=n))
    return pd.DataFrame({"kind": kind, "x": x, "y": y, "many": y > 0})


@pytest.fixture(scope="module")
def data() -> Data:
    return tables(mixed(), seed=0)


def test_the_warm_up_descends_the_likelihood_alone(data: Data) -> None:
    game = small_game(data)
    before = {name: p.clone() for name, p in game.D.named_parameters()}
    moves = one_round(game, data)
    assert [name for name, _ in moves] == ["G"]
    assert all(torch.equal(p, before[name]) for name, p in game.D.named_parameters())


def test_the_refinement_has_a_critic_and_keeps_the_likelihood(data: Data) -> None:
    game = small_game(data)
    game.waited.fill_(game.patient)
    (first, critic), (second, maker) = one_round(game, data)
    assert (first, second) == ("D", "G")
    assert {"real", "fake", "penalty"} <= set(critic.notes)
    assert float(maker.loss) != pytest.approx(float(maker.notes["surprise"]))


def test_the_warm_up_ends_when_the_score_rests_or_its_share_is_over(data: Data) -> None:
    game = small_game(data, patient=2)
    heard = []
    for score in (0.9, 0.5, 0.6, 0.4, 0.5, 0.45, 0.1):
        game.heard(score)
        heard.append(game.refining)
    assert heard == [False, False, False, False, False, True, True]
    assert float(game.best) == pytest.approx(0.4)  # what the refinement scores is not the warm-up's
    late = small_game(data)
    late.planned, late.seen = 1_000, 849
    assert not late.refining
    late.seen = 850
    assert late.refining
    never = small_game(data, patient=0)
    never.planned, never.seen = 1_000, 1_000
    assert not never.refining


def test_half_of_the_rows_the_critic_sees_are_made_from_nothing(data: Data) -> None:
    game = small_game(data)
    space = data.space
    assert isinstance(space, Table)
    raw, _ = data.train.read(np.arange(512))
    real = Batch(space.encode(raw))
    kept = (game.made(real).x == real.x).all(1).float().mean()
    assert 0.02 < float(kept) < 0.45


def test_rows_are_learnt(data: Data) -> None:
    game = small_game(data, patient=0, units=96)
    space = data.space
    assert isinstance(space, Table)
    game.planned = 60_000
    train(game, data, 60_000, batch=100)
    generator = game.get_submodule("G")
    assert isinstance(generator, Generator)
    x, _ = generator.draw(range(1_500), seed=1)
    made, fresh = space.decode(x), space.read(mixed(seed=1))
    assert c2st(fresh, made, space.discrete) < 0.68
    assert np.isnan(made[:, 2]).mean() == pytest.approx(0.15, abs=0.04)
    there = ~np.isnan(made[:, 2])
    assert np.corrcoef(made[there, 1], made[there, 2])[0, 1] > 0.97


def test_other_networks_and_senseless_flags_are_refused(data: Data) -> None:
    with pytest.raises(InputError, match="--net masked"):
        built(data, TAEGAN, mlp)
    with pytest.raises(InputError, match="--warm"):
        small_game(data, warm=2.0)


def small_game(data: Data, **flags: object) -> TAEGAN:
    """A game of small players."""
    torch.manual_seed(0)
    chosen = couple(TAEGAN, masked)
    game: Game = chosen.build(data.space, chosen.distribute({"units": 24, "hidden": 32} | flags), Settings())
    assert isinstance(game, TAEGAN)
    return game
