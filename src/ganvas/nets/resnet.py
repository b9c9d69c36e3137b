"""Residual players: SNGAN's (Miyato et al. 2018, arXiv:1802.05957), with SAGAN's self-attention (arXiv:1805.08318).

The networks of SNGAN's appendix B.4, whose blocks are those of Gulrajani et al. 2017, arXiv:1704.00028, for pictures
of any size. At 32×32 RGB the defaults are table 4's (CIFAR-10), with 4,276,739 and 1,053,825 parameters; table 6's
(128×128) are ``G.width=256, G.grow=4`` and ``D.width=128, D.grow=8, coarsest=4, plain=1``. Conditions act by
conditional batch norm and by projection (Miyato & Koyama 2018, arXiv:1802.05637). Without spectral norm D takes
means over places instead of sums, which makes it Gulrajani's critic, for penalties.

Convolutions that pooling follows, or upsampling precedes, are one strided convolution 4×4 with the same result in
4/9 of the multiplications; shortcuts are computed at the coarser resolution.

Measured: Fréchet distance 186.9 on MNIST after 150,016 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from ganvas import players
from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers import folded
from ganvas.layers.attention import looking
from ganvas.layers.condition import ConditionalNorm
from ganvas.layers.sizes import even, picture, sizes
from ganvas.layers.spectral import spectral as spectral_norm
from ganvas.space import Space

WIDEST = 32  # pixels of the finest resolution that has all of ``width`` channels


class Generator(nn.Module):
    """z [n, latent] and y [n, c] or None -> [n, channels, height, width]."""

    def __init__(
        self,
        space: Space,
        latent: int = 128,  # size of z
        width: int = 256,  # channels at 32 pixels; halved at each finer resolution
        grow: int = 1,  # doubled at each coarser resolution, up to so many times
        attention: int = 0,  # self-attention at this resolution (SAGAN: 32); 0: none
        spectral: bool = False,  # spectral norm in G too (SAGAN)
    ) -> None:
        super().__init__()
        self.latent = latent
        channels, height, breadth = picture(space, "resnet")
        *self.steps, coarsest = sizes(height, breadth)
        wide = widths([*self.steps, coarsest], width, grow)[::-1]  # coarse to fine
        norm = partial(ConditionalNorm, condition=space.labels.width if space.labels else 0)
        self.start = nn.Linear(latent, wide[0] * math.prod(coarsest))
        self.first = (wide[0], *coarsest)
        ups = [Up(a, b, norm) for a, b in pairwise(wide)]
        self.ups = nn.ModuleList(ups)
        self.looks = looking([min(s) for s in self.steps[::-1]], wide[1:], attention, min(height, breadth))
        self.norm, self.last = nn.BatchNorm2d(wide[-1]), nn.Conv2d(wide[-1], channels, 3, padding=1)
        init(self)
        nn.init.xavier_uniform_(self.last.weight)
        if spectral:  # the convolutions, not what a condition says to the norms
            for part in [self.start, *(up.layers for up in ups), self.looks, self.last]:
                spectral_norm(part)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, channels, height, width], not yet squashed."""
        x = self.start(z).unflatten(1, self.first)
        for up, look, size in zip(self.ups, self.looks, self.steps[::-1], strict=True):
            x = look(up(x, y, size))
        return self.last(relu(self.norm(x), inplace=True))


class Discriminator(Player):
    """Batch -> scores [n]. Conditions act by projection (Miyato & Koyama 2018, arXiv:1802.05637, eq. (3))."""

    def __init__(
        self,
        space: Space,
        width: int = 128,  # channels at 32 pixels; halved at each finer resolution
        grow: int = 1,  # doubled at each coarser resolution, up to so many times
        attention: int = 0,  # self-attention at this resolution (SAGAN: 32); 0: none
        spectral: bool = True,  # spectral norm; without it means over places instead of sums, for penalties
        coarsest: int = 8,  # pixels below which the short side is not halved
        plain: int = 2,  # blocks at the coarsest resolution, after those that halve
    ) -> None:
        super().__init__()
        self.body = body(space, width, grow, attention, coarsest, plain)
        self.size, self.summed = self.body.size, spectral
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


class Encoder(players.Encoder):
    """Batch -> [n, outputs]: D's body without spectral norm, means over places, one layer. Not told conditions."""

    def __init__(
        self,
        space: Space,
        outputs: int,
        width: int = 128,  # channels at 32 pixels; halved at each finer resolution
        grow: int = 1,  # doubled at each coarser resolution, up to so many times
        attention: int = 0,  # self-attention at this resolution (SAGAN: 32); 0: none
        coarsest: int = 8,  # pixels below which the short side is not halved
        plain: int = 2,  # blocks at the coarsest resolution, after those that halve
    ) -> None:
        super().__init__()
        self.body = body(space, width, grow, attention, coarsest, plain)
        self.answer = nn.Linear(self.body.size, outputs)
        init(self)

    def forward(self, batch: Batch) -> Tensor:
        """[n, outputs]."""
        return self.answer(self.body(batch.x).mean((2, 3)))


