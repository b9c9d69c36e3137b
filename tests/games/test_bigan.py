"""BiGAN: the judge sees pairs, the loss of E and G is the judge's with the labels swapped."""

from __future__ import annotations

import math

import torch
from playing import built, one_round

from ganvas.game import Batch
from ganvas.games.bigan import BiGAN
from ganvas.nets import dcgan
from ganvas.spaces.images import digits
from ganvas.spaces.toys import ring


def game_on_ring() -> BiGAN:
    game = built(ring(count=500), BiGAN)
    assert isinstance(game, BiGAN)
    return game


def test_a_pair_is_judged_by_the_sample_and_by_the_latent() -> None:
    game, batch = game_on_ring(), Batch(torch.randn(5, 2))
    z = torch.randn(5, game.G.prior.size)
    judged = game.judged(batch, z)
    torch.testing.assert_close(judged[:2], game.judged(batch[slice(0, 2)], z[:2]))
    assert (judged - game.judged(batch, z.flip(0))).abs().max() > 1e-4
    assert (judged - game.judged(batch.at(batch.x.flip(0)), z)).abs().max() > 1e-4
    pair = game.J(torch.cat([game.D.features(batch), z], 1))[:, 0]
    torch.testing.assert_close(judged, game.D(batch) + pair)


def test_at_a_judge_who_knows_nothing_both_sides_lose_log_4() -> None:
    data, game = ring(count=500), game_on_ring()
    for player in (game.D, game.J):
        for p in player.parameters():
            p.data.zero_()
    moves = game.play(iter([Batch(torch.zeros(4, 2))]))
    for move in moves:
        assert math.isclose(float(move.loss.detach()), math.log(4), rel_tol=1e-6)
    assert data.space.shape == (2,)


def test_e_and_g_move_together_against_d_and_j() -> None:
    data = digits()
    game = built(data, BiGAN, dcgan)
    assert [names for names, _ in one_round(game, data)] == ["D+J", "G+E"]
    assert game.get_submodule("E")(Batch(torch.zeros(3, 1, 8, 8))).shape == (3, 8)
