"""Fully connected players for rows of tables. Xu et al. 2019 (CTGAN, TVAE), arXiv:1907.00503, sections 4.4 and 4.5."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ganvas import players
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers.tokens import table
from ganvas.space import Space
from ganvas.spaces.tables.space import Table, Token

SURE = 1e-6  # uniform numbers lie in [SURE, 1 - SURE]


class Generator(nn.Module):
    """z [n, latent] and the class that is asked of each row, y [n, d] or None -> rows [n, d] before the head.

    What comes out are scores and logits. y has a 1 at that class, zeros else. z is a code, d numbers by which a row is
    drawn, and one by which a class is asked for. Each layer's answer is joined to what the layer saw.

    Two buffers are for games to set, and saved: ``noise`` [d], how much chance is added to the answer: to logits of
    classes and flags so much of Gumbel and logistic numbers (1: what the head takes is drawn from their softmax; more:
    Jang et al. 2017, arXiv:1611.01144, with temperature 1 / noise), to scores so much of normal ones with deviations
    exp(``spread``) [d]. ``asked`` [d]: how often each class is asked for when y is None; zeros: none. Others follow
    from the space: ``counts`` [d], how often each class came in training; ``part`` [d], the token that each number of
    a row belongs to; ``kind`` [d], 1 for classes, 2 for flags, 0 for scores.
    """

    counts: Tensor
    part: Tensor
    kind: Tensor
    noise: Tensor
    asked: Tensor

    def __init__(
        self,
        space: Space,
        code: int = 128,  # size of z without the numbers by which a row is drawn
        hidden: int = 256,  # units of each hidden layer
        layers: int = 2,  # hidden layers
        norm: Literal["batch", "none"] = "batch",  # between a hidden layer and its rectifier
    ) -> None:
        super().__init__()
        whole = table(space, "rows")
        (self.width,), self.code = whole.shape, code
        self.latent = code + self.width + 1
        for name, values in marks(whole).items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        self.register_buffer("noise", torch.zeros(self.width))
        self.register_buffer("asked", torch.zeros(self.width))
        self.spread = nn.Parameter(torch.zeros(self.width))
        sizes = [code + self.width + i * hidden for i in range(layers + 1)]
        between = nn.BatchNorm1d if norm == "batch" else nn.Identity
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(size, hidden), between(hidden), nn.ReLU()) for size in sizes[:-1]
        )
        self.last = nn.Linear(sizes[-1], self.width)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, d] or None -> [n, d]."""
        code, draws, chance = z.split([self.code, self.width, 1], 1)
        h = torch.cat([code, self.asking(chance) if y is None else y], 1)
        for layer in self.layers:
            h = torch.cat([h, layer(h)], 1)
        answer: Tensor = self.last(h) + self.noise * self.drawn(draws)
        return answer

    def drawn(self, draws: Tensor) -> Tensor:
        """Normal numbers [n, d] -> Gumbel ones for classes, logistic ones for flags, normal ones for scores."""
        u = uniform(draws)
        kinds = torch.stack([self.spread.exp() * draws, -torch.log(-torch.log(u)), torch.logit(u)])
        return kinds.gather(0, self.kind.expand(1, draws.shape[0], -1)).squeeze(0)

    def asking(self, chance: Tensor) -> Tensor:
        """One class drawn from ``asked`` by normal numbers [n, 1], as what is asked of the rows [n, d]."""
        total = self.asked.cumsum(0)
        at = torch.searchsorted(total, uniform(chance) * total[-1], right=True).clamp_max(self.width - 1)
        return chance.new_zeros(chance.shape[0], self.width).scatter(1, at, 1.0) * (total[-1] > 0)


def uniform(draws: Tensor) -> Tensor:
    """Uniform numbers from normal ones."""
    return (0.5 * torch.erfc(-draws / 2**0.5)).clamp(SURE, 1 - SURE)


def marks(whole: Table) -> dict[str, np.ndarray]:
    """What follows from a space for each number of its rows [d], as ``Generator`` says."""
    (width,) = whole.shape
    counts = np.zeros(width, np.float32)
    part, kind = np.zeros(width, np.int64), np.zeros(width, np.int64)
    for j, token in enumerate(whole.tokens):
        block = slice(token.start, token.start + token.width)
        part[block] = j
        kind[block] = [0, 2][: token.width] if token.numeric else 1
        if not token.numeric:
            counts[block] = occurrences(whole.fields[token.field].counts, token)
    return {"counts": counts, "part": part, "kind": kind}


def occurrences(counts: np.ndarray, token: Token) -> np.ndarray:
    """How often each outcome of a token came, from the ``counts`` of its field."""
    if len(counts) == token.width:
        return counts
    pairs = np.append(counts, np.zeros(token.width**2 - len(counts))).reshape(token.width, token.width)
    return np.asarray(pairs.sum(0 if token.part else 1))


class Packed(Player):
    """Batch of packs x [n, pac, d], and what was asked of their rows as y -> scores [n].

    A batch of rows [n, d] is judged in packs too: those of one pack have one score, and a last pack that is not full is
    filled with the first rows. Packs show a generator that makes one kind of row only (Lin et al. 2018, PacGAN,
    arXiv:1712.04086).
    """

    def __init__(
        self,
        space: Space,
        hidden: int = 256,  # units of each hidden layer
        layers: int = 2,  # hidden layers
        dropout: float = 0.5,  # share of hidden units dropped
        pac: int = 10,  # rows in a pack
    ) -> None:
        super().__init__()
        sizes = [2 * pac * table(space, "rows").shape[0], *[hidden] * layers]
        self.size, self.pac = sizes[-1], pac
        parts: list[nn.Module] = []
        for a, b in pairwise(sizes):
            parts += [nn.Linear(a, b), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        self.body, self.judge = nn.Sequential(*parts), nn.Linear(self.size, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        scores: Tensor = self.judge(self.seen(batch.x, batch.y)).squeeze(1)
        return scores

    def features(self, batch: Batch) -> Tensor:
        """[n, size]: of the packs."""
        return self.seen(batch.x, None)

    def seen(self, x: Tensor, asked: Tensor | None) -> Tensor:
        """The last hidden layer [n, size] for packs or rows and what was asked for, None for nothing."""
        joined = torch.cat([x, torch.zeros_like(x) if asked is None else asked], -1)
        if x.dim() == 3:
            packs: Tensor = self.body(joined.flatten(1))
            return packs
        n, count = len(x), -(-len(x) // self.pac)
        rows = torch.arange(count * self.pac, device=x.device) % n
        h: Tensor = self.body(joined[rows].reshape(count, -1))
        return h.repeat_interleave(self.pac, 0)[:n]


Discriminator = Packed  # for games that ask for no more


class Coder(players.Encoder):
    """Batch of rows -> means and log variances of their codes [n, 2 code]."""

    def __init__(
        self,
        space: Space,
        code: int = 128,  # size of a code, the same as G's
        hidden: int = 128,  # units of each hidden layer
        layers: int = 2,  # hidden layers
    ) -> None:
        super().__init__()
        self.body = perceptron([*table(space, "rows").shape, *[hidden] * layers, 2 * code])

    def forward(self, batch: Batch) -> Tensor:
        """[n, 2 code]."""
        told: Tensor = self.body(batch.x)
        return told


def perceptron(sizes: list[int]) -> nn.Sequential:
    """Linear layers of these sizes with rectifiers between them."""
    parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*parts[:-1])