class Judge(nn.Module):
    """Scores of features: w·h + h·(V y), eq. (3) of the projection paper.

    Without the root of ``layers.condition.Projection``, which under spectral norm V could not make up for.
    """

    def __init__(self, size: int, condition: int) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1)
        self.embed = nn.Linear(condition, size, bias=False) if condition else None

    def forward(self, h: Tensor, y: Tensor | None) -> Tensor:
        """Features [n, size] and conditions [n, c] or None -> scores [n]."""
        scores = self.score(h).squeeze(1)
        return scores if self.embed is None or y is None else scores + (h * self.embed(y)).sum(1)


class Body(nn.Module):
    """Residual blocks with ``wide`` output channels, the first ``downs`` of which halve: [n, inputs, h, w] ->
    [n, size, h', w'], rectified. ``looks`` follow the blocks; ``narrow``: a block widens in its second convolution."""

    def __init__(self, inputs: int, wide: Sequence[int], downs: int, looks: nn.ModuleList, narrow: bool) -> None:
        super().__init__()
        self.size, self.looks = wide[-1], looks
        self.blocks = nn.ModuleList(
            Down(a, a if narrow and i else b, b, halve=i < downs, first=i == 0)
            for i, (a, b) in enumerate(pairwise([inputs, *wide]))
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] -> [n, size, h', w']."""
        for block, look in zip(self.blocks, self.looks, strict=True):
            x = look(block(x))
        return relu(x)


class Up(nn.Module):
    """A block of G: norm, rectifier, doubling, convolution, norm, rectifier, convolution, beside a shortcut.

    ``norm(channels)`` makes a norm that is called with (x, y).
    """

    def __init__(self, inputs: int, outputs: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.norms = nn.ModuleList([norm(inputs), norm(outputs)])
        wide, same = DoublingConv(inputs, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.layers = nn.ModuleList([wide, same, nn.Conv2d(inputs, outputs, 1)])

    def forward(self, x: Tensor, y: Tensor | None, size: tuple[int, int]) -> Tensor:
        """[n, inputs, h, w] and conditions [n, c] -> [n, outputs, *size], where size is at most 2 h × 2 w."""
        (before, between), (wide, same, shortcut) = self.norms, self.layers
        height, breadth = size
        h = wide(relu(before(x, y), inplace=True))[:, :, :height, :breadth]
        short = interpolate(shortcut(x), scale_factor=2.0)[:, :, :height, :breadth]
        return same(relu(between(h, y), inplace=True)) + short


class Down(nn.Module):
    """A block of D: rectifier (but in the ``first``), convolution, rectifier, convolution, halving; and a shortcut."""

    def __init__(self, inputs: int, hidden: int, outputs: int, *, halve: bool, first: bool) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.wide = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.last = HalvingConv(hidden, outputs) if halve else nn.Conv2d(hidden, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if halve or inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] -> [n, outputs, h, w], or half of h and w, rounded up."""
        h = relu(self.wide(x if self.first else relu(x)), inplace=True)
        return self.last(h) + self.shortcut(avg_pool2d(even(x), 2) if self.halve else x)


class HalvingConv(nn.Conv2d):
    """A convolution 3×3 and average pooling 2×2, in one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] -> [n, outputs, h / 2, w / 2], rounded up."""
        return folded.shrink(even(x), self.weight, self.bias)


class DoublingConv(nn.Conv2d):
    """Doubling by nearest neighbours and a convolution 3×3, in one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] -> [n, outputs, 2 h, 2 w]."""
        return folded.enlarge(x, self.weight, self.bias)


def widths(steps: Sequence[tuple[int, int]], width: int, grow: int) -> list[int]:
    """Channels at each resolution, fine to coarse: ``width`` at the first of 32 pixels or less, half as many at each
    finer one, twice as many at each coarser one up to ``grow`` times."""
    full = sum(min(step) > WIDEST for step in steps)
    return [max(1, round(width * min(2.0 ** (i - full), grow))) for i in range(len(steps))]


def body(space: Space, width: int, grow: int, attention: int, coarsest: int, plain: int) -> Body:
    """The blocks of D for pictures of ``space``."""
    channels, height, breadth = picture(space, "resnet")
    if coarsest < 1:
        raise InputError(f"--coarsest {coarsest} must be 1 pixel or more")
    steps = sizes(height, breadth, least=2 * coarsest, steps=2)
    wide, sides = widths(steps, width, grow)[1:], [min(step) for step in steps[1:]]
    wide, sides = wide + wide[-1:] * plain, sides + sides[-1:] * plain
    looks = looking(sides, wide, attention, min(height, breadth))
    return Body(channels, wide, len(steps) - 1, looks, narrow=True)


def init(module: nn.Module) -> None:
    """Glorot & Bengio 2010, uniform, with gain √2 where a rectifier stands before a convolution 3×3 (the authors'
    code); biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(part.weight, math.sqrt(2) if part.weight[0, 0].numel() == 9 else 1.0)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
