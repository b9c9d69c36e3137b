"""Some rounds played by hand, on games whose gradients are known."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganvas.diagnosis.watch import Watch, dead, moves, turning
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.games.gan import GAN
from ganvas.generator import Generator
from ganvas.latents import Prior
from ganvas.nets import mlp
from ganvas.rules.rules import Rules
from ganvas.space import Data
from ganvas.spaces.toys import ring
from ganvas.training.batches import Batches
from ganvas.training.devices import Device
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds


class Number(nn.Module):
    """A player that is one number, and begins at 1."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(1))


class Bilinear(Game):
    """min over G, max over D of D·G: the players circle around (0, 0). Mescheder et al. 2018, arXiv:1801.04406."""

    G: nn.Module
    D: nn.Module

    def optimiser(self, player: str) -> Adam:
        return Adam(0.2, (0.0, 0.99))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        yield Move(self.D, -(self.D.w * self.G.w).sum())
        yield Move(self.G, (self.D.w * self.G.w).sum())


class Slope(Bilinear):
    """Both descend a plane: the direction never changes."""

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        yield Move(self.D, 3 * self.D.w.sum())
        yield Move(self.G, -2 * self.G.w.sum())


class Sure(Discriminator):
    """Scores -10 whatever it sees: to it all is made."""

    def __init__(self) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.tensor(-10.0))

    def forward(self, batch: Batch) -> Tensor:
        return self.b + 1e-6 * batch.x.sum(1)


def session(game: Game, data: Data | None = None) -> Any:
    """As much of a session as watching needs."""
    batches = Batches(data or ring(count=200), 16)
    return SimpleNamespace(
        rules=Rules(), game=game, optimisers=Optimisers(game), batches=batches, device=Device("cpu", "float32")
    )


def painter(data: Data, hidden: int = 8) -> Generator:
    torch.manual_seed(0)
    return Generator(mlp.Generator(data.space, latent=4, hidden=hidden, layers=1), Prior(4))


# --- Gradients that turn -------------------------------------------------------------------------------------------


def test_a_rotating_field_comes_back_reversed_after_half_a_turn() -> None:
    angle = 2 * math.pi * torch.arange(64) / 20
    least, after = turning(torch.stack([angle.cos(), angle.sin()], 1) * torch.rand(64, 1))  # lengths do not matter
    assert least == pytest.approx(-1, abs=1e-4)
    assert after in (10, 30)


def test_a_constant_direction_has_cosine_1_and_noise_about_0() -> None:
    assert turning(torch.ones(64, 5))[0] == pytest.approx(1, abs=1e-5)
    noise = torch.randn(64, 5000, generator=torch.Generator().manual_seed(0))
    assert abs(turning(noise)[0]) < 0.05
    assert turning(torch.ones(2, 3)) == (pytest.approx(1, abs=1e-5), 1)
    assert math.isfinite(turning(torch.zeros(8, 3))[0])


def test_the_bilinear_game_is_seen_to_circle_and_a_slope_is_not() -> None:
    circling = moves(session(Bilinear(G=Number(), D=Number())), 1.0)
    assert circling["turn_G"] < -0.7
    assert circling["turn_D"] < -0.7
    straight = moves(session(Slope(G=Number(), D=Number())), 1.0)
    assert straight["turn_G"] == straight["turn_D"] == pytest.approx(1)
    assert (straight["gradient_D"], straight["gradient_G"]) == (pytest.approx(3), pytest.approx(2))


# --- What reaches the generator ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("minimax", 1 / (1 + math.exp(10))),  # sum of σ(f) / n: the gradient has vanished
        ("non_saturating", 1 / (1 + math.exp(-10))),  # sum of σ(-f) / n
        ("wasserstein", 1.0),
    ],
)
def test_the_response_is_the_generators_loss_per_score(loss: Any, expected: float) -> None:
    data = ring(count=200)
    found = moves(session(GAN(G=painter(data), D=Sure(), loss=loss), data), 1.0)
    assert found["response"] == pytest.approx(expected, rel=0.05)  # D learns a little on the way


def test_dead_units_are_counted() -> None:
    data = ring(count=200)
    G = painter(data)
    with torch.no_grad():
        G.net.body[0].bias[:6] = -1e3
    found = moves(session(GAN(G=G, D=mlp.Discriminator(data.space, hidden=8)), data), 1.0)
    assert found["dead"] == 6 / 8
    alive = moves(session(GAN(G=painter(data), D=mlp.Discriminator(data.space, hidden=8)), data), 1.0)
    assert alive["dead"] < 0.3


def test_a_unit_is_dead_without_inputs_or_without_outputs_and_channels_count_as_units() -> None:
    assert dead(torch.tensor([[1.0, 0.0], [0.0, 0.0]])) == 0.5
    assert dead(torch.tensor([[1.0, 0.0, 0.0, 0.0]])) == 0.75
    assert dead(torch.ones(3, 2)) == 0
    kernel = torch.zeros(4, 2, 3, 3)
    kernel[0, :, 1, 1] = 1
    assert dead(kernel) == 0.75


# --- Samples that move ---------------------------------------------------------------------------------------------


class Frozen(GAN):
    """Nobody learns."""

    def optimiser(self, player: str) -> Adam:
        return Adam(1e-30, (0.5, 0.999))


def test_a_generator_that_stands_still_has_no_stride() -> None:
    data = ring(count=200)
    D = mlp.Discriminator(data.space, hidden=8)
    assert moves(session(Frozen(G=painter(data), D=D), data), 1.0)["stride"] == 0
    near, far = (moves(session(GAN(G=painter(data), D=copy.deepcopy(D)), data), spread) for spread in (1.0, 2.0))
    assert near["stride"] == pytest.approx(2 * far["stride"])  # a share of the data's spread
    assert near["wandering"] >= 1


def test_watched_rounds_are_the_rounds_of_the_loop_and_critics_are_left_as_they_were() -> None:
    data = ring(count=200)
    torch.manual_seed(0)
    watched = GAN(G=painter(data), D=mlp.Discriminator(data.space, hidden=8))
    played = copy.deepcopy(watched)
    one = session(watched, data)
    watch = Watch(one, 1.0)
    other = rounds(played, Batches(data, 16), Optimisers(played))
    for _ in range(4):
        watch.round()
        next(other)
    watch.close()
    assert (watched.t, watched.seen) == (played.t, played.seen) == (4, 64)
    for ours, theirs in zip(watched.parameters(), played.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not watched.D._forward_hooks
