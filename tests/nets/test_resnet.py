"""SNGAN's residual networks, spectral norm and self-attention: counts, closed forms, what games ask of players."""

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
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, max_pool2d
from torch.nn.utils.parametrizations import spectral_norm as reference

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.attention import SelfAttention, looking
from ganvas.layers.spectral import SpectralNorm, spectral
from ganvas.nets import resnet
from ganvas.penalties import gradient_penalty, r1

ONE = Labels.of(["digit"], [[str(i) for i in range(10)]], np.arange(10)[:, None])
TWO = Labels.of(["a", "b"], [["x", "y"], ["p", "q", "r"]], np.array([[0, 0], [1, 2], [0, 1]]))
AGE = Labels.of(["age"], [[]], np.array([[1.0], [5.0], [9.0]]))
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


def painter(latent: int, start: int, wide: list[int], channels: int) -> int:
    """G of the tables: dense, blocks [norm, 3×3, norm, 3×3, 1×1 beside], norm, 3×3."""
    blocks = (2 * a + conv(a, b, 3) + 2 * b + conv(b, b, 3) + conv(a, b, 1) for a, b in pairwise(wide))
    return (latent + 1) * wide[0] * start + sum(blocks) + 2 * wide[-1] + conv(wide[-1], channels, 3)


def judge(wide: list[int], halving: int) -> int:
    """D of the tables: blocks [3×3, 3×3, 1×1 beside where the shape changes], dense. Only the first block widens in
    its first convolution."""
    total = wide[-1] + 1
    for i, (a, b) in enumerate(pairwise(wide)):
        hidden = a if i else b
        total += conv(a, hidden, 3) + conv(hidden, b, 3) + (conv(a, b, 1) if i < halving or a != b else 0)
    return total


def test_at_32_the_networks_are_those_of_table_4() -> None:
    where = space(3, 32, 32)
    assert count(resnet.Generator(where)) == painter(128, 16, [256] * 4, 3) == 4_276_739
    assert count(resnet.Discriminator(where)) == judge([3, 128, 128, 128, 128], 2) == 1_053_825


def test_at_128_the_networks_are_those_of_table_6() -> None:
    where = space(3, 128, 128)
    with torch.device("meta"):
        G = resnet.Generator(where, width=256, grow=4)
        D = resnet.Discriminator(where, width=128, grow=8, coarsest=4, plain=1, spectral=False)
    assert count(G) == painter(128, 16, [1024, 1024, 512, 256, 128, 64], 3)
    assert count(D) == judge([3, 64, 128, 256, 512, 1024, 1024], 5)


@pytest.mark.parametrize("labels", [None, ONE, TWO, AGE], ids=["none", "one", "two", "continuous"])
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_and_any_labels(shape: tuple[int, ...], labels: Labels | None) -> None:
    where = space(*shape, labels=labels)
    G, D = resnet.Generator(where, latent=6, width=4), resnet.Discriminator(where, width=4)
    E = resnet.Encoder(where, 7, width=4)
    y = None if labels is None else labels.encode(labels.rows[:3])
    x = G(torch.randn(3, 6), y)
    assert x.shape == (3, *shape)
    batch = Batch(x, y)
    assert D(batch).shape == (3,)
    assert D.features(batch).shape == (3, D.size)
    assert E(batch).shape == (3, 7)


def test_vectors_and_resolutions_without_pixels_are_refused() -> None:
    for net in (resnet.Generator, resnet.Discriminator):
        with pytest.raises(InputError, match=r"net resnet makes pictures only.*--net mlp"):
            net(space(5))
    with pytest.raises(InputError, match="--coarsest 0 must be 1 pixel or more"):
        resnet.Discriminator(space(1, 8, 8), coarsest=0)


def test_convolutions_with_resampling_are_those_of_the_paper() -> None:
    x = torch.randn(2, 3, 6, 8)
    up, down = resnet.DoublingConv(3, 5), resnet.HalvingConv(3, 5)
    torch.testing.assert_close(up(x), conv2d(interpolate(x, scale_factor=2.0), up.weight, up.bias, padding=1))
    torch.testing.assert_close(down(x), avg_pool2d(conv2d(x, down.weight, down.bias, padding=1), 2))


