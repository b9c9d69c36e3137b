"""StyleGAN2: published parameter counts, the layers against their formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu

from ganvas.game import Batch
from ganvas.layers.modulated import Modulated
from ganvas.layers.resample import Double, Smooth
from ganvas.nets import stylegan2

STYLE = 512


@dataclass(frozen=True)
class Plain:
    """A space that is only a shape."""

    shape: tuple[int, ...]
    labels: None = None


def space(*shape: int) -> Any:
    return Plain(shape)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def styled(inputs: int, outputs: int) -> int:
    """3×3 weights, biases, the style's scales of the inputs, the strength of the noise."""
    return 9 * inputs * outputs + outputs + (STYLE + 1) * inputs + 1


def picture(inputs: int, channels: int) -> int:
    """1×1 weights, biases, the style's scales of the inputs."""
    return inputs * channels + channels + (STYLE + 1) * inputs


def halving(inputs: int, outputs: int) -> int:
    """Two convolutions 3×3 and the skip's 1×1 without biases."""
    return 9 * inputs**2 + inputs + 9 * inputs * outputs + outputs + inputs * outputs


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_configuration_f_has_the_published_parameter_counts() -> None:
    """59 M in all, section 6 of the paper; nothing is left to explain."""
    wide = [512, 512, 512, 512, 512, 256, 128, 64, 32]  # 4×4 … 1024×1024
    pairs = list(pairwise(wide))
    mapping = 8 * (STYLE + 1) * STYLE
    convolutions = styled(512, 512) + sum(styled(a, b) + styled(b, b) for a, b in pairs)
    painter = mapping + 512 * 4 * 4 + convolutions + sum(picture(c, 3) for c in wide)
    end = 9 * 513 * 512 + 512 + (512 * 4 * 4 + 1) * 512 + 512 + 1
    critic = (3 + 1) * 32 + sum(halving(b, a) for a, b in pairs) + end
    G, D = stylegan2.Generator(space(3, 1024, 1024)), stylegan2.Discriminator(space(3, 1024, 1024))
    assert count(G) == painter == 30_370_060
    assert count(D) == critic == 29_012_513
    assert G.layers == 18


