"""Alias-free GAN: details move with what they belong to. Karras et al. 2021 (StyleGAN3), arXiv:2106.12423.

Configuration T, equivariant to translation: signals begin as Fourier features that the style may turn and move, a
fixed number of layers raises cutoff, stopband and sampling rate step by step, every rectifier acts between filters
(section 3.2), and a margin around the picture keeps its border out of sight. No noise, no skip connections, no style
mixing. The discriminator is StyleGAN2's. At 1024×1024 RGB with the defaults the generator has 22,313,167 parameters.

Where it differs: grids may have any size, centred on the picture and at rates that halve the picture's own, so any
picture can be made; the filters are plain strided convolutions of each channel.

Measured: Fréchet distance 1847.3 on MNIST after 20,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.layers.equalised import EqualLinear
from ganvas.layers.filtered import FilteredRectifier, Grid
from ganvas.layers.mapped import Mapped, Mapping
from ganvas.layers.modulated import Modulated
from ganvas.layers.sizes import picture
from ganvas.nets.stylegan2 import Discriminator
from ganvas.space import Space

__all__ = ["Discriminator", "Generator"]

CRITICAL = 2  # layers at the end whose cutoff is all that the picture can carry
FIRST_CUTOFF, FIRST_STOP = 2.0, 2**2.1  # cycles for each unit of length, the short side of the picture
LAST_STOP = 2**0.3  # … of the last layers, as a multiple of their cutoff
DECAY = 0.999  # of the mean square of what enters a layer, for each batch that is made in training


class Generator(Mapped):
    """z [n, latent] and y [n, c] or None -> w [n, latent] -> [n, channels, height, width]."""

    def __init__(
        self,
        space: Space,
        latent: int = 512,  # size of z and of the styles
        width: int = 32,  # channels at the finest resolution; more where the cutoff is lower, up to most
        most: int = 512,  # channels at the coarsest resolutions
        mapping: int = 2,  # layers from z to w
        layers: int = 14,  # convolutions 3×3 from the Fourier features to the picture
        margin: int = 10,  # samples around the picture, at every layer's rate
    ) -> None:
        channels, height, breadth = picture(space, "stylegan3")
        if layers <= CRITICAL:
            raise InputError(f"net stylegan3 needs {CRITICAL + 1} layers or more, not --layers {layers}")
        condition = space.labels.width if space.labels else 0
        super().__init__(Mapping(latent, condition, latent, mapping), layers + 2)
        grids = schedule(height, breadth, layers, margin)
        wide = [min(round(width * grids[-1].cutoff / grid.cutoff), most) for grid in grids]
        self.pixel = 1 / min(height, breadth)
        self.start = Fourier(wide[0], grids[0], latent)
        self.steps = nn.ModuleList(
            Filtered(wide[max(i - 1, 0)], wide[i], latent, grids[max(i - 1, 0)], grids[i]) for i in range(layers)
        )
        self.steady = Steady()
        self.picture = Modulated(wide[-1], channels, 1, latent, demodulate=False)

    def make(self, w: Tensor, shift: Tensor | None = None) -> Tensor:
        """w [n, latent] or [n, layers, latent] -> [n, channels, height, width], not yet squashed.

        ``shift`` [2] or [n, 2]: pixels, whole or not, by which the Fourier features move down and to the right; an
        equivariant network makes the same picture, moved as much.
        """
        w = self.spread(w)
        x = self.start(w[:, 0], None if shift is None else shift * self.pixel)
        for i, step in enumerate(self.steps, 1):
            x = step(x, w[:, i])
        return self.picture(x, w[:, -1], 0.25 * self.steady(x))


class Fourier(nn.Module):
    """w [n, style] -> [n, channels, h, w]: waves of fixed frequencies on a grid, mixed by a learnt matrix.

    The frequencies fill the disc of radius ``grid.cutoff``. The style turns and moves the waves; that begins as the
    identity. Sections 3.1 and 3.2 of the paper.
    """

    frequencies: Tensor
    phases: Tensor
    down: Tensor
    right: Tensor

    def __init__(self, channels: int, grid: Grid, style: int) -> None:
        super().__init__()
        radius, angle = grid.cutoff * torch.rand(channels).sqrt(), 2 * math.pi * torch.rand(channels)
        self.register_buffer("frequencies", torch.stack([radius * angle.sin(), radius * angle.cos()]))
        self.register_buffer("phases", torch.rand(channels))
        self.register_buffer("down", places(grid.height, grid.rate), persistent=False)
        self.register_buffer("right", places(grid.width, grid.rate), persistent=False)
        self.mix = EqualLinear(channels, channels, bias=None, gain=math.sqrt(2))
        self.move = EqualLinear(style, 4)
        nn.init.zeros_(self.move.weight)

    def forward(self, w: Tensor, shift: Tensor | None = None) -> Tensor:
        """``shift`` [2] or [n, 2] moves the whole canvas, in units of the picture's short side."""
        cos, sin, y, x = self.move(w).float()[:, :, None].unbind(1)  # [n, 1]
        length = ((1 + cos).square() + sin.square()).sqrt()
        cos, sin = (1 + cos) / length, sin / length
        fy, fx = self.frequencies
        phases = self.phases - fy * y - fx * x
        fy, fx = cos * fy + sin * fx, cos * fx - sin * fy  # [n, channels]
        if shift is not None:
            phases = phases - fy * shift[..., :1] - fx * shift[..., 1:]
        turns = (phases[:, None] + fy[:, None] * self.down)[:, :, None] + (fx[:, None] * self.right)[:, None]
        waves: Tensor = self.mix(torch.sin(2 * math.pi * turns))  # [n, h, w, channels]
        return waves.permute(0, 3, 1, 2)


