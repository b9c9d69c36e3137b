"""R3GAN's residual networks without any norm, for pictures. Huang et al. 2024, arXiv:2501.05441.

Each resolution has two residual blocks that widen ×2, mix places in groups of 16 channels and narrow again; [1, 2, 1]
filters resample; nothing is normalised, which weights of the right size at the start make possible (Zhang et al. 2019,
Fixup, arXiv:1901.09321). The last layer of a block is 0 at first: a new network is a linear one, and the inner layers
of its blocks wait one step for their gradients. The paper's networks, with the parameters it prints, in millions:

    data                    width full group   G       D
    Stacked MNIST (32×32)     768    4    16    20.73   20.68
    CIFAR-10, 10 classes      768    4    16    20.78   21.28
    FFHQ 64×64                768    4    16    22.43   22.38
    FFHQ 256×256              768    4    16    23.06   23.01
    ImageNet 32×32, labels   1536    4    32    82.91   86.55
    ImageNet 64×64, labels   1536    5    32   103.57  107.21

Differences: pictures of any size (resolutions are halved rounding up, not padded to a power of two); conditions of
several columns and numbers, embedded to be as large as z; a continuous column adds a bias to what D compares with,
since projection alone scores 0 where the number is 0.

Measured: Fréchet distance 511.9 on MNIST after 20,096 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers.embedding import embedding
from ganvas.layers.sizes import picture, sizes
from ganvas.layers.widths import widths
from ganvas.space import Space

SLOPE = 0.2  # of the leaky rectifiers
WIDER = 2  # inside a block
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through a leaky rectifier: He et al. 2015, arXiv:1502.01852


class Generator(nn.Module):
    """z [n, latent] and y [n, c] or None -> [n, channels, height, width]. A condition is embedded and joined to z."""

    def __init__(
        self,
        space: Space,
        latent: int = 64,  # size of z
        width: int = 128,  # channels at the coarsest resolutions (the paper: 768, ImageNet 1536)
        full: int = 4,  # resolutions, from the coarsest, with all channels; half as many at each finer one
        group: int = 16,  # channels that a 3×3 convolution mixes
        blocks: int = 2,  # residual blocks at each resolution
    ) -> None:
        super().__init__()
        self.latent = latent
        channels, height, breadth = picture(space, "r3gan")
        self.steps = sizes(height, breadth)
        wide = widths(len(self.steps), width, full)
        self.embed = embedding(space.labels, latent) if space.labels else None
        self.basis = nn.Parameter(torch.randn(wide[0], *self.steps[-1]))
        self.start = sized(nn.Linear(latent * (2 if space.labels else 1), wide[0], bias=False))
        self.stages = nn.ModuleList(stage(c, group, blocks, len(wide) * blocks) for c in wide)
        self.ups = nn.ModuleList(Up(a, b) for a, b in pairwise(wide))
        self.paint = sized(nn.Conv2d(wide[-1], channels, 1, bias=False))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, channels, height, width], not yet squashed."""
        if self.embed is not None and y is not None:
            z = torch.cat([z, self.embed(y)], 1)
        x = self.stages[0](self.start(z)[:, :, None, None] * self.basis)
        for up, stage, (h, w) in zip(self.ups, self.stages[1:], self.steps[-2::-1], strict=True):
            x = stage(up(x)[:, :, :h, :w])
        return self.paint(x)


