"""FastGAN's networks and its game: channels, gates, noise, what D draws again, the loss, what games ask of players."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from claims import (
    KINDS,
    ONE,
    SHAPES,
    Plain,
    awake,
    can_be_copied_called_and_saved,
    can_be_penalised,
    count,
    is_a_function_of_each_sample_alone,
    runs_in_bfloat16,
    space,
)
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, conv2d, glu, interpolate, leaky_relu

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator
from ganvas.games.fastgan import FastGAN
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.latents import Prior
from ganvas.layers.excitation import Excitation
from ganvas.layers.noise import Noise
from ganvas.nets import fastgan
from ganvas.players import SelfSupervised

SMALL: dict[str, Any] = {"width": 4}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def players(where: Any, norm: Any = "none") -> tuple[Any, Any]:
    return fastgan.Generator(where, latent=6, **SMALL), fastgan.SelfSupervised(where, critic_norm=norm, **SMALL)


def test_at_256_the_channels_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        G = fastgan.Generator(space(3, 256, 256), latent=256, width=64)
        D = fastgan.Discriminator(space(3, 256, 256), width=64, critic_norm="batch")
    wide = [1024, 512, 256, 128, 128, 64, 32]  # 4×4 … 256×256
    assert [up.up.mix.out_channels // 2 for up in G.ups] == wide[1:]
    assert D.wide == [32, 64, 128, 128, 256, 512, 512]
    assert [(gate.look.in_channels, gate.weigh.out_channels) for gate in G.weighs] == [(512, 64), (256, 32)]
    ups = sum(9 * a * 2 * b + 4 * b for a, b in itertools.pairwise(wide))
    again = sum(9 * c * 2 * c + 4 * c + 2 for c in (512, 128, 64))  # at 8, 32 and 128, each with two noises
    gates = 512 * 64 * 16 + 64 * 64 + 256 * 32 * 16 + 32 * 32
    assert count(G) == 256 * 2048 * 16 + 4096 + ups + again + gates + 27 * 32


@pytest.mark.parametrize("labels", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_and_any_labels(shape: tuple[int, ...], labels: Labels | None) -> None:
    G, D = players(space(*shape, labels=labels), "batch")
    y = None if labels is None else labels.encode(labels.rows[:3])
    x = G(torch.randn(3, 6), y)
    assert x.shape == (3, *shape)
    assert D(Batch(x, y)).shape == (3,)
    assert D.features(Batch(x, y)).shape == (3, D.size)
    scores, drawn, wanted = D.reconstruct(Batch(x.tanh(), y))
    assert scores.shape == (3,)
    assert drawn.shape == wanted.shape
    assert drawn.abs().max() <= 1


def test_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="net fastgan makes pictures only; for vectors use --net mlp"):
        fastgan.Generator(space(5))


def test_coarse_features_weigh_the_channels_of_fine_ones() -> None:
    gate, x, told = Excitation(5, 3), torch.randn(2, 3, 9, 7), torch.randn(2, 5, 8, 8)
    h = torch.einsum("oihw,nihw->no", gate.look.weight, adaptive_avg_pool2d(told, 4))
    weights = (leaky_relu(h, 0.1) @ gate.weigh.weight[:, :, 0, 0].T).sigmoid()
    torch.testing.assert_close(gate(x, told), x * weights[:, :, None, None])


def test_each_gate_is_four_resolutions_wide_where_there_are_enough() -> None:
    for size, skip, gates in ((256, 4, 2), (64, 3, 1), (32, 2, 1), (8, 1, 1)):
        with torch.device("meta"):
            G = fastgan.Generator(space(3, size, size), **SMALL)
        assert (G.skip, len(G.weighs)) == (skip, gates)


def test_noise_is_random_in_training_fixed_after_it_and_learnt() -> None:
    noise, x = Noise(4, 6), torch.zeros(3, 2, 4, 6)
    assert torch.equal(noise(x), x)
    nn.init.ones_(noise.strength)
    made = noise(x)
    assert torch.equal(made[:, 0], made[:, 1])
    assert not torch.equal(made[0], made[1])
    assert not torch.equal(made, noise(x))
    noise.eval()
    assert torch.equal(noise(x)[0], noise(x)[1])
    made.sum().backward()
    assert noise.strength.grad.abs() > 0


def test_a_block_of_d_is_the_mean_of_two_ways() -> None:
    down, x = fastgan.Down(3, 5, "none"), torch.randn(2, 3, 7, 6)
    first, _, _, second, *_ = down.main
    padded = nn.functional.pad(x, (0, 0, 0, 1))
    h = leaky_relu(conv2d(padded, first.weight, first.bias, 2, 1), 0.2)
    h = leaky_relu(conv2d(h, second.weight, second.bias, padding=1), 0.2)
    other = leaky_relu(conv2d(avg_pool2d(padded, 2), down.direct[0].weight, down.direct[0].bias), 0.2)
    torch.testing.assert_close(down(x), (h + other) / 2)


def test_a_decoder_doubles_convolves_and_gates() -> None:
    decoder, x = fastgan.Decoder(8, 2, 1, "none"), torch.randn(2, 8, 3, 4)
    up, paint = decoder[0].mix, decoder[1]
    h = glu(conv2d(interpolate(x, scale_factor=2.0), up.weight, up.bias, padding=1), 1)
    torch.testing.assert_close(decoder(x), conv2d(h, paint.weight, paint.bias, padding=1).tanh())


class Places(Batch):
    """A batch whose uniform numbers are known."""

    def uniform(self, *shape: int) -> Tensor:
        return torch.tensor([[0.0, 0.0], [0.99, 0.99], [0.5, 0.2]])


@pytest.mark.parametrize(("size", "doublings"), [((32, 32), (3, 3)), ((13, 31), (2, 2)), ((256, 256), (4, 5))])
def test_what_is_drawn_again_is_the_picture_and_a_part_of_it(size: tuple[int, int], doublings: tuple[int, int]) -> None:
    D = fastgan.SelfSupervised(space(2, *size), width=1)
    x = torch.rand(3, 2, *size) * 2 - 1
    _, drawn, wanted = D.reconstruct(Places(x))
    (h, w), halvings = D.steps[-1], len(D.steps) - 1
    full = torch.zeros(3, 2, h << halvings, w << halvings)
    full[:, :, : size[0], : size[1]] = x
    whole, fine = (avg_pool2d(full, 2 ** (halvings - d)) for d in doublings)
    tall, wide = h << doublings[1] >> 1, w << doublings[1] >> 1
    step = 2 ** (doublings[1] - 1)
    corners = [(0, 0), (h, w), (int(0.5 * (h + 1)), int(torch.tensor(0.2) * (w + 1)))]
    parts = [
        f[:, a * step : a * step + tall, b * step : b * step + wide] for f, (a, b) in zip(fine, corners, strict=True)
    ]
    torch.testing.assert_close(wanted, torch.cat([whole.flatten(1), torch.stack(parts).flatten(1)], 1))
    assert drawn.shape == wanted.shape


def test_the_part_is_drawn_from_where_it_is() -> None:
    """Other pixels far from the part change what the coarsest features say, but not the part."""
    D = fastgan.SelfSupervised(space(1, 64, 64), width=1)
    x = torch.randn(3, 1, 64, 64)
    other = x.clone()
    other[0, :, 60:, 60:] += 1  # the first sample's part is the upper left quarter
    (_, a, _), (_, b, _) = D.reconstruct(Places(x)), D.reconstruct(Places(other))
    whole = 64 * 64
    assert torch.equal(a[0, whole:], b[0, whole:])
    assert not torch.equal(a[0, :whole], b[0, :whole])
    assert torch.equal(a[1:], b[1:])


@pytest.mark.parametrize("labels", [None, ONE], ids=["none", "one"])
def test_players_keep_their_promises(labels: Labels | None) -> None:
    G, D = players(space(2, 9, 12, labels=labels))
    awake(G)
    y = None if labels is None else labels.encode(labels.rows[:6])
    is_a_function_of_each_sample_alone(G, y)
    x, y = torch.randn(4, 2, 9, 12), None if y is None else y[:4]
    torch.testing.assert_close(D(Batch(x, y))[:2], D(Batch(x[:2], None if y is None else y[:2])))
    torch.testing.assert_close(D.reconstruct(Batch(x, y))[0], D(Batch(x, y)))
    can_be_penalised(D, x, y)
    can_be_copied_called_and_saved(G, torch.randn(4, 6), y)
    can_be_copied_called_and_saved(D, Batch(x, y))
    runs_in_bfloat16(G, D, y)


class Flat(Discriminator):
    """Scores the mean; draws zeros."""

    def __init__(self, drawn: float) -> None:
        super().__init__()
        self.weight, self.drawn = nn.Parameter(torch.ones(())), drawn

    def forward(self, batch: Batch) -> Tensor:
        return self.weight * batch.x.flatten(1).mean(1)

    def reconstruct(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        flat = batch.x.flatten(1)
        return self(batch), self.weight * torch.full_like(flat, self.drawn), flat


def test_the_losses_are_hinge_and_the_distance_of_what_is_drawn() -> None:
    real = Batch(torch.tensor([[[[0.5]]], [[[-1.0]]]]))
    net = fastgan.Generator(space(1, 4, 4), latent=3, width=1)
    for distance, far in (("l1", (0.3 + 1.2) / 2), ("l2", (0.09 + 1.44) / 2)):
        game = FastGAN(G=Generator(net, Prior(3)), D=Flat(0.2), reconstruction=2.0, distance=distance)  # type: ignore[arg-type]
        judge, paint = game.play(iter([real]))
        f = torch.as_tensor(judge.notes["fake"])
        r = torch.tensor([0.5, -1.0])
        wanted = (1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean() + 2 * far
        torch.testing.assert_close(judge.loss, wanted)
        torch.testing.assert_close(paint.loss, -f.mean())  # D has not moved
    for wrong in ({"reconstruction": -1.0}, {"distance": "lpips"}):
        with pytest.raises(InputError, match="--reconstruction must be 0 or more, and --distance l1 or l2"):
            FastGAN(G=Generator(net, Prior(3)), D=Flat(0.0), **wrong)  # type: ignore[arg-type]


def test_it_plays_and_other_games_need_no_decoders(tmp_path: Path) -> None:
    how: dict[str, Any] = {"net": "fastgan", "rounds": 2, "batch": 8, "latent": 6, "quiet": True, **SMALL}
    run = gan.train("digits", run=tmp_path / "fastgan", game="fastgan", critic_norm="batch", **how)
    assert {"D.reconstruction", "D.real", "D.fake"} <= run.log[-1].keys()
    assert run.samples(range(2))[0].shape == (2, 8, 8, 1)
    for game in ("r3gan", "wgan_gp"):
        gan.train("digits", run=tmp_path / game, game=game, **how)
    assert not isinstance(fastgan.Discriminator(space(1, 8, 8)), SelfSupervised)
    with pytest.raises(InputError, match=r"needs a SelfSupervised, .*use --net fastgan"):
        gan.train("digits", run=tmp_path / "other", game="fastgan", net="dcgan", rounds=2, quiet=True)


def test_d_learns_to_draw() -> None:
    D = fastgan.SelfSupervised(Plain((1, 16, 16)), width=8)
    x = torch.from_numpy(np.random.default_rng(0).choice([-0.8, 0.8], (8, 1, 4, 4)).repeat(4, 2).repeat(4, 3)).float()
    optimiser = torch.optim.Adam(D.parameters(), 2e-3, fused=True)
    errors = []
    for _ in range(40):
        _, drawn, wanted = D.reconstruct(Batch(x))
        loss = (drawn - wanted).abs().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        errors.append(float(loss.detach()))
    assert errors[-1] < 0.5 * errors[0], (errors[0], errors[-1])
