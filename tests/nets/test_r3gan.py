"""R3GAN's networks: the paper's counts, its block and filters, weights at the start, what games ask of players."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from claims import (
    AGE,
    KINDS,
    ONE,
    SHAPES,
    awake,
    can_be_copied_called_and_saved,
    can_be_penalised,
    count,
    is_a_function_of_each_sample_alone,
    labels_of,
    runs_in_bfloat16,
    space,
)
from torch.nn.functional import leaky_relu

import ganvas as gan
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.layers.widths import widths
from ganvas.nets import r3gan

SMALL: dict[str, Any] = {"width": 8, "group": 4}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("size", "labels", "width", "full", "group", "printed"),
    [
        (32, None, 768, 4, 16, (20.73, 20.68)),  # Stacked MNIST
        (32, labels_of(10), 768, 4, 16, (20.78, 21.28)),  # CIFAR-10
        (64, None, 768, 4, 16, (22.43, 22.38)),  # FFHQ
        (256, None, 768, 4, 16, (23.06, 23.01)),  # FFHQ
        (32, labels_of(1000), 1536, 4, 32, (82.91, 86.55)),  # ImageNet
        (64, labels_of(1000), 1536, 5, 32, (103.57, 107.21)),  # ImageNet
    ],
)
def test_the_networks_of_the_paper_have_the_parameters_it_prints(
    size: int, labels: Labels | None, width: int, full: int, group: int, printed: tuple[float, float]
) -> None:
    where = space(3, size, size, labels=labels)
    how: dict[str, Any] = {"width": width, "full": full, "group": group}
    with torch.device("meta"):
        G, D = r3gan.Generator(where, **how), r3gan.Discriminator(where, **how)
    assert (round(count(G) / 1e6, 2), round(count(D) / 1e6, 2)) == printed


def test_channels_fall_by_half_after_the_coarse_resolutions() -> None:
    assert widths(7, 768, 4) == [768, 768, 768, 768, 384, 192, 96]
    assert widths(9, 512, 4) == [512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert widths(3, 1, 1) == [1, 1, 1]


@pytest.mark.parametrize("labels", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("shape", SHAPES)
def test_any_shape_and_any_labels(shape: tuple[int, ...], labels: Labels | None) -> None:
    where = space(*shape, labels=labels)
    G, D = r3gan.Generator(where, latent=6, **SMALL), r3gan.Discriminator(where, **SMALL)
    y = None if labels is None else labels.encode(labels.rows[:3])
    x = G(torch.randn(3, 6), y)
    assert x.shape == (3, *shape)
    assert D(Batch(x, y)).shape == (3,)
    assert D.features(Batch(x, y)).shape == (3, D.size)


def test_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="net r3gan makes pictures only; for vectors use --net mlp"):
        r3gan.Discriminator(space(5))


def test_a_block_is_its_formula_and_begins_as_nothing() -> None:
    block, x = r3gan.Block(8, 4, 6), torch.randn(2, 8, 5, 7)
    assert torch.equal(block(x), x)
    awake(block)
    wide = torch.einsum("oi,nihw->nohw", block.widen.weight[:, :, 0, 0], x)
    h = leaky_relu(wide + block.widen.bias[:, None, None], 0.2)
    each = [
        torch.nn.functional.conv2d(part, weight, bias, padding=1)  # 16 channels in groups of 4
        for part, weight, bias in zip(h.split(4, 1), block.mix.weight.split(4), block.mix.bias.split(4), strict=True)
    ]
    h = leaky_relu(torch.cat(each, 1), 0.2)
    torch.testing.assert_close(block(x), x + torch.einsum("oi,nihw->nohw", block.narrow.weight[:, :, 0, 0], h))


def test_resampling_is_bilinear_by_1_2_1() -> None:
    ramp = torch.arange(6.0).repeat(4, 1)[None, None]
    up = r3gan.Up(1, 1)(ramp)
    assert up.shape == (1, 1, 8, 12)
    torch.testing.assert_close(up[0, 0, 2, :-1], torch.arange(11.0) / 2)
    down = r3gan.Down(1, 1)(ramp)
    torch.testing.assert_close(down[0, 0, 1, 1:], torch.tensor([2.0, 4.0]))
    assert r3gan.Down(3, 5)(torch.ones(1, 3, 7, 5)).shape == (1, 5, 4, 3)
    even = torch.randn(1, 1, 8, 8)
    product, other = torch.randn(1, 1, 4, 4), r3gan.Up(1, 1)
    torch.testing.assert_close((r3gan.Down(1, 1)(even) * product).sum() * 4, (even * other(product)).sum())  # adjoint


def test_weights_at_the_start_have_the_size_of_the_paper() -> None:
    D = r3gan.Discriminator(space(3, 32, 32), width=256)
    gain = math.sqrt(2 / 1.04) * 8 ** (-1 / 4)
    block = D.stages[1][0]
    for layer, fan_in in ((block.widen, 256), (block.mix, 16 * 9)):
        assert float(layer.weight.detach().std()) == pytest.approx(gain / math.sqrt(fan_in), rel=0.02)
        assert not layer.bias.any()
    assert not block.narrow.weight.any()
    assert float(D.judge.weight.detach().std()) == pytest.approx(1 / 16, rel=0.15)


def test_a_new_generator_is_linear_and_of_the_size_of_pictures() -> None:
    G = r3gan.Generator(space(3, 32, 32), width=64)
    a, b = torch.randn(2, 16, G.latent)
    torch.testing.assert_close(G(a) + G(b), G(a + b), atol=1e-4, rtol=1e-3)
    assert 0.2 < float(G(a).detach().std()) < 2


@pytest.mark.parametrize("labels", [None, ONE], ids=["none", "one"])
def test_players_keep_their_promises(labels: Labels | None) -> None:
    where = space(2, 9, 12, labels=labels)
    G, D = r3gan.Generator(where, **SMALL), r3gan.Discriminator(where, **SMALL)
    awake(G, D)
    y = None if labels is None else labels.encode(labels.rows[:6])
    is_a_function_of_each_sample_alone(G, y)
    x = torch.randn(4, 2, 9, 12)
    y = None if y is None else y[:4]
    torch.testing.assert_close(D(Batch(x, y))[:2], D(Batch(x[:2], None if y is None else y[:2])))
    can_be_penalised(D, x, y)
    can_be_copied_called_and_saved(G, torch.randn(4, G.latent), y)
    can_be_copied_called_and_saved(D, Batch(x, y))
    runs_in_bfloat16(G, D, y)


def test_scores_are_compared_with_the_condition() -> None:
    D = r3gan.Discriminator(space(1, 8, 8, labels=ONE), **SMALL)
    x, y = torch.randn(2, 1, 8, 8), ONE.encode(ONE.rows[:2])
    told = D.judge(D.features(Batch(x)))
    torch.testing.assert_close(D(Batch(x, y)), (told * D.embed.weight[:, :2].T).sum(1) / math.sqrt(8))
    number = r3gan.Discriminator(space(1, 8, 8, labels=AGE), **SMALL)
    assert number(Batch(x, torch.zeros(2, 1))).abs().min() > 0  # projection alone would know nothing here


def test_it_plays(tmp_path: Path) -> None:
    for game in ("r3gan", "gan"):
        run = gan.train("digits", run=tmp_path / game, game=game, net="r3gan", rounds=2, batch=8, quiet=True, **SMALL)
        assert run.samples(range(2))[0].shape == (2, 8, 8, 1)
