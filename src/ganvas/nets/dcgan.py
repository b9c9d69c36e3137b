"""Convolutional players for pictures of any size. Radford et al. 2016 (DCGAN), arXiv:1511.06434.

Section 3: strided convolutions 4×4 instead of pooling, batch norm,
rectifiers. At 64×64 RGB with ``width=64``, ``latent=100`` and batch norm in both, the parameter counts are those of
the widespread PyTorch version: 3,576,704 and 2,765,568. Two differences serve other games: the discriminator has no
norm unless asked (penalties need each sample judged alone), and conditions act by conditional batch norm in the
generator (Dumoulin et al. 2017, arXiv:1610.07629) and by projection in the discriminator.

Measured: Fréchet distance 97.2 on MNIST after 150,016 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import leaky_relu, relu

from ganvas import players
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers.condition import ConditionalNorm, Norm
from ganvas.layers.sizes import even, picture, sizes
from ganvas.space import Space

EMBEDDED = 64  # features that a condition is compared with


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
        channels, height, breadth = picture(space, "dcgan")
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


class Body(nn.Module):
    """Pictures [n, channels, height, width] -> [n, c, h, w] at the coarsest resolution, ``size`` numbers in all."""

    def __init__(self, space: Space, width: int, norm: Norm) -> None:
        super().__init__()
        channels, height, breadth = picture(space, "dcgan")
        steps = sizes(height, breadth)
        wide = [channels, *(width * 2 ** min(i, 3) for i in range(len(steps) - 1))]
        bare = norm == "none"
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, bias=bare) for a, b in pairwise(wide))
        self.norms = nn.ModuleList(
            nn.Identity() if bare or i == 0 else nn.BatchNorm2d(c) for i, c in enumerate(wide[1:])
        )
        self.channels, self.last = wide[-1], steps[-1]
        self.size = wide[-1] * math.prod(self.last)

    def forward(self, h: Tensor) -> Tensor:
        """[n, channels, height, width] -> [n, c, h, w]."""
        for down, norm in zip(self.downs, self.norms, strict=True):
            h = leaky_relu(norm(down(even(h))), 0.2, inplace=True)
        return h


class Discriminator(Player):
    """Batch -> scores [n]. Conditions act by projection (Miyato & Koyama 2018, arXiv:1802.05637, eq. (3))."""

    def __init__(
        self,
        space: Space,
        width: int = 64,  # channels after the first layer (ndf); doubled at each coarser one, up to ×8
        critic_norm: Norm = "none",  # normalisation in D; with penalties leave it out
    ) -> None:
        super().__init__()
        self.body = Body(space, width, critic_norm)
        self.size, bare = self.body.size, critic_norm == "none"
        self.score = nn.Conv2d(self.body.channels, 1, self.body.last, bias=bare)
        told = space.labels is not None
        self.told = nn.Conv2d(self.body.channels, EMBEDDED, self.body.last, bias=bare) if told else None
        self.embed = nn.Linear(space.labels.width, EMBEDDED, bias=False) if space.labels else None
        init(self, critic_norm)

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        h = self.body(batch.x)
        scores: Tensor = self.score(h).flatten()
        if self.told is not None and self.embed is not None and batch.y is not None:
            scores = scores + (self.told(h).flatten(1) * self.embed(batch.y)).sum(1) / math.sqrt(EMBEDDED)
        return scores

    def features(self, batch: Batch) -> Tensor:
        """[n, size]."""
        features: Tensor = self.body(batch.x).flatten(1)
        return features


class Encoder(players.Encoder):
    """Batch -> [n, outputs]: D's body with batch norm, and one layer; it is not told conditions."""

    def __init__(
        self,
        space: Space,
        outputs: int,
        width: int = 64,  # channels after the first layer; doubled at each coarser one, up to ×8
    ) -> None:
        super().__init__()
        self.body = Body(space, width, "batch")
        self.answer = nn.Linear(self.body.size, outputs)
        init(self, "batch")

    def forward(self, batch: Batch) -> Tensor:
        """[n, outputs]."""
        answer: Tensor = self.answer(self.body(batch.x).flatten(1))
        return answer


class Autoencoder(players.Autoencoder):
    """Batch -> scores [n]: minus the error with which E and G of this net rebuild a sample."""

    def __init__(
        self,
        space: Space,
        code: int = 64,  # numbers by which a sample is rebuilt
        width: int = 64,  # channels at the finest resolution; doubled at each coarser one, up to ×8
    ) -> None:
        super().__init__(Encoder(space, code, width), Generator(space, code, width), space.head(), code)


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
