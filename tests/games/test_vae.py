"""VAE: the divergence and the draw have the values of their formulas, and the bound is the bound."""

from __future__ import annotations

import pytest
import torch
from playing import built, one_round
from torch.distributions import Normal, kl_divergence

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.games.vae import VAE
from ganvas.players import reparameterised
from ganvas.spaces.toys import ring


def test_the_divergence_is_that_of_two_normals() -> None:
    told = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    mean, log_variance = told.chunk(2, 1)
    _, kl = reparameterised(Batch(torch.zeros(6, 1)), told)
    torch.testing.assert_close(kl, kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(1))


def test_an_encoder_that_answers_with_the_prior_has_no_divergence() -> None:
    _, kl = reparameterised(Batch(torch.zeros(3, 1)), torch.zeros(3, 10))
    assert kl.tolist() == [0.0, 0.0, 0.0]


def test_codes_are_drawn_from_the_normal_that_the_encoder_names() -> None:
    torch.manual_seed(0)
    told = torch.tensor([[2.0, -1.0, 0.0, 2.0]]).expand(20_000, 4)
    code, _ = reparameterised(Batch(torch.zeros(20_000, 1)), told)
    assert (code.mean(0) - torch.tensor([2.0, -1.0])).abs().max() < 0.06
    assert (code.std(0) - torch.tensor([1.0, 2.718])).abs().max() < 0.06


def test_the_loss_is_the_bound_times_the_variance() -> None:
    """Against -log N(x; G(z), σ²) + KL of torch's distributions, up to the constant of the normal."""
    data = ring(count=500)
    game = built(data, VAE, kl_weight=0.04)
    assert isinstance(game, VAE)
    real = Batch(torch.randn(64, 2))
    torch.manual_seed(5)
    (move,) = game.play(iter([real]))
    torch.manual_seed(5)
    code, kl = reparameterised(real, game.E(real))
    seen = Normal(game.G(code), 0.2)
    bound = seen.log_prob(real.x).sum(1) - kl
    constant = Normal(torch.zeros(()), 0.2).log_prob(torch.zeros(())) * 2
    torch.testing.assert_close(move.loss, 0.04 * (constant - bound.mean()))


def test_a_uniform_prior_shapes_the_codes() -> None:
    data = ring(count=500)
    game = built(data, VAE)
    assert isinstance(game, VAE)
    seen = []
    game.G.register_forward_hook(lambda module, given, _: seen.append(given[0]))
    game.G.prior = type(game.G.prior)(4, "uniform")
    one_round(game, data)
    assert seen[0].abs().max() <= 1


def test_an_impossible_variance_is_refused() -> None:
    with pytest.raises(InputError, match="--kl-weight"):
        built(ring(count=100), VAE, kl_weight=0.0)
