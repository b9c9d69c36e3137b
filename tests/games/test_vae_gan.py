"""VAE/GAN: each player descends its own part of Algorithm 1."""

from __future__ import annotations

import math

import pytest
import torch
from playing import built, one_round

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.vae_gan import VAEGAN
from ganvas.spaces.toys import ring


def game_on_ring(gamma: float = 1e-3) -> VAEGAN:
    game = built(ring(count=500), VAEGAN, gamma=gamma)
    assert isinstance(game, VAEGAN)
    return game


def test_samples_are_compared_in_the_features_of_d() -> None:
    game, a, b = game_on_ring(), Batch(torch.randn(5, 2)), Batch(torch.randn(5, 2))
    gap = (game.D.features(a) - game.D.features(b)).square().sum(1).mean()
    torch.testing.assert_close(game.unlike(a, b), 0.5 * gap)
    assert game.unlike(a, a) == 0


def test_a_judge_who_knows_nothing_loses_log_2_on_each_of_three_kinds() -> None:
    game = game_on_ring()
    for p in game.D.parameters():
        p.data.zero_()
    losses = [float(move.loss.detach()) for move in game.play(iter([Batch(torch.randn(8, 2))]))]
    assert losses[0] == pytest.approx(3 * math.log(2))  # real, rebuilt, made from the prior
    assert losses[2] == pytest.approx(2 * math.log(2))  # no features, no reconstruction


def test_the_players_move_in_turn_and_gamma_weighs_what_g_rebuilds() -> None:
    data = ring(count=500)
    small, large = (one_round(game_on_ring(gamma), data) for gamma in (0.0, 10.0))
    assert [names for names, _ in small] == ["D", "E", "G"]
    assert small[1][1].loss == large[1][1].loss  # E's does not know γ
    rebuilt = torch.as_tensor(small[1][1].notes["reconstruction"])
    assert float(large[2][1].loss - small[2][1].loss) == pytest.approx(10 * float(rebuilt), rel=0.1)  # E has moved


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InputError, match="--gamma"):
        game_on_ring(-1.0)
