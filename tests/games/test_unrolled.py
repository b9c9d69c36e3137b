"""Unrolled GAN: the foreseen steps are gradient steps, G's gradient goes through them, D itself stays where it is."""

from __future__ import annotations

import copy

import pytest
import torch
from playing import built, covered, one_round, train
from torch import nn

from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator
from ganvas.games.gan import GAN
from ganvas.games.unrolled import UnrolledGAN
from ganvas.generator import Generator
from ganvas.latents import Prior
from ganvas.losses import log_loss
from ganvas.nets import dcgan
from ganvas.space import unlabelled
from ganvas.spaces.images import digits
from ganvas.spaces.toys import ring


class Slope(Discriminator):
    """D(x) = a x."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.a * batch.x.flatten()


class Shift(nn.Module):
    """G(z) = b, whatever z."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.tensor(-1.0, dtype=torch.float64))

    def forward(self, z: torch.Tensor, y: torch.Tensor | None = None) -> torch.Tensor:
        return self.b.expand(len(z), 1)


def foreseen_by_hand(a: float, b: float, x: float, steps: int, rate: float) -> float:
    """The loss of D(x) = a x after plain gradient steps, by its derivative written out."""
    sigmoid = lambda t: 1 / (1 + torch.exp(-torch.tensor(t, dtype=torch.float64))).item()  # noqa: E731
    for _ in range(steps):
        a -= rate * (-x * sigmoid(-a * x) + b * sigmoid(a * b))
    r, f = (torch.tensor([a * v], dtype=torch.float64) for v in (x, b))
    return float(log_loss(r, f))


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_the_foreseen_loss_and_its_slope_are_those_of_steps_written_by_hand(steps: int) -> None:
    G, D = Generator(Shift(), Prior(1)), Slope()
    game = UnrolledGAN(G=G, D=D, unroll=steps, unroll_lr=0.3)
    real = Batch(torch.full((4, 1), 2.0, dtype=torch.float64))
    loss = game.foreseen(real, G.sample(like=real))
    assert float(loss.detach()) == pytest.approx(foreseen_by_hand(0.5, -1.0, 2.0, steps, 0.3), rel=1e-12)
    (slope,) = torch.autograd.grad(loss, [*G.parameters()])
    h = 1e-5
    ahead, behind = (foreseen_by_hand(0.5, -1.0 + d, 2.0, steps, 0.3) for d in (h, -h))
    assert float(slope) == pytest.approx((ahead - behind) / (2 * h), rel=1e-6)


def test_no_steps_are_the_original_minimax_game() -> None:
    data = ring(count=500)
    unrolled = one_round(built(data, UnrolledGAN, unroll=0), data)[1][1].loss
    game = built(data, UnrolledGAN, unroll=0)
    moves = game.play(iter([Batch(torch.zeros(4, 2))]))
    next(moves)
    original = one_round(built(data, GAN, loss="minimax"), data)[1][1].loss
    # G's gradient is the same: the losses differ by what does not depend on G, E log D(x)
    assert torch.isfinite(unrolled)
    assert unrolled < original


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_d_with_its_buffers_is_left_alone_by_what_is_foreseen(norm: str) -> None:
    data = unlabelled(digits())
    game = built(data, UnrolledGAN, dcgan, critic_norm=norm)
    assert isinstance(game, UnrolledGAN)
    before = copy.deepcopy(game.D.state_dict())
    real = Batch(data.space.encode(data.train.raw[:16]))
    loss = game.foreseen(real, game.G.sample(like=real))
    loss.backward(inputs=[*game.G.parameters()])
    assert all(torch.equal(v, before[k]) for k, v in game.D.state_dict().items())
    assert all(p.grad is None for p in game.D.parameters())
    assert all(p.grad is not None for p in game.G.parameters())


@pytest.mark.parametrize("flags", [{"unroll": -1}, {"unroll_lr": 0.0}])
def test_impossible_steps_are_refused(flags: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--unroll"):
        built(ring(count=100), UnrolledGAN, **flags)


@pytest.mark.learning
def test_foresight_covers_the_ring_where_the_same_game_without_it_does_not() -> None:
    data = ring()
    found = {}
    for unroll in (0, 5):
        game = built(data, UnrolledGAN, unroll=unroll, hidden=128, latent=16)
        found[unroll] = covered(train(game, data, 60_000), data)
    assert found[5][0] == 8 > found[0][0], found