class Filtered(nn.Module):
    """x [n, inputs, h, w] and w [n, style] -> [n, outputs, h', w']: modulated convolution, filtered rectifier."""

    def __init__(self, inputs: int, outputs: int, style: int, before: Grid, after: Grid) -> None:
        super().__init__()
        self.steady, self.convolution = Steady(), Modulated(inputs, outputs, 3, style)
        self.rectifier = FilteredRectifier(before, after)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """From one grid to the next."""
        moved: Tensor = self.rectifier(self.convolution(x, w, self.steady(x)))
        return moved


class Steady(nn.Module):
    """The factor that brings x to a mean square of 1, by a running mean: no single sample decides it (section 3.1)."""

    square: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("square", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """x [n, c, h, w] -> []."""
        if self.training:
            self.square.lerp_(x.detach().float().square().mean(), 1 - DECAY)
        return self.square.rsqrt()


def places(count: int, rate: float) -> Tensor:
    """Where the samples of a grid lie, centred on 0: [count, 1], for all channels."""
    return (torch.arange(count)[:, None] - (count - 1) / 2) / rate


def schedule(height: int, width: int, layers: int, margin: int) -> list[Grid]:
    """The grid behind each layer, as in section 3.2 (flexible layers), with any side instead of a power of two.

    Cutoff and stopband grow geometrically up to the last layers; the rate is the picture's own, halved as often as it
    stays above twice the stopband. The last grid is the picture.
    """
    side = min(height, width)
    last, grids = side / 2, []
    cutoff, stop = min(FIRST_CUTOFF, last), min(FIRST_STOP, last * LAST_STOP)
    for i in range(layers):
        share = min(i / (layers - CRITICAL), 1)
        c, t = cutoff * (last / cutoff) ** share, stop * (last * LAST_STOP / stop) ** share
        rate = side / 2 ** math.floor(math.log2(side / min(2 * t, side)))
        spare = 0 if i == layers - 1 else 2 * margin
        down, right = (math.ceil(size * rate / side) + spare for size in (height, width))
        grids.append(Grid(down, right, rate, c, max(t, rate / 2) - c))
    return grids
