"""BigGAN: wide residual players with a label in every block. Brock et al. 2019, arXiv:1809.11096, appendix B.

Each block of G normalises by batch and takes its gains and biases from one embedding of the label that all blocks
share and from a piece of z of its own; without labels from the piece of z alone. Spectral norm in both players,
orthogonal weights at the start, self-attention at 64 pixels, projection in D. At 128×128 RGB with 1,000 classes and
``width=96, latent=120`` the players have 70,433,988 and 87,982,370 parameters, as in other implementations (the
paper's table 1 gives 158.3 M for both). Tables 4 to 6 say the channels at 128, 256 and 512 pixels; those at 32
and 64 are of the authors' later PyTorch code, and other sizes take those of the same number of halvings. Truncation
and orthogonal regularisation are not the networks' business.

Measured: Fréchet distance 722.3 on MNIST after 60,032 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers.attention import looking
from ganvas.layers.norm import ModulatedNorm
from ganvas.layers.sizes import picture, sizes
from ganvas.layers.spectral import spectral as spectral_norm
from ganvas.nets.resnet import Body, Judge, Up
from ganvas.space import Space

PAINTER = {  # by the number of halvings: channels at each resolution, fine to coarse, as multiples of the width
    3: (4, 4, 4, 4),
    4: (2, 4, 8, 16, 16),
    5: (1, 2, 4, 8, 16, 16),
    6: (1, 2, 4, 8, 8, 16, 16),
    7: (1, 1, 2, 4, 8, 8, 16, 16),
}
JUDGE = PAINTER | {4: (1, 2, 4, 8, 16)}  # of the blocks' outputs


class Generator(nn.Module):
    """z [n, latent] and y [n, c] or None -> [n, channels, height, width]."""

    def __init__(
        self,
        space: Space,
        latent: int = 120,  # size of z, split over the first layer and all blocks
        width: int = 64,  # channels of the unit (the paper: 96); 4 to 16 times as many at coarse resolutions
        shared: int = 128,  # size of the label's embedding that all blocks share
        attention: int = 64,  # self-attention at this resolution, where pictures are as large; 0: none
        spectral: bool = True,  # spectral norm
    ) -> None:
        super().__init__()
        self.latent = latent
        channels, height, breadth = picture(space, "biggan")
        *self.steps, coarsest = sizes(height, breadth)
        wide = [width * m for m in multiples(PAINTER, len(self.steps))][::-1]  # coarse to fine
        if latent < len(wide):
            raise InputError(f"--latent {latent} gives a block no piece of z; use {len(wide)} or more for this size")
        self.pieces = [len(piece) for piece in torch.arange(latent).tensor_split(len(wide))]
        told = shared if space.labels else 0
        self.start = nn.Linear(self.pieces[0], wide[0] * math.prod(coarsest))
        self.first = (wide[0], *coarsest)
        self.ups = nn.ModuleList(
            Up(a, b, partial(ModulatedNorm, condition=told + piece))
            for (a, b), piece in zip(pairwise(wide), self.pieces[1:], strict=True)
        )
        self.looks = looking([min(s) for s in self.steps[::-1]], wide[1:], attention, min(height, breadth))
        self.norm, self.last = nn.BatchNorm2d(wide[-1]), nn.Conv2d(wide[-1], channels, 3, padding=1)
        self.embed = nn.Linear(space.labels.width, shared, bias=False) if space.labels else None
        init(self)
        if spectral:  # all but the embedding
            for part in (self.start, self.ups, self.looks, self.last):
                spectral_norm(part)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, channels, height, width], not yet squashed."""
        piece, *pieces = z.split(self.pieces, 1)
        told = [] if self.embed is None or y is None else [self.embed(y)]
        x = self.start(piece).unflatten(1, self.first)
        for up, look, piece, size in zip(self.ups, self.looks, pieces, self.steps[::-1], strict=True):
            x = look(up(x, torch.cat([*told, piece], 1), size))
        return self.last(relu(self.norm(x), inplace=True))


class Discriminator(Player):
    """Batch -> scores [n]. Conditions act by projection (Miyato & Koyama 2018, arXiv:1802.05637, eq. (3))."""

    def __init__(
        self,
        space: Space,
        width: int = 64,  # channels of the unit (the paper: 96); 4 to 16 times as many at coarse resolutions
        attention: int = 64,  # self-attention at this resolution, where pictures are as large; 0: none
        spectral: bool = True,  # spectral norm; without it means over places instead of sums, for penalties
    ) -> None:
        super().__init__()
        channels, height, breadth = picture(space, "biggan")
        steps = sizes(height, breadth)
        depth = len(steps) - 1
        downs = depth if depth > 3 else depth - 1  # the last block, or the last two of small pictures, do not halve
        wide = [width * m for m in multiples(JUDGE, depth)]
        sides = [min(steps[min(i + 1, downs)]) for i in range(len(wide))]
        looks = looking(sides, wide, attention, min(height, breadth))
        self.body = Body(channels, wide, downs, looks, narrow=False)
        self.size, self.summed = wide[-1], spectral
        self.judge = Judge(self.size, space.labels.width if space.labels else 0)
        init(self)
        if spectral:
            spectral_norm(self)

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        return self.judge(self.features(batch), batch.y)

    def features(self, batch: Batch) -> Tensor:
        """[n, size]."""
        h = self.body(batch.x)
        return h.sum((2, 3)) if self.summed else h.mean((2, 3))


def multiples(table: Mapping[int, tuple[int, ...]], depth: int) -> tuple[int, ...]:
    """Channels at each of ``depth`` + 1 resolutions, fine to coarse, as multiples of the width."""
    smallest, largest = min(table), max(table)
    if depth < smallest:
        return table[smallest][: depth + 1]
    return (1,) * (depth - largest) + table[min(depth, largest)]


def init(module: nn.Module) -> None:
    """Orthogonal weights (Saxe et al. 2014, arXiv:1312.6120), biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.orthogonal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
