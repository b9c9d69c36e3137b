"""BigGAN: the published parameter counts, where z and the label go, what games ask of players."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.attention import SelfAttention
from ganvas.layers.norm import ModulatedNorm
from ganvas.nets import biggan
from ganvas.penalties import r1

ONE = Labels.of(["digit"], [[str(i) for i in range(10)]], np.arange(10)[:, None])
TWO = Labels.of(["a", "b"], [["x", "y"], ["p", "q", "r"]], np.array([[0, 0], [1, 2], [0, 1]]))
AGE = Labels.of(["age"], [[]], np.array([[1.0], [5.0], [9.0]]))
THOUSAND = Labels.of(["class"], [[str(i) for i in range(1000)]], np.arange(1000)[:, None])
SHAPES = [(1, 28, 28), (3, 32, 32), (4, 48, 64), (2, 45, 31), (1, 8, 8), (5, 2, 3), (3, 100, 20)]


@dataclass(frozen=True)
class Plain:
    """A space that is only a shape and labels."""

    shape: tuple[int, ...]
    labels: Labels | None = None


def space(*shape: int, labels: Labels | None = None) -> Any:
    return Plain(shape, labels)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def conv(inputs: int, outputs: int, kernel: int) -> int:
    return inputs * outputs * kernel**2 + outputs


def attention(channels: int) -> int:
    return 2 * channels * (channels // 8) + 2 * channels * (channels // 2) + 1


def painter(wide: list[int], piece: int, told: int, looked: list[int], classes: int) -> int:
    """G: dense from the first piece of z, blocks whose norms take gains and biases from (label, piece), norm, 3×3."""
    blocks = (2 * (a + b) * (told + piece) + conv(a, b, 3) + conv(b, b, 3) + conv(a, b, 1) for a, b in pairwise(wide))
    ends = (piece + 1) * 16 * wide[0] + 2 * wide[-1] + conv(wide[-1], 3, 3) + classes * told
    return ends + sum(blocks) + sum(attention(c) for c in looked)


def judge(wide: list[int], halving: int, looked: list[int], classes: int) -> int:
    """D: blocks that widen in their first convolution, dense, an embedding for each class."""
    total = wide[-1] * (classes + 1) + 1 + sum(attention(c) for c in looked)
    for i, (a, b) in enumerate(pairwise(wide)):
        total += conv(a, b, 3) + conv(b, b, 3) + (conv(a, b, 1) if i < halving or a != b else 0)
    return total


def test_at_128_the_networks_are_the_papers() -> None:
    where = space(3, 128, 128, labels=THOUSAND)
    with torch.device("meta"):
        G, D = (net(where, width=96, spectral=False) for net in (biggan.Generator, biggan.Discriminator))
    wide = [96 * m for m in (16, 16, 8, 4, 2, 1)]
    assert count(G) == painter(wide, 20, 128, [192], 1000) == 70_433_988
    assert count(D) == judge([3, 96, 192, 384, 768, 1536, 1536], 5, [96], 1000) == 87_982_370
    assert round((count(G) + count(D)) / 1e6, 1) == 158.4


@pytest.mark.parametrize(("side", "latent", "up", "down", "halving"), [
    (32, 128, (4, 4, 4, 4), (4, 4, 4, 4), 2),
    (64, 100, (16, 16, 8, 4, 2), (1, 2, 4, 8, 16), 4),
    (256, 140, (16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16), 6),
    (512, 128, (16, 16, 8, 8, 4, 2, 1, 1), (1, 1, 2, 4, 8, 8, 16, 16), 7),
])  # fmt: skip
def test_other_sizes_have_their_own_widths(
    side: int, latent: int, up: tuple[int, ...], down: tuple[int, ...], halving: int
) -> None:
    where = space(3, side, side, labels=ONE)
    with torch.device("meta"):
        G = biggan.Generator(where, latent, width=8, attention=0, spectral=False)
        D = biggan.Discriminator(where, width=8, attention=0, spectral=False)
    assert count(G) == painter([8 * m for m in up], latent // len(up), 128, [], 10)
    assert count(D) == judge([3, *(8 * m for m in down)], halving, [], 10)


def test_pictures_of_1024_pixels_go_on_as_those_of_512() -> None:
    assert biggan.multiples(biggan.PAINTER, 8) == (1, 1, 1, 2, 4, 8, 8, 16, 16)


def test_attention_stands_at_64_pixels_where_there_are_so_many() -> None:
    for side, expected in ((256, 1), (64, 1), (48, 0)):
        with torch.device("meta"):
            where = space(1, side, side)
            nets = [net(where, width=4, spectral=False) for net in (biggan.Generator, biggan.Discriminator)]
        for net in nets:
            assert sum(isinstance(part, SelfAttention) for part in net.modules()) == expected


@pytest.mark.parametrize("labels", [None, ONE, TWO, AGE], ids=["none", "one", "two", "continuous"])
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_and_any_labels(shape: tuple[int, ...], labels: Labels | None) -> None:
    where = space(*shape, labels=labels)
    G, D = biggan.Generator(where, latent=6, width=2), biggan.Discriminator(where, width=2)
    y = None if labels is None else labels.encode(labels.rows[:3])
    x = G(torch.randn(3, 6), y)
    assert x.shape == (3, *shape)
    assert D(Batch(x, y)).shape == (3,)
    assert D.features(Batch(x, y)).shape == (3, D.size)


def test_what_it_cannot_do_is_refused() -> None:
    for net in (biggan.Generator, biggan.Discriminator):
        with pytest.raises(InputError, match=r"net biggan makes pictures only.*--net mlp"):
            net(space(5))
    with pytest.raises(InputError, match=r"--latent 3 .* use 4 or more"):
        biggan.Generator(space(3, 32, 32), latent=3, width=1)


def test_every_piece_of_z_goes_to_its_own_part() -> None:
    G, z = biggan.Generator(space(1, 32, 32), latent=10, width=2).eval(), torch.randn(1, 10)
    assert G.pieces == [3, 3, 2, 2]
    inputs: list[tuple[int, torch.Tensor]] = []
    parts = [G.start, *(up.norms[0].gain for up in G.ups), *(up.norms[1].bias for up in G.ups)]
    for i, part in enumerate(parts):
        part.register_forward_hook(lambda _module, given, _answer, i=i: inputs.append((i, given[0])))
    G(z)
    told = dict(inputs)
    torch.testing.assert_close(torch.cat([told[i] for i in range(4)], 1), z)
    torch.testing.assert_close(torch.cat([told[i] for i in range(4, 7)], 1), z[:, 3:])


def test_the_norm_is_batch_norm_with_gains_and_biases_of_the_vector() -> None:
    norm, x, c = ModulatedNorm(4, 3), torch.randn(8, 4, 5, 5), torch.randn(8, 3)
    flat = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    gain, bias = c @ norm.gain.weight.T, c @ norm.bias.weight.T
    torch.testing.assert_close(norm(x, c), flat * (1 + gain[:, :, None, None]) + bias[:, :, None, None])


def test_weights_begin_orthogonal() -> None:
    where = space(3, 32, 32, labels=ONE)
    for net in (biggan.Generator(where, width=4, spectral=False), biggan.Discriminator(where, width=4, spectral=False)):
        for part in net.modules():
            if isinstance(part, nn.Linear | nn.Conv2d):
                weight = part.weight.detach().flatten(1)
                weight = weight if weight.shape[0] <= weight.shape[1] else weight.T
                torch.testing.assert_close(weight @ weight.T, torch.eye(len(weight)))


def test_spectral_norm_adds_no_parameters() -> None:
    where = space(1, 16, 16, labels=ONE)
    for net in (biggan.Generator, biggan.Discriminator):
        assert count(net(where, width=2)) == count(net(where, width=2, spectral=False))


def test_spectral_norm_is_on_all_layers_but_the_embedding_in_g() -> None:
    where = space(3, 32, 32, labels=ONE)
    for net, bare in ((biggan.Generator(where, width=2), ["embed"]), (biggan.Discriminator(where, width=2), [])):
        found = [name for name, part in net.named_modules()
                 if isinstance(part, nn.Linear | nn.Conv2d) and not hasattr(part, "parametrizations")]  # fmt: skip
        assert found == bare


def test_conditions_change_pictures_and_scores_but_not_features() -> None:
    where = space(1, 16, 16, labels=ONE)
    G, D = biggan.Generator(where, width=4).eval(), biggan.Discriminator(where, width=4).eval()
    z, (y, other) = torch.randn(1, G.latent), ONE.encode(np.array([[3], [8]])).split(1)
    assert not torch.allclose(G(z, y), G(z, other))
    x = torch.randn(1, 1, 16, 16)
    assert not torch.allclose(D(Batch(x, y)), D(Batch(x, other)))
    assert torch.equal(D.features(Batch(x, y)), D.features(Batch(x, other)))


@pytest.mark.parametrize("flag", [True, False])
def test_each_sample_is_made_alone_and_judged_alone(flag: bool) -> None:
    where = space(1, 16, 16, labels=ONE)
    y = ONE.encode(ONE.rows)
    G, z = biggan.Generator(where, width=2, spectral=flag), torch.randn(10, 120)
    G(z, y)
    G.eval()
    torch.testing.assert_close(G(z, y)[:2], G(z[:2], y[:2]))
    assert torch.equal(G(z, y), G(z, y))
    D, x = biggan.Discriminator(where, width=2, spectral=flag).eval(), torch.randn(10, 1, 16, 16)
    torch.testing.assert_close(D(Batch(x, y))[:2], D(Batch(x[:2], y[:2])))


@pytest.mark.parametrize("labels", [None, ONE])
@pytest.mark.parametrize("where", [0, 16])
def test_every_parameter_is_learnt(labels: Labels | None, where: int) -> None:
    room = space(3, 16, 16, labels=labels)
    G, D = (net(room, width=4, attention=where) for net in (biggan.Generator, biggan.Discriminator))
    for name, gamma in [*G.named_parameters(), *D.named_parameters()]:
        if name.endswith("gamma"):
            nn.init.ones_(gamma)
    y = None if labels is None else labels.encode(labels.rows)
    D(Batch(G(torch.randn(10, G.latent), y), y)).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        if not name.endswith(".bias"):
            assert p.grad.abs().sum() > 0, name


def test_penalties_can_be_descended() -> None:
    D = biggan.Discriminator(space(2, 16, 12, labels=ONE), width=2, attention=12)
    r1(D, Batch(torch.randn(10, 2, 16, 12), ONE.encode(ONE.rows))).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in D.parameters())
    assert sum(float(p.grad.abs().sum()) > 0 for p in D.parameters() if p.grad is not None) > 8


def test_copies_functional_calls_and_files() -> None:
    where = space(1, 16, 16, labels=ONE)
    y = ONE.encode(ONE.rows)
    G, D = biggan.Generator(where, latent=9, width=2).eval(), biggan.Discriminator(where, width=2).eval()
    batch, z = Batch(torch.randn(10, 1, 16, 16), y), torch.randn(10, 9)
    for net, given in ((D, (batch,)), (G, (z, y))):
        expected, twin = net(*given), copy.deepcopy(net)
        stored = load(save(net.state_dict()))
        with torch.no_grad():
            for p in net.parameters():
                p.add_(1)
        assert torch.equal(twin(*given), expected)
        torch.testing.assert_close(torch.func.functional_call(net, dict(twin.named_parameters()), given), expected)
        net.load_state_dict(stored)
        assert torch.equal(net(*given), expected)


def test_bfloat16_and_channels_last() -> None:
    where = space(3, 20, 20, labels=ONE)
    G, D = (net(where, width=4, attention=16) for net in (biggan.Generator, biggan.Discriminator))
    y, z = ONE.encode(ONE.rows), torch.randn(10, G.latent)
    G.to(memory_format=torch.channels_last)
    expected = D.eval()(Batch(G.eval()(z, y), y))
    with torch.autocast("cpu", torch.bfloat16):
        x = G(z, y).contiguous(memory_format=torch.channels_last)
        scores = D(Batch(x, y))
        D.train()(Batch(x, y)).float().sum().backward()
    torch.testing.assert_close(scores.float(), expected, rtol=0.1, atol=0.1)


def test_it_plays_with_labels_and_the_hinge_loss(tmp_path: Path) -> None:
    how: dict[str, Any] = {"width": 2, "latent": 8, "rounds": 2, "batch": 8, "threads": 1, "quiet": True}
    run = gan.train("digits", run=tmp_path / "r", game="gan", net="biggan", loss="hinge", **how)
    samples, labels = run.samples(range(4), seed=1, label=3)
    assert samples.shape == (4, 8, 8, 1)
    assert np.all(labels == 3)
    again, _ = run.samples(range(2, 4), seed=1, label=3)
    assert np.array_equal(samples[2:], again)
