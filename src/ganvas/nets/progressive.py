"""The growing networks of ProGAN, for pictures. Karras et al. 2018, arXiv:1710.10196.

Table 2 and section 4 of the paper: two 3×3 convolutions at each resolution, weights scaled when they are used, each
pixel's features normalised in G, one channel in D that says how much the samples differ. They grow when the game
``progressive`` tells them to; in any other game they play at full size from the start. Pictures have full size all the
time: a smaller network's are repeated for the other player, who averages them again, so the finer layers cost nothing
until they are used. With ``latent=512, width=512`` at 1024×1024 RGB the parameter counts are those of the paper,
23.1 million each: 23,079,115 and 23,087,249, with the layers that paint and read pictures at the coarser resolutions.

Differences: any size (halved rounding up); upsampling and the convolution after it are one operation, and so are D's
downsampling and the convolution before it, which puts its rectifier after both; conditions are embedded and joined to z
in G, and act by projection in D (Miyato & Koyama 2018, arXiv:1802.05637).

Measured: Fréchet distance 861.3 on MNIST after 20,096 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.labels import Labels
from ganvas.layers import folded
from ganvas.layers.equalised import EqualConv2d, EqualLinear
from ganvas.layers.growing import Level, enlarged, shrunk
from ganvas.layers.minibatch import MinibatchStd
from ganvas.layers.norm import pixel_norm
from ganvas.layers.sizes import even, picture, sizes
from ganvas.layers.widths import widths
from ganvas.players import Growing
from ganvas.space import Space

GAIN = math.sqrt(2)  # He's, before a rectifier


class Generator(nn.Module, Growing):
    """z [n, latent] and y [n, c] or None -> [n, channels, height, width]. A condition is embedded and joined to z."""

    def __init__(
        self,
        space: Space,
        latent: int = 128,  # size of z (the paper: 512)
        width: int = 128,  # channels at the coarsest resolutions (the paper: 512)
        full: int = 4,  # resolutions, from the coarsest, with all channels; half as many at each finer one
    ) -> None:
        super().__init__()
        self.latent = latent
        channels, height, breadth = picture(space, "progressive")
        self.steps = sizes(height, breadth)[::-1]  # coarse to fine
        self.top = len(self.steps) - 1
        self.level = Level(self.top)
        wide = widths(len(self.steps), width, full)
        self.embed = embedding(space.labels, latent) if space.labels else None
        joined = latent * (2 if space.labels else 1)
        self.start = EqualLinear(joined, wide[0] * math.prod(self.steps[0]), bias=None, gain=GAIN / 4)
        self.bias = nn.Parameter(torch.zeros(wide[0], 1, 1))
        self.first = EqualConv2d(wide[0], wide[0], 3, padding=1, gain=GAIN)
        self.blocks = nn.ModuleList(Finer(a, b) for a, b in pairwise(wide))
        self.paint = nn.ModuleList(EqualConv2d(c, channels, 1) for c in wide)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, channels, height, width], not yet squashed."""
        if self.embed is not None and y is not None:
            z = torch.cat([z, self.embed(y)], 1)
        level, share = self.level.finest()
        x = self.start(pixel_norm(z)).unflatten(1, (-1, *self.steps[0])) + self.bias
        x = before = norm(self.first(norm(x)))
        for block, (h, w) in zip(self.blocks[:level], self.steps[1:], strict=False):
            before, x = x, block(x, h, w)
        painted = self.paint[level](x)
        if share < 1:
            painted = torch.lerp(enlarged(self.paint[level - 1](before), 1, self.steps[level]), painted, share)
        return enlarged(painted, self.top - level, self.steps[-1])

    def grow(self, level: float) -> None:
        """Draw at this level from now on."""
        self.level.grow(level)


class Discriminator(Player, Growing):
    """Batch -> scores [n]."""

    def __init__(
        self,
        space: Space,
        width: int = 128,  # channels at the coarsest resolutions (the paper: 512)
        full: int = 4,  # resolutions, from the coarsest, with all channels; half as many at each finer one
        group: int = 4,  # samples whose differences are told to D
    ) -> None:
        super().__init__()
        channels, height, breadth = picture(space, "progressive")
        steps = sizes(height, breadth)
        self.top = len(steps) - 1
        self.level = Level(self.top)
        wide = widths(len(steps), width, full)  # coarse to fine
        self.size = wide[0]
        self.read = nn.ModuleList(EqualConv2d(channels, c, 1, gain=GAIN) for c in wide)
        self.blocks = nn.ModuleList(Coarser(b, a) for a, b in pairwise(wide))
        self.spread = MinibatchStd(group)
        self.last = EqualConv2d(self.size + 1, self.size, 3, padding=1, gain=GAIN)
        self.gather = EqualLinear(self.size * math.prod(steps[-1]), self.size, gain=GAIN)
        self.judge = EqualLinear(self.size, 1)
        self.embed = embedding(space.labels, self.size) if space.labels else None

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        h = self.features(batch)
        scores: Tensor = self.judge(h).squeeze(1)
        if self.embed is None or batch.y is None:
            return scores
        return scores + (h * self.embed(batch.y)).sum(1) / math.sqrt(self.size)

    def features(self, batch: Batch) -> Tensor:
        """[n, size]."""
        level, share = self.level.finest()
        x = shrunk(batch.x, self.top - level)
        h = leaky_relu(self.read[level](x), 0.2)
        for step in range(level, 0, -1):
            h = self.blocks[step - 1](h)
            if step == level and share < 1:
                h = torch.lerp(leaky_relu(self.read[level - 1](shrunk(x, 1)), 0.2), h, share)
        h = leaky_relu(self.last(self.spread(h)), 0.2)
        return leaky_relu(self.gather(h.flatten(1)), 0.2)

    def grow(self, level: float) -> None:
        """Look at this level from now on."""
        self.level.grow(level)


class Finer(nn.Module):
    """[n, a, h, w] -> [n, b, up to 2h, up to 2w]: upsampled, two convolutions, pixels normalised."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.up = EqualConv2d(a, b, 3, gain=GAIN)
        self.same = EqualConv2d(b, b, 3, padding=1, gain=GAIN)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """[n, a, h, w] -> [n, b, height, width]."""
        x = folded.enlarge(x, self.up.weight * self.up.scale, self.up.bias)[:, :, :height, :width]
        return norm(self.same(norm(x)))


class Coarser(nn.Module):
    """[n, a, h, w] -> [n, b, h/2, w/2], rounded up: two convolutions, downsampled."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.same = EqualConv2d(a, a, 3, padding=1, gain=GAIN)
        self.down = EqualConv2d(a, b, 3, gain=GAIN)

    def forward(self, x: Tensor) -> Tensor:
        """[n, a, h, w] -> [n, b, h/2, w/2]."""
        h = even(leaky_relu(self.same(x), 0.2))
        return leaky_relu(folded.shrink(h, self.down.weight * self.down.scale, self.down.bias), 0.2)


def norm(x: Tensor) -> Tensor:
    """A leaky rectifier, then each pixel's features made of length √c."""
    return pixel_norm(leaky_relu(x, 0.2))


def embedding(labels: Labels, size: int) -> EqualLinear:
    """Conditions [n, c] -> [n, size], about N(0, 1) whatever the columns."""
    return EqualLinear(labels.width, size, bias=None, gain=math.sqrt(labels.width / len(labels.columns)))
