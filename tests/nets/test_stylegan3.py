"""StyleGAN3: the published size, filters against a reference, rectifiers and networks that move with their input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import torch
from scipy.signal import firwin, freqz
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.layers.filtered import FilteredRectifier, Grid, lowpass
from ganvas.nets import stylegan2, stylegan3

STYLE = 512
SMALL = {"latent": 16, "width": 8, "most": 32, "mapping": 2}


@dataclass(frozen=True)
class Plain:
    """A space that is only a shape."""

    shape: tuple[int, ...]
    labels: None = None


def space(*shape: int) -> Any:
    return Plain(shape)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_configuration_t_has_the_published_parameter_count() -> None:
    """22.3 M in the paper; the layers' channels follow the cutoffs, 32768 / (2 f_c) up to 512."""
    cutoffs = [2 * (512 / 2) ** min(i / 12, 1) for i in range(14)]
    wide = [min(round(16384 / f), 512) for f in cutoffs]
    pairs = zip([wide[0], *wide], wide, strict=False)
    layers = sum(9 * a * b + b + (STYLE + 1) * a for a, b in pairs)
    start = wide[0] ** 2 + (STYLE + 1) * 4
    picture = 3 * wide[-1] + 3 + (STYLE + 1) * wide[-1]
    G = stylegan3.Generator(space(3, 1024, 1024))
    assert count(G) == 2 * (STYLE + 1) * STYLE + start + layers + picture == 22_313_167
    assert G.layers == 16


def test_the_grids_at_1024_are_those_of_the_paper() -> None:
    grids = stylegan3.schedule(1024, 1024, 14, 10)
    rates = [16, 16, 32, 32, 64, 128, 128, 256, 256, 512, 1024, 1024, 1024, 1024]
    assert [g.rate for g in grids] == rates
    assert [g.width for g in grids] == [g.height for g in grids] == [r + 20 for r in rates[:-1]] + [1024]
    assert grids[0].cutoff == 2
    assert grids[0].half == 6
    assert grids[-1].cutoff == pytest.approx(512)
    assert grids[-1].half == pytest.approx(512 * (2**0.3 - 1))
    assert all(g.cutoff < g.rate / 2 for g in grids[:-2])


@pytest.mark.parametrize(("height", "width"), [(45, 31), (8, 8), (2, 3), (100, 20), (48, 64)])
def test_the_last_grid_is_the_picture(height: int, width: int) -> None:
    grids = stylegan3.schedule(height, width, 6, 3)
    side = min(height, width)
    assert grids[-1] == Grid(height, width, side, pytest.approx(side / 2), pytest.approx(side / 2 * (2**0.3 - 1)))
    assert all(math.log2(side / g.rate) % 1 == 0 for g in grids)
    assert all(a.rate <= b.rate and a.cutoff <= b.cutoff + 1e-9 for a, b in pairwise(grids))
    assert all(g.height >= height * g.rate / side + 6 for g in grids[:-1])


@pytest.mark.parametrize(
    ("taps", "cutoff", "half", "rate"), [(12, 2.0, 6.0, 32.0), (24, 4.0, 4.0, 64.0), (12, 8.0, 1.85, 32.0)]
)
def test_filters_are_kaiser_windowed_sincs(taps: int, cutoff: float, half: float, rate: float) -> None:
    found = lowpass(taps, cutoff, half, rate)
    expected = torch.tensor(firwin(taps, cutoff, width=2 * half, fs=rate), dtype=torch.float32)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_filters_stop_what_lies_beyond_the_transition_band() -> None:
    _, response = freqz(lowpass(24, 4.0, 4.0, 64.0).numpy(), worN=[8.0, 12.0, 20.0, 31.0], fs=64.0)
    assert abs(response).max() < 1e-2


def wave(grid: Grid, frequency: float, moved: float = 0.0) -> Tensor:
    """3 + a wave along each axis, on a grid: [1, 1, h, w]; always positive."""
    line = [(torch.arange(n) - (n - 1) / 2) / grid.rate - moved for n in (grid.height, grid.width)]
    down, right = ((2 * math.pi * frequency * places + 0.5).sin() for places in line)
    return (3 + down[:, None] + right)[None, None]


A, B = Grid(36, 31, 16, 5, 4), Grid(52, 51, 32, 10, 8)
SMALLER = [(A, Grid(23, 20, 32, 10, 8)), (B, Grid(32, 31, 32, 10, 8)), (B, Grid(20, 19, 16, 5, 4))]


@pytest.mark.parametrize(("before", "after"), [(A, A), (A, B), (B, B), *SMALLER])
def test_a_positive_signal_is_sampled_anew_at_the_right_places(before: Grid, after: Grid) -> None:
    """Where nothing is negative the rectifier is a factor √2, and all else is a change of grids with one centre."""
    y, expected = FilteredRectifier(before, after)(wave(before, 0.8)), math.sqrt(2) * wave(after, 0.8)
    assert y.shape == expected.shape
    inside = []
    for old, new in ((before.height, after.height), (before.width, after.width)):
        seen = (old - 6) / before.rate - 6 / after.rate  # nearer to the border the filters see beyond the old grid
        border = max(0, math.ceil((new - after.rate * seen) / 2))
        inside.append(slice(border, new - border))
    gap = (y - expected)[:, :, *inside]
    assert min(gap.shape[2:]) > 8
    assert gap.abs().max() < 0.05


