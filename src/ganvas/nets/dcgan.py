"""Convolutional players for pictures of any size and any number of channels.

Radford et al. 2016 (DCGAN), arXiv:1511.06434, section 3: strided convolutions 4×4 instead of pooling, batch norm,
rectifiers. At 64×64 RGB with ``width=64``, ``latent=100`` and batch norm in both, the parameter counts are those of
the widespread PyTorch version: 3,576,704 and 2,765,568. Two differences serve other games: the discriminator has no
norm unless asked (penalties need each sample judged alone), and conditions act by conditional batch norm in the
generator (Dumoulin et al. 2017, arXiv:1610.07629) and by projection in the discriminator.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad, relu

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.space import Space

Norm = Literal["batch", "none"]
EMBEDDED = 64  # features that a condition is compared with


def sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Resolutions from fine to coarse: halved, rounding up, while the short side is 8 or more; at least twice.

    64×64 -> 64, 32, 16, 8, 4; 28×28 -> 28, 14, 7; 48×64 -> 48×64, 24×32, 12×16, 6×8.
    """
    steps = [(height, width)]
    while len(steps) < 3 or min(steps[-1]) >= 8:
        steps.append((-(-steps[-1][0] // 2), -(-steps[-1][1] // 2)))
    return steps


def picture(space: Space) -> tuple[int, int, int]:
    """(channels, height, width) of a space of pictures. Raises InputError for any other space."""
    if len(space.shape) != 3:
        raise InputError("net dcgan makes pictures only; for vectors use --net mlp")
    channels, height, width = space.shape
    return channels, height, width


class ConditionalNorm(nn.Module):
    """Batch norm whose gain and bias depend on the condition: Dumoulin et al. 2017, arXiv:1610.07629, eq. (5)."""

    def __init__(self, channels: int, condition: int, norm: Norm) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()
        self.embed = nn.Linear(condition, 2 * channels, bias=False) if condition else None

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """[n, c, h, w] and conditions [n, k] -> [n, c, h, w]."""
        x = self.norm(x)
        if self.embed is None or y is None:
            return x
        gain, bias = self.embed(y)[:, :, None, None].chunk(2, 1)
        return torch.addcmul(x + bias, x, gain)


class Generator(nn.Module):
    """z [n, latent] and y [n, c] or None -> [n, channels, height, width]."""

    def __init__(
        self,
        space: Space,
        latent: int = 100,  # size of z
        width: int = 64,  # channels at the finest resolution (ngf); doubled at each coarser one, up to ×8
        norm: Norm = "batch",  # normalisation in G
    ) -> None:
        super().__init__()
        self.latent = latent
        channels, height, breadth = picture(space)
        self.steps = sizes(height, breadth)
        depth = len(self.steps) - 1
        wide = [channels, *(width * 2 ** min(i, 3) for i in range(depth))]  # fine to coarse
        condition = space.labels.width if space.labels else 0
        bare = norm == "none"
        self.start = nn.ConvTranspose2d(latent, wide[-1], self.steps[-1], bias=bare)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(wide[i], wide[i - 1], 4, 2, 1, bias=bare and i > 1) for i in range(depth, 0, -1)
        )
        self.norms = nn.ModuleList(ConditionalNorm(c, condition, norm) for c in reversed(wide[1:]))
        init(self, norm)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, channels, height, width], not yet squashed."""
        x = self.start(z[:, :, None, None])
        for norm, up, (h, w) in zip(self.norms, self.ups, self.steps[-2::-1], strict=True):
            x = up(relu(norm(x, y), inplace=True))[:, :, :h, :w]
        return x


class Discriminator(Player):
    """Batch -> scores [n]. Conditions act by projection (Miyato & Koyama 2018, arXiv:1802.05637, eq. (3))."""

    def __init__(
        self,
        space: Space,
        width: int = 64,  # channels after the first layer (ndf); doubled at each coarser one, up to ×8
        critic_norm: Norm = "none",  # normalisation in D; with penalties leave it out
    ) -> None:
        super().__init__()
        channels, height, breadth = picture(space)
        depth = len(sizes(height, breadth)) - 1
        wide = [channels, *(width * 2 ** min(i, 3) for i in range(depth))]
        bare = critic_norm == "none"
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, bias=bare) for a, b in pairwise(wide))
        self.norms = nn.ModuleList(
            nn.Identity() if bare or i == 0 else nn.BatchNorm2d(c) for i, c in enumerate(wide[1:])
        )
        last = sizes(height, breadth)[-1]
        self.score = nn.Conv2d(wide[-1], 1, last, bias=bare)
        self.features = nn.Conv2d(wide[-1], EMBEDDED, last, bias=bare) if space.labels else None
        self.embed = nn.Linear(space.labels.width, EMBEDDED, bias=False) if space.labels else None
        init(self, critic_norm)

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        h = batch.x
        for down, norm in zip(self.downs, self.norms, strict=True):
            h = leaky_relu(norm(down(even(h))), 0.2, inplace=True)
        scores = self.score(h).flatten()
        if self.features is not None and self.embed is not None and batch.y is not None:
            scores = scores + (self.features(h).flatten(1) * self.embed(batch.y)).sum(1) / math.sqrt(EMBEDDED)
        return scores


def even(x: Tensor) -> Tensor:
    """[n, c, h, w] with a zero row or column added where h or w is odd, so that halving rounds up."""
    height, width = x.shape[2] % 2, x.shape[3] % 2
    return pad(x, (0, width, 0, height)) if height or width else x


def init(module: nn.Module, norm: Norm) -> None:
    """With batch norm N(0, 0.02), gains N(1, 0.02), biases 0: section 4 of the paper and its code. Without, where
    nothing repairs the scale, He et al. 2015, arXiv:1502.01852, eq. (14) for leaky rectifiers."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            if norm == "batch":
                nn.init.normal_(part.weight, 0.0, 0.02)
            else:
                nn.init.kaiming_normal_(part.weight, 0.2)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, 0.02)
            nn.init.zeros_(part.bias)