class Discriminator(Player):
    """Batch -> scores [n]. Conditions act by projection alone (Miyato & Koyama 2018, arXiv:1802.05637)."""

    def __init__(
        self,
        space: Space,
        width: int = 128,  # channels at the coarsest resolutions (the paper: 768, ImageNet 1536)
        full: int = 4,  # resolutions, from the coarsest, with all channels; half as many at each finer one
        group: int = 16,  # channels that a 3×3 convolution mixes
        blocks: int = 2,  # residual blocks at each resolution
    ) -> None:
        super().__init__()
        channels, height, breadth = picture(space, "r3gan")
        steps = sizes(height, breadth)
        wide = widths(len(steps), width, full)[::-1]  # fine to coarse
        self.size = wide[-1]
        self.start = sized(nn.Conv2d(channels, wide[0], 1, bias=False))
        self.stages = nn.ModuleList(stage(c, group, blocks, len(wide) * blocks) for c in wide)
        self.downs = nn.ModuleList(Down(a, b) for a, b in pairwise(wide))
        self.gather = sized(nn.Conv2d(self.size, self.size, steps[-1], groups=self.size, bias=False))
        self.judge = sized(nn.Linear(self.size, self.size if space.labels else 1, bias=False))
        self.embed = None
        if space.labels:
            numbers = any(not column.classes for column in space.labels.columns)
            self.embed = embedding(space.labels, self.size, bias=numbers)

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        told: Tensor = self.judge(self.features(batch))
        if self.embed is None:
            return told.squeeze(1)
        return (told * self.embed(batch.y)).sum(1) / math.sqrt(self.size)

    def features(self, batch: Batch) -> Tensor:
        """[n, size]."""
        h = self.stages[0](self.start(batch.x))
        for down, stage in zip(self.downs, self.stages[1:], strict=True):
            h = stage(down(h))
        return self.gather(h).flatten(1)


class Block(nn.Module):
    """x + W3 φ(b2 + W2 φ(b1 + W1 x)): 1×1 wider, 3×3 in groups, 1×1 back, one of ``total`` blocks."""

    def __init__(self, channels: int, group: int, total: int) -> None:
        super().__init__()
        wide = WIDER * channels
        groups = wide // math.gcd(wide, group)
        gain = GAIN * total ** (-1 / 4)  # Fixup's L^(-1/(2m-2)) of m = 3 layers
        self.widen = sized(nn.Conv2d(channels, wide, 1), gain)
        self.mix = sized(nn.Conv2d(wide, wide, 3, padding=1, groups=groups), gain)
        self.narrow = sized(nn.Conv2d(wide, channels, 1, bias=False), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] -> the same shape."""
        h = leaky_relu(self.widen(x), SLOPE, inplace=True)
        return x + self.narrow(leaky_relu(self.mix(h), SLOPE, inplace=True))


class Up(nn.Module):
    """[n, a, h, w] -> [n, b, 2h, 2w]: 1×1 where the channels change, then bilinear by the filter [1, 2, 1]."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.change = sized(nn.Conv2d(a, b, 1, bias=False)) if a != b else nn.Identity()
        self.register_buffer("filter", triangle(b) * 4, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[n, a, h, w] -> [n, b, 2h, 2w]."""
        kernel = self.get_buffer("filter")
        return conv_transpose2d(self.change(x), kernel, None, 2, 1, 1, len(kernel))


class Down(nn.Module):
    """[n, a, h, w] -> [n, b, h/2, w/2], rounded up: the filter [1, 2, 1], then 1×1 where the channels change."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.register_buffer("filter", triangle(a), persistent=False)
        self.change = sized(nn.Conv2d(a, b, 1, bias=False)) if a != b else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[n, a, h, w] -> [n, b, h/2, w/2]."""
        kernel = self.get_buffer("filter")
        return self.change(conv2d(x, kernel, None, 2, 1, 1, len(kernel)))


def stage(channels: int, group: int, blocks: int, total: int) -> nn.Module:
    """The residual blocks of one resolution, of ``total`` in the network: [n, c, h, w] -> the same shape."""
    return nn.Sequential(*(Block(channels, group, total) for _ in range(blocks)))


def triangle(channels: int) -> Tensor:
    """[1, 2, 1] ⊗ [1, 2, 1] / 16 for each channel, [channels, 1, 3, 3]."""
    line = torch.tensor([0.25, 0.5, 0.25])
    return torch.outer(line, line).repeat(channels, 1, 1, 1)


def sized(layer: nn.Linear | nn.Conv2d, gain: float = 1.0) -> nn.Module:
    """The layer with weights N(0, gain² / fan-in) and biases 0."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