def test_a_rectified_wave_moves_with_the_wave() -> None:
    """Half a sample of the grid: a rectifier on the samples alone is off by 20 times as much."""
    grid, middle = Grid(64, 64, 16, 3, 5), slice(20, 44)
    filtered = FilteredRectifier(grid, grid)

    def error(rectifier: nn.Module) -> float:
        """How far the output for a moved wave is from the output on the grid, interpolated by twice the rate."""
        fine = FilteredRectifier(grid, Grid(128, 128, 32, 3, 13))
        still, moved = (rectifier(wave(grid, 2.5, m) - 3) for m in (0.0, 1 / 32))
        places = [(fine(3 + x) / math.sqrt(2))[:, :, o::2, o::2] for x, o in ((still, 0), (moved, 1))]
        return float((places[0] - places[1])[:, :, middle, middle].square().mean().sqrt())

    assert error(filtered) < 0.05 * error(nn.LeakyReLU(0.2))


def test_fourier_features_move_as_they_are_told() -> None:
    grid = Grid(20, 16, 16, 4, 4)
    start, w = stylegan3.Fourier(8, grid, 3), torch.randn(2, 3)
    still = start(w)
    moved = start(w, torch.tensor([2 / 16, -3 / 16]))
    torch.testing.assert_close(moved[:, :, 2:, :-3], still[:, :, :-2, 3:], rtol=1e-3, atol=1e-4)
    each = start(w, torch.tensor([[0.0, 0.0], [2 / 16, -3 / 16]]))
    torch.testing.assert_close(each, torch.stack([still[0], moved[1]]), rtol=1e-3, atol=1e-4)
    assert 0.5 < still.square().mean() < 2


def test_a_style_turns_and_moves_the_waves() -> None:
    grid = Grid(17, 17, 16, 4, 4)
    start, w = stylegan3.Fourier(8, grid, 3), torch.randn(1, 3)
    still = start(w)
    with torch.no_grad():
        start.move.bias.copy_(torch.tensor([-1.0, 1.0, 0.0, 0.0]))  # cos 0, sin 1
        turned = start(w)
        start.move.bias.copy_(torch.tensor([0.0, 0.0, 3 / 16, 0.0]))
        moved = start(w)
    torch.testing.assert_close(turned, still.rot90(-1, (2, 3)), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(moved[:, :, 3:], still[:, :, :-3], rtol=1e-3, atol=1e-4)


def test_what_enters_a_layer_is_brought_to_unit_scale_by_a_running_mean() -> None:
    steady, x = stylegan3.Steady(), 4 * torch.randn(8, 3, 16, 16)
    for _ in range(5000):
        gain = steady(x)
    assert (gain * x).square().mean() == pytest.approx(1, abs=0.01)
    steady.eval()
    assert steady(100 * x) == gain


def decibels(a: Tensor, b: Tensor, border: int) -> float:
    """Peak signal-to-noise ratio, as in section 3 of the paper, of pictures whose standard deviation is set to 1/2."""
    inside = slice(border, -border)
    error = (a - b)[:, :, inside, inside].square().mean() / (2 * a[:, :, inside, inside].std()) ** 2
    return float(10 * torch.log10(4 / error))


def delayed(x: Tensor, pixels: float) -> Tensor:
    """Pictures [n, c, h, w] moved down by interpolation: a Kaiser-windowed sinc of 16 taps."""
    whole = math.floor(pixels)
    places = torch.arange(-8, 8) + 1 - (pixels - whole)
    taps = (
        torch.sinc(places) * torch.special.i0(8 * (1 - (places / 9) ** 2).sqrt()) / torch.special.i0(torch.tensor(8.0))
    )
    y = nn.functional.conv2d(x.flatten(0, 1)[:, None], (taps / taps.sum()).flip(0)[None, None, :, None], padding=(8, 0))
    return y[:, 0, : x.shape[2]].roll(whole, 1).view_as(x)


@torch.no_grad()
def test_pictures_move_with_their_input_where_stylegan2_s_do_not() -> None:
    """Whole pixels (EQ-T) and fractions of them; StyleGAN2 has only whole steps of its coarsest grid to be
    moved by: its constant is moved by a quarter of them, 8 pixels of 32."""
    G = stylegan3.Generator(space(3, 32, 32), layers=6, **SMALL).eval()
    w = G.map(torch.randn(4, 16))
    still = G.make(w)
    moved = G.make(w, torch.tensor([3.0, -2.0]))
    assert decibels(moved, still.roll((3, -2), (2, 3)), 4) > 50
    between = G.make(w, torch.tensor([1.5, 0.0]))
    assert decibels(between, delayed(still, 1.5), 10) > max(40, decibels(between, delayed(still, 1.6), 10) + 5)

    old = stylegan2.Generator(space(3, 32, 32), **SMALL).eval()
    w = old.map(torch.randn(4, 16))
    still = old.make(w)
    old.start.copy_(old.start.roll(1, 1))
    assert decibels(old.make(w), still.roll(8, 2), 8) < 30


def test_too_few_layers_are_refused() -> None:
    with pytest.raises(InputError, match="3 layers or more"):
        stylegan3.Generator(space(3, 8, 8), layers=2)


def test_the_discriminator_is_stylegan2_s() -> None:
    assert stylegan3.Discriminator is stylegan2.Discriminator