def test_resolutions_begin_at_four_for_powers_of_two() -> None:
    flags = {"width": 2, "most": 4, "latent": 4, "mapping": 1}
    for size in (4, 8, 64, 256):
        assert stylegan2.Generator(space(1, size, size), **flags).start.shape == (min(4, size // 2), 4, 4)
    assert stylegan2.Generator(space(1, 28, 28), **flags).start.shape[1:] == (7, 7)
    assert stylegan2.Generator(space(1, 45, 31), **flags).start.shape[1:] == (6, 4)


def each_its_own(layer: Modulated, x: Tensor, w: Tensor) -> Tensor:
    """Eqs. (1) and (3) as they stand: weights for each sample, by grouped convolution."""
    n, c = x.shape[:2]
    weight = layer.scale * layer.weight * layer.style(w)[:, None, :, None, None]
    if layer.demodulate:
        weight = weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    outputs, kernel = weight.shape[1], weight.shape[3]
    grouped = x.reshape(1, n * c, *x.shape[2:])
    if layer.smooth is None:
        y = conv2d(grouped, weight.flatten(0, 1), padding=kernel // 2, groups=n)
    else:
        turned = weight.transpose(1, 2).reshape(n * c, outputs, kernel, kernel)
        y = conv_transpose2d(grouped, turned, stride=2, groups=n)
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]).to(x) / 4
        taps = (line[:, None] * line).expand(n * outputs, 1, 4, 4)
        y = conv2d(y, taps, padding=1, groups=n * outputs)
    return layer.gain * (y.reshape(n, outputs, *y.shape[2:]) + layer.bias[:, None, None])


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_scaling_channels_is_the_same_function_as_weights_for_each_sample(up: bool, demodulate: bool) -> None:
    layer = Modulated(5, 7, 3, 4, up=up, demodulate=demodulate, gain=1.3).double()
    nn.init.normal_(layer.bias)
    x, w = torch.randn(3, 5, 6, 4).double(), torch.randn(3, 4).double()
    y, reference = layer(x, w), each_its_own(layer, x, w)
    assert y.shape == (3, 7, 12, 8) if up else (3, 7, 6, 4)
    torch.testing.assert_close(y, reference, rtol=1e-4, atol=1e-5)  # styles are float32


def test_demodulated_channels_keep_their_variance_whatever_the_style() -> None:
    layer = Modulated(64, 32, 3, 4)
    y = layer(torch.randn(8, 64, 24, 24), 5 * torch.randn(8, 4))
    spread = y[:, :, 2:-2, 2:-2].var((2, 3)).mean(1)
    assert (spread - 1).abs().max() < 0.1


def test_doubling_is_linear_interpolation_inside() -> None:
    x = torch.randn(2, 3, 7, 5)
    expected = interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(Double()(x)[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1])


def test_smoothing_keeps_constants_and_removes_what_would_alias() -> None:
    smooth = Smooth(padding=0)
    x = torch.full((1, 2, 9, 8), 3.0)
    torch.testing.assert_close(smooth(x), torch.full((1, 2, 6, 5), 3.0))
    board = (-1.0) ** (torch.arange(9)[:, None] + torch.arange(8))
    assert smooth(x * board).abs().max() < 1e-6
    assert Smooth(padding=1, stride=2)(x).shape == (1, 2, 4, 4)


@pytest.mark.parametrize(("size", "half"), [((8, 6), (4, 3)), ((7, 5), (4, 3))])
def test_a_block_of_the_discriminator_is_its_formula(size: tuple[int, int], half: tuple[int, int]) -> None:
    block, smooth = stylegan2.Halving(3, 5), Smooth(padding=2)
    for layer in (block.first, block.second):
        nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, *size)
    wide = nn.functional.pad(x, (0, size[1] % 2, 0, size[0] % 2))
    h = math.sqrt(2) * leaky_relu(block.first(wide), 0.2)
    h = math.sqrt(2) * leaky_relu(block.second(smooth(h)), 0.2)
    skip = Smooth(padding=1, stride=2)(block.skip(wide))
    y = block(x)
    assert y.shape == (2, 5, *half)
    torch.testing.assert_close(y, (h + skip) / math.sqrt(2))


def test_noise_has_a_learnt_strength_and_is_fixed_outside_training() -> None:
    layer, w = stylegan2.Styled(4, 4, 3, (6, 6)), torch.randn(2, 3)
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(layer(x, w), layer(x, w))  # a strength of 0
    nn.init.ones_(layer.noise.strength)
    assert not torch.allclose(layer(x, w), layer(x, w))
    layer.eval()
    assert torch.equal(layer(x, w), layer(x, w))
    before = layer.convolution(x, w) + math.sqrt(2) * layer.noise.fixed
    torch.testing.assert_close(layer(x, w), leaky_relu(before, 0.2))


def test_signals_keep_their_scale_through_the_networks() -> None:
    G, D = stylegan2.Generator(space(3, 32, 32), width=16, most=64), stylegan2.Discriminator(space(3, 32, 32), most=64)
    x = G(torch.randn(16, 512))
    assert 0.3 < x.std() < 4
    assert 0.1 < D.features(Batch(torch.randn(16, 3, 32, 32))).square().mean().sqrt() < 3


def test_the_discriminator_sees_how_alike_its_samples_are() -> None:
    D, x = stylegan2.Discriminator(space(1, 8, 8), width=4, most=8), torch.randn(4, 1, 8, 8)
    same = x[:1].expand(4, -1, -1, -1)
    assert not torch.allclose(D(Batch(x))[0], D(Batch(same))[0])
    alone = stylegan2.Discriminator(space(1, 8, 8), width=4, most=8, group=1)
    torch.testing.assert_close(alone(Batch(x))[0], alone(Batch(same))[0])
