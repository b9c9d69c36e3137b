"""Modeling tabular data using conditional GAN. Xu et al. 2019 (CTGAN), arXiv:1907.00503."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.losses import wasserstein
from ganvas.penalties import gradient_penalty


class Packed(Discriminator):
    """A critic that sees ``pac`` rows and what was asked of them at once: batch of packs [n, pac, d] -> score [n]."""

    pac: int


class CTGAN(Game):
    """G is asked for one class of one column, and rare classes almost as often as common ones: so it learns them too.

    Section 4.3: the column is drawn uniformly, the class with a probability proportional to the log of its frequency,
    a row among those that have it. Here the rows are drawn again within each batch, with weights log frequency /
    frequency, so accumulated plays are not quite one play. G descends the critic's loss (WGAN-GP on packs of rows) plus
    the cross entropy of what it was asked for. After training classes are asked for as often as they come in the data.
    """

    G: Generator  # z and what is asked of a row -> row; its network is that of rows
    D: Packed  # packs of rows and what was asked -> score [n]
    critic_moves: int = 1  # moves of the critic in a round
    gp_weight: float = 10.0  # λ of the gradient penalty
    asked_weight: float = 1.0  # weight of the cross entropy of what was asked for
    temperature: float = 0.2  # of the Gumbel softmax

    def __post_init__(self) -> None:
        if self.critic_moves < 1 or self.gp_weight < 0 or self.asked_weight < 0 or self.temperature <= 0:
            raise InputError("--critic-moves is 1 or more, weights are 0 or more, --temperature is above 0")
        net = self.G.net
        net.get_buffer("noise").copy_((net.get_buffer("kind") > 0) / self.temperature)
        for start, width in self.blocks:
            counts = net.get_buffer("counts")[start : start + width]
            net.get_buffer("asked")[start : start + width] = counts / counts.sum() / len(self.blocks)

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """The classes in a row: (start, width) of each one-hot block."""
        found: tuple[tuple[int, int], ...] = self.G.head.blocks  # type: ignore[assignment]
        return found

    def optimiser(self, player: str) -> Adam:
        """The paper's rate."""
        return Adam(2e-4, (0.5, 0.9))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: the critic's moves, then G's."""
        for _ in range(self.critic_moves):
            asked = self.asking(next(batches))
            raw = self.raw(asked)
            real, fake = self.packs(asked, asked.x), self.packs(asked, self.G.head(raw.detach()))
            penalty = gradient_penalty(self.D, real, fake)
            r, f = self.D(real), self.D(fake)
            loss = wasserstein.discriminator(r, f) + self.gp_weight * penalty
            yield Move(self.D, loss, {"real": r, "fake": f, "penalty": penalty})
        unheard = self.unheard(asked, raw)
        taken = wasserstein.generator(r, self.D(self.packs(asked, self.G.head(raw))))
        yield Move(self.G, taken + self.asked_weight * unheard, {"unheard": unheard})

    def asking(self, real: Batch) -> Batch:
        """Rows drawn again from a batch by the classes that are asked for, which are their conditions [n, d]."""
        x, u = real.x, real.uniform(2)
        mask = torch.zeros_like(x)
        if not self.blocks:
            return replace(real, y=mask)
        counts = self.G.net.get_buffer("counts")
        weight = torch.log1p(counts) / counts.clamp_min(1)
        number = (u[:, 0] * len(self.blocks)).long()
        rows = torch.zeros_like(number)
        for i, (start, width) in enumerate(self.blocks):
            block, here = slice(start, start + width), number == i
            total = (x[:, block] @ weight[block]).cumsum(0)
            found = torch.searchsorted(total, u[here, 1] * total[-1], right=True)
            rows[here] = found.clamp_max(len(x) - 1)
            mask[here, block] = 1.0
        return replace(real, x=x[rows], y=x[rows] * mask)

    def raw(self, asked: Batch) -> Tensor:
        """What G answers to what is asked, before its head [n, d]."""
        found: Tensor = self.G.net(self.G.prior.shape(asked.normal(self.G.prior.size)), asked.y)
        return found

    def packs(self, asked: Batch, x: Tensor) -> Batch:
        """Rows x [n, d] and what was asked of them, as packs [n / pac, pac, d]; a last one that is not full is left."""
        pac, n = self.D.pac, len(x) - len(x) % self.D.pac
        if not n:
            raise InputError(f"{len(x)} rows are no pack; give --batch {pac} or more, or a smaller --pac")
        assert asked.y is not None
        x, y = (rows[:n].view(-1, pac, rows.shape[1]) for rows in (x, asked.y))
        return replace(asked[:n:pac], x=x, y=y)

    def unheard(self, asked: Batch, raw: Tensor) -> Tensor:
        """Cross entropy of the classes that were asked for."""
        if not self.blocks or asked.y is None:
            return raw.new_zeros(())
        part, at = self.G.net.get_buffer("part"), asked.y.argmax(1)
        return cross_entropy(raw.float().masked_fill(part != part[at, None], -torch.inf), at)
