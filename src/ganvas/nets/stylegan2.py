"""StyleGAN2: a mapped style steers every convolution. Karras et al. 2020 (StyleGAN2), arXiv:1912.04958.

Configuration F: modulated and demodulated convolutions (section 2.2), a generator that sums pictures of all
resolutions and a residual discriminator (section 4.1), after the mapping, noise and style mixing of StyleGAN
(arXiv:1812.04948) and the equalised learning rate and minibatch deviation of progressive growing (arXiv:1710.10196). At
1024×1024 RGB with the defaults the parameter counts are 30,370,060 and 29,012,513. Path length regularisation and R1
belong to the run, not to the nets.

Where it differs: a style mixes for each sample, not for a whole batch; any size is made by halving, rounding up, and
cropping on the way back; the embedded condition is normalised together with z, so that continuous ones keep their
size; D adds to a score of its own how features and a mapped condition agree.

Measured: Fréchet distance 817.7 on MNIST after 80,000 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers.equalised import EqualConv2d, EqualLinear
from ganvas.layers.mapped import Mapped, Mapping
from ganvas.layers.minibatch import MinibatchStd
from ganvas.layers.modulated import Modulated
from ganvas.layers.noise import Noise
from ganvas.layers.resample import Double, Smooth
from ganvas.layers.sizes import even, picture, sizes
from ganvas.space import Space

GAIN = math.sqrt(2)  # of a leaky rectifier, so that it keeps the scale


class Generator(Mapped):
    """z [n, latent] and y [n, c] or None -> w [n, latent] -> [n, channels, height, width]."""

    def __init__(
        self,
        space: Space,
        latent: int = 512,  # size of z and of the styles
        width: int = 32,  # channels at the finest resolution; doubled at each coarser one, up to most
        most: int = 512,  # channels at the coarsest resolutions
        mapping: int = 8,  # layers from z to w
        mixing: float = 0.9,  # share of the samples in training whose style changes at a random layer
    ) -> None:
        channels, height, breadth = picture(space, "stylegan2")
        steps = sizes(height, breadth, steps=1)[::-1]  # coarse to fine
        condition = space.labels.width if space.labels else 0
        super().__init__(Mapping(latent, condition, latent, mapping), 2 * len(steps), mixing)
        self.sizes, wide = steps, channels_of(steps, width, most)
        self.start = nn.Parameter(torch.randn(wide[0], *self.sizes[0]))
        self.convolutions = nn.ModuleList([Styled(wide[0], wide[0], latent, self.sizes[0])])
        for (a, b), size in zip(pairwise(wide), self.sizes[1:], strict=True):
            self.convolutions += [Styled(a, b, latent, size, up=True), Styled(b, b, latent, size)]
        self.pictures = nn.ModuleList(Modulated(c, channels, 1, latent, demodulate=False) for c in wide)
        self.twice = Double()

    def make(self, w: Tensor) -> Tensor:
        """w [n, latent] or [n, layers, latent] -> [n, channels, height, width], not yet squashed.

        The picture of a resolution shares its style with the first convolution of the next one.
        """
        w = self.spread(w)
        x = self.convolutions[0](self.start[None], w[:, 0])
        picture = self.pictures[0](x, w[:, 1])
        for i, (height, breadth) in enumerate(self.sizes[1:], 1):
            x = self.convolutions[2 * i - 1](x, w[:, 2 * i - 1])
            x = self.convolutions[2 * i](x, w[:, 2 * i])
            picture = self.twice(picture)[:, :, :height, :breadth] + self.pictures[i](x, w[:, 2 * i + 1])
        return picture


class Styled(nn.Module):
    """x [n, inputs, h, w] and w [n, style] -> [n, outputs, *size]: modulated convolution, noise, leaky rectifier."""

    def __init__(self, inputs: int, outputs: int, style: int, size: tuple[int, int], up: bool = False) -> None:
        super().__init__()
        self.convolution = Modulated(inputs, outputs, 3, style, up=up, gain=GAIN)
        self.noise, self.size = Noise(*size, gain=GAIN), size

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """The rectifier's gain is in the convolution and in the noise."""
        height, breadth = self.size
        x = self.convolution(x, w)[:, :, :height, :breadth]
        return leaky_relu(self.noise(x), 0.2, inplace=True)


class Discriminator(Player):
    """Batch -> scores [n]. A condition acts by projection (Miyato & Koyama 2018, arXiv:1802.05637, eq. (3))."""

    def __init__(
        self,
        space: Space,
        width: int = 32,  # channels at the finest resolution; doubled at each coarser one, up to most
        most: int = 512,  # channels at the coarsest resolutions
        mapping: int = 8,  # layers from a condition to what features are compared with
        group: int = 4,  # samples whose deviation from each other is seen; 1: none
    ) -> None:
        super().__init__()
        channels, height, breadth = picture(space, "stylegan2")
        steps = sizes(height, breadth, steps=1)
        wide = channels_of(steps[::-1], width, most)[::-1]  # fine to coarse
        self.size = wide[-1]
        self.start = EqualConv2d(channels, wide[0], 1)
        self.blocks = nn.Sequential(*(Halving(a, b) for a, b in pairwise(wide)))
        self.spread = MinibatchStd(group)
        self.last = EqualConv2d(self.size + 1, self.size, 3, padding=1)
        self.dense = EqualLinear(self.size * math.prod(steps[-1]), self.size)
        self.score = EqualLinear(self.size, 1)
        labels = space.labels
        self.told = Mapping(0, labels.width, self.size, mapping) if labels else None
        self.look = EqualLinear(self.size, self.size) if labels else None

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        h = self.features(batch)
        scores = self.score(h).squeeze(1)
        if self.told is None or self.look is None or batch.y is None:
            return scores
        told = self.told(h[:, :0], batch.y)
        return scores + (self.look(h) * told).sum(1) / math.sqrt(self.size)

    def features(self, batch: Batch) -> Tensor:
        """[n, size]; the deviation within a group of samples is among what they are made of."""
        h = leaky_relu(self.start(batch.x * GAIN), 0.2, inplace=True)  # √2 W x: the gain, but for the biases
        h = leaky_relu(self.last(self.spread(self.blocks(h))), 0.2, inplace=True) * GAIN
        return leaky_relu(self.dense(h.flatten(1)), 0.2) * GAIN


class Halving(nn.Module):
    """[n, inputs, h, w] -> [n, outputs, ⌈h/2⌉, ⌈w/2⌉]: (skip + two convolutions) / √2, both filtered before halving.

    The gains √2 of rectifiers and √½ of the sum stand in the filters where they meet them; the others cancel.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualConv2d(inputs, inputs, 3, padding=1)
        self.second = EqualConv2d(inputs, outputs, 3, stride=2)
        self.skip = EqualConv2d(inputs, outputs, 1, bias=False)
        self.smooth, self.halve = Smooth(padding=2, gain=GAIN), Smooth(padding=1, stride=2, gain=1 / GAIN)

    def forward(self, x: Tensor) -> Tensor:
        """Half the resolution, rounding up."""
        x = even(x)
        h = self.smooth(leaky_relu(self.first(x), 0.2, inplace=True))
        return leaky_relu(self.second(h), 0.2, inplace=True) + self.skip(self.halve(x))


def channels_of(steps: list[tuple[int, int]], width: int, most: int) -> list[int]:
    """Channels at each resolution, coarse to fine: ``width`` at the finest, doubled up to ``most``."""
    return [min(width * 2**i, most) for i in reversed(range(len(steps)))]