def test_a_block_of_g_is_the_papers() -> None:
    block, x = resnet.Up(4, 6, resnet.partial(resnet.ConditionalNorm, condition=0)).eval(), torch.randn(2, 4, 3, 3)
    (wide, same, short), (before, between) = block.layers, block.norms
    for norm in (before.norm, between.norm):
        nn.init.uniform_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    h = conv2d(interpolate(before(x, None).relu(), scale_factor=2.0), wide.weight, wide.bias, padding=1)
    expected = same(between(h, None).relu()) + short(interpolate(x, scale_factor=2.0))
    torch.testing.assert_close(block(x, None, (6, 6)), expected)


@pytest.mark.parametrize("first", [True, False])
def test_a_block_of_d_is_the_papers(first: bool) -> None:
    block, x = resnet.Down(4, 5, 6, halve=True, first=first), torch.randn(2, 4, 6, 6)
    h = block.wide(x if first else x.relu()).relu()
    h = avg_pool2d(conv2d(h, block.last.weight, block.last.bias, padding=1), 2)
    torch.testing.assert_close(block(x), h + avg_pool2d(block.shortcut(x), 2))


def test_the_score_is_a_sum_over_places_and_without_spectral_norm_a_mean() -> None:
    batch = Batch(torch.randn(2, 1, 16, 16))
    for flag, pool in ((True, torch.sum), (False, torch.mean)):
        D = resnet.Discriminator(space(1, 16, 16), width=4, spectral=flag).eval()
        torch.testing.assert_close(D.features(batch), pool(D.body(batch.x), (2, 3)))
        torch.testing.assert_close(D(batch), D.judge.score(D.features(batch)).squeeze(1))


def test_conditions_change_pictures_and_scores_but_not_features() -> None:
    where = space(1, 16, 16, labels=ONE)
    G, D = resnet.Generator(where, width=8).eval(), resnet.Discriminator(where, width=8).eval()
    z, (y, other) = torch.randn(1, G.latent), ONE.encode(np.array([[3], [8]])).split(1)
    assert not torch.allclose(G(z, y), G(z, other))
    x = torch.randn(1, 1, 16, 16)
    assert not torch.allclose(D(Batch(x, y)), D(Batch(x, other)))
    assert torch.equal(D.features(Batch(x, y)), D.features(Batch(x, other)))


@pytest.mark.parametrize("flag", [True, False])
def test_each_sample_is_judged_alone_and_made_alone(flag: bool) -> None:
    where = space(1, 16, 16)
    D, x = resnet.Discriminator(where, width=4, attention=16, spectral=flag).eval(), torch.randn(6, 1, 16, 16)
    torch.testing.assert_close(D(Batch(x))[:2], D(Batch(x[:2])))
    G, z = resnet.Generator(where, width=4, attention=16, spectral=flag), torch.randn(6, 128)
    G(z)
    G.eval()
    torch.testing.assert_close(G(z)[:2], G(z[:2]))
    assert torch.equal(G(z), G(z))


@pytest.mark.parametrize("labels", [None, ONE])
@pytest.mark.parametrize("attention", [0, 16])
@pytest.mark.parametrize("flag", [True, False])
def test_every_parameter_is_learnt(labels: Labels | None, attention: int, flag: bool) -> None:
    where = space(3, 16, 16, labels=labels)
    how: dict[str, Any] = {"width": 8, "attention": attention, "spectral": flag}
    G, D = resnet.Generator(where, **how), resnet.Discriminator(where, **how)
    opened = [gamma for m in (G, D) for name, gamma in m.named_parameters() if name.endswith("gamma")]
    assert len(opened) == (2 if attention else 0)
    for gamma in opened:
        assert gamma == 0
        nn.init.ones_(gamma)
    y = None if labels is None else labels.encode(labels.rows)
    D(Batch(G(torch.randn(10, G.latent), y), y)).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        if "bias" not in name:
            assert p.grad.abs().sum() > 0, name


