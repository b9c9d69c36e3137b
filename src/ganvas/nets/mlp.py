"""Fully connected players: the networks of the original paper, for vectors and for small pictures.

Goodfellow et al. 2014, arXiv:1406.2661, section 5: a rectifier generator and a maxout discriminator with dropout.
With ``hidden=1200, latent=100`` the generator, and with ``hidden=240, maxout=5, dropout=0.5`` the discriminator are
those of the paper's MNIST experiment. The defaults are leaky rectifiers, which learn toys faster.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.space import Space


class Maxout(nn.Module):
    """The largest of ``pieces`` linear maps. Goodfellow et al. 2013, arXiv:1302.4389, eq. (2)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.linear, self.pieces = nn.Linear(inputs, outputs * pieces), pieces

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs] -> [n, outputs]."""
        return self.linear(x).unflatten(1, (-1, self.pieces)).amax(2)


class Generator(nn.Module):
    """z [n, latent] and y [n, c] or None -> [n, *space.shape]. A condition is embedded and joined to z."""

    def __init__(
        self,
        space: Space,
        latent: int = 64,  # size of z
        hidden: int = 256,  # units of each hidden layer
        layers: int = 2,  # hidden layers
        norm: Literal["none", "batch"] = "none",  # between a hidden layer and its rectifier
    ) -> None:
        super().__init__()
        self.latent, self.shape = latent, space.shape
        width = space.labels.width if space.labels else 0
        self.embed = nn.Linear(width, latent, bias=False) if width else None
        sizes = [latent * (2 if width else 1), *[hidden] * layers]
        parts: list[nn.Module] = []
        for a, b in pairwise(sizes):
            parts += [nn.Linear(a, b), *([nn.BatchNorm1d(b)] if norm == "batch" else []), nn.ReLU()]
        self.body = nn.Sequential(*parts, nn.Linear(sizes[-1], math.prod(space.shape)))

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, *shape]."""
        if self.embed is not None and y is not None:
            z = torch.cat([z, self.embed(y)], 1)
        return self.body(z).view(-1, *self.shape)


class Discriminator(Player):
    """Batch -> scores [n]. Conditions act by projection (Miyato & Koyama 2018, arXiv:1802.05637, eq. (3))."""

    def __init__(
        self,
        space: Space,
        hidden: int = 256,  # units of each hidden layer
        layers: int = 2,  # hidden layers
        maxout: int = 1,  # linear pieces of each unit; 1: a leaky rectifier instead
        dropout: float = 0.0,  # share of hidden units dropped
    ) -> None:
        super().__init__()
        sizes = [math.prod(space.shape), *[hidden] * layers]
        parts: list[nn.Module] = []
        for a, b in pairwise(sizes):
            unit = [nn.Linear(a, b), nn.LeakyReLU(0.2)] if maxout == 1 else [Maxout(a, b, maxout)]
            parts += [*unit, *([nn.Dropout(dropout)] if dropout else [])]
        self.body, self.score = nn.Sequential(*parts), nn.Linear(hidden, 1)
        self.project = nn.Linear(space.labels.width, hidden, bias=False) if space.labels else None

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        h = self.body(batch.x.flatten(1))
        scores = self.score(h).squeeze(1)
        if self.project is not None and batch.y is not None:
            scores = scores + (h * self.project(batch.y)).sum(1) / math.sqrt(h.shape[1])
        return scores