@pytest.mark.parametrize("flag", [True, False])
def test_penalties_can_be_descended(flag: bool) -> None:
    where = space(2, 16, 12, labels=ONE)
    D = resnet.Discriminator(where, width=4, attention=16, spectral=flag)
    y = ONE.encode(ONE.rows)
    real, fake = Batch(torch.randn(10, 2, 16, 12), y), Batch(torch.randn(10, 2, 16, 12), y)
    (r1(D, real) + gradient_penalty(D, real, fake)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in D.parameters())
    assert sum(float(p.grad.abs().sum()) > 0 for p in D.parameters() if p.grad is not None) > 8


def test_a_critic_has_true_second_derivatives() -> None:
    D = resnet.Discriminator(space(1, 8, 8), width=2).double().eval()
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)

    def roughness() -> Tensor:
        return r1(D, Batch(x))

    for layer in (D.body.blocks[0].wide, D.body.blocks[0].last, D.body.blocks[1].last):
        weight = layer.parametrizations.weight.original
        direction = torch.randn_like(weight)
        (gradient,) = torch.autograd.grad(roughness(), weight)
        values = []
        for step in (1e-6, -1e-6):
            weight.data.add_(direction, alpha=step)
            values.append(roughness().item())
            weight.data.add_(direction, alpha=-step)
        assert (values[0] - values[1]) / 2e-6 == pytest.approx((gradient * direction).sum().item(), rel=1e-4)


def test_copies_functional_calls_and_files() -> None:
    where = space(1, 16, 16, labels=ONE)
    y = ONE.encode(ONE.rows)
    D = resnet.Discriminator(where, width=4, attention=16).eval()
    G = resnet.Generator(where, width=4, latent=5, spectral=True).eval()
    batch, z = Batch(torch.randn(10, 1, 16, 16), y), torch.randn(10, 5)
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
    where = space(3, 20, 20)
    G = resnet.Generator(where, width=16, attention=16, spectral=True).to(memory_format=torch.channels_last)
    D = resnet.Discriminator(where, width=16, attention=16).to(memory_format=torch.channels_last)
    z = torch.randn(4, G.latent)
    expected = D.eval()(Batch(G.eval()(z)))
    with torch.autocast("cpu", torch.bfloat16):
        x = G(z).contiguous(memory_format=torch.channels_last)
        scores = D(Batch(x))
        D.train()(Batch(x)).float().sum().backward()
    torch.testing.assert_close(scores.float(), expected, rtol=0.1, atol=0.1)
    weight = D.body.blocks[0].wide.parametrizations.weight
    assert weight.original.grad.isfinite().all()
    assert weight[0].u.norm() == pytest.approx(1, abs=1e-5)  # found in single precision


def test_attention_is_the_papers_and_begins_as_nothing() -> None:
    layer, x = SelfAttention(16), torch.randn(2, 16, 5, 4)
    assert torch.equal(layer(x), x)
    nn.init.constant_(layer.gamma, 0.7)
    expected = torch.empty_like(x)
    for n in range(2):
        keys = max_pool2d(layer.key(x), 2, ceil_mode=True)[n].reshape(2, -1)
        values = max_pool2d(layer.value(x), 2, ceil_mode=True)[n].reshape(8, -1)
        for i, j in np.ndindex(5, 4):
            energies = [layer.query(x)[n, :, i, j] @ key for key in keys.T]
            share = torch.stack(energies).softmax(0)
            expected[n, :, i, j] = x[n, :, i, j] + 0.7 * layer.answer.weight[:, :, 0, 0] @ (values @ share)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(("attention", "at"), [(32, 2), (16, 1), (20, 1), (0, None), (64, None), (4, None)])
def test_attention_stands_at_its_resolution(attention: int, at: int | None) -> None:
    found = looking([8, 16, 32], [4, 4, 4], attention, 32)
    assert [isinstance(look, SelfAttention) for look in found] == [i == at for i in range(3)]


def test_attention_32_is_sagans_in_both_players() -> None:
    where = space(3, 128, 128)
    with torch.device("meta"):
        G = resnet.Generator(where, grow=4, attention=32)
        D = resnet.Discriminator(where, grow=8, attention=32, coarsest=4, plain=1, spectral=False)
    assert [isinstance(look, SelfAttention) for look in G.looks] == [False, False, True, False, False]
    assert [isinstance(look, SelfAttention) for look in D.body.looks] == [False, True, False, False, False, False]


LAYERS = [nn.Linear(7, 5), nn.Conv2d(3, 6, 3), nn.ConvTranspose2d(4, 3, 2)]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_one_pass_of_spectral_norm_is_pytorchs(layer: nn.Module) -> None:
    ours, theirs = spectral(copy.deepcopy(layer)), reference(copy.deepcopy(layer))
    mine, other = ours.parametrizations.weight[0], theirs.parametrizations.weight[0]
    weight = mine.matrix(ours.parametrizations.weight.original)
    other._u.copy_(nn.functional.normalize(torch.randn(len(weight)), dim=0))
    other._v.copy_(nn.functional.normalize(other._u @ weight, dim=0))
    mine.u.copy_(other._u)
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(mine.u, other._u)
    gradients = [torch.autograd.grad(part.weight.sin().sum(), part.parametrizations.weight.original)[0]
                 for part in (ours.eval(), theirs.eval())]  # fmt: skip
    torch.testing.assert_close(*gradients)


def test_after_some_passes_every_layer_has_norm_one() -> None:
    D = resnet.Discriminator(space(3, 16, 16, labels=ONE), width=8, attention=16)
    batch = Batch(torch.randn(2, 3, 16, 16), ONE.encode(ONE.rows[:2]))
    for _ in range(50):
        D(batch)
    found = [part for part in D.modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    assert len(found) == len([part for part in D.modules() if isinstance(part, SpectralNorm)]) > 10
    for part in found:
        assert torch.linalg.matrix_norm(part.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.05)


def test_spectral_norm_stands_still_outside_training() -> None:
    layer, x = spectral(nn.Linear(8, 8)), torch.randn(3, 8)
    mine = layer.parametrizations.weight[0]
    mine.u.copy_(torch.nn.functional.one_hot(torch.tensor(0), 8))
    layer.eval()(x)
    assert mine.u[0] == 1
    layer.train()(x)
    assert mine.u[0] < 1


def test_an_averaged_layer_has_norm_one_even_if_its_vector_turned() -> None:
    layer = spectral(nn.Linear(8, 8)).eval()
    expected = layer.weight.detach().clone()
    layer.parametrizations.weight[0].u.mul_(0.1)
    torch.testing.assert_close(layer.weight, expected)


def test_a_normalised_layer_stays_as_it_is_and_a_weight_of_zeros_is_refused() -> None:
    layer = nn.Linear(4, 4)
    spectral(spectral(layer))
    assert len(layer.parametrizations.weight) == 1
    nn.init.zeros_(bare := nn.Linear(4, 4).weight)
    empty = nn.Linear(4, 4)
    empty.weight = bare
    with pytest.raises(InputError, match="--spectral-norm does not suit it; use --net resnet"):
        spectral(empty)


def test_spectral_norm_in_g_leaves_what_conditions_say() -> None:
    G = resnet.Generator(space(1, 16, 16, labels=ONE), width=8, spectral=True)
    bare = [name for name, part in G.named_modules()
            if isinstance(part, nn.Linear | nn.Conv2d) and not hasattr(part, "parametrizations")]  # fmt: skip
    assert bare
    assert all(name.endswith(".embed") for name in bare)


@pytest.mark.parametrize(("game", "flags"), [
    ("gan", {"loss": "hinge", "attention": 8}),
    ("wgan_gp", {"D.spectral": False}),
    ("r3gan", {"D.spectral": False}),
])  # fmt: skip
def test_games_play_with_it(tmp_path: Path, game: str, flags: dict[str, Any]) -> None:
    how = {"width": 8, "latent": 4, "rounds": 2, "batch": 8, "threads": 1, "quiet": True}
    run = gan.train("digits", run=tmp_path / "r", game=game, net="resnet", **how, **flags)
    samples, _ = run.samples(range(4), seed=1)
    assert samples.shape == (4, 8, 8, 1)
    again, _ = run.samples(range(2, 4), seed=1)
    assert np.array_equal(samples[2:], again)
