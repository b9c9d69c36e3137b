"""Missing data imputation using generative adversarial nets. Yoon et al. 2018 (GAIN), arXiv:1806.02920."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Game, Move
from ganvas.generator import Generator
from ganvas.players import Encoder


class Spotter(Encoder):
    """Says of a completed row which columns were known: rows, and hints as y [n, c] -> logits [n, c]."""


class GAIN(Game):
    """G fills the holes of rows, D says column by column what was there; hints tell it all columns but one.

    Algorithm 1. Holes are the values that are missing in the data, and a share ``rate`` of the others, at random. D
    and G descend their losses in the one column that the hint leaves open; G also rebuilds what it was told. Here
    classes are decided between by straight-through gradients. G learns to complete rows, not to make them from nothing.
    """

    G: Generator  # z, what is known and where -> row; its network is gain
    D: Spotter  # completed row and hint -> logit [n, c] that each column was known
    rate: float = 0.2  # share of the values there that are hidden, at random
    alpha: float = 1.0  # α: weight of the reconstruction

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1 or self.alpha < 0:
            raise InputError("--rate is a share between 0 and 1, --alpha 0 or more")

    def optimiser(self, player: str) -> Adam:
        """Adam's defaults."""
        return Adam(1e-3, (0.9, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: D, then G, on the same completed rows."""
        real = next(batches)
        known, column = self.holes(real)
        seen = known[:, self.G.net.get_buffer("part")]
        raw = self.raw(real, seen)
        filled = replace(real, x=real.x * seen + self.G.head(raw) * (1 - seen), y=known.scatter(1, column, 0.5))
        there = known.gather(1, column)
        said = self.D(filled.detach()).gather(1, column)
        right = ((said > 0) == (there > 0.5)).float()
        yield Move(self.D, binary_cross_entropy_with_logits(said, there), {"right": right})

        taken = (softplus(-self.D(filled).gather(1, column)) * (1 - there)).mean()
        error = self.rebuilding(real.x, raw, seen)
        yield Move(self.G, taken + self.alpha * error, {"taken": taken, "rebuilding": error})

    def holes(self, real: Batch) -> tuple[Tensor, Tensor]:
        """What G is told of a batch: 1 for each column that is known [n, c]; and the column left open by the hint."""
        net = self.G.net
        part = net.get_buffer("part")
        columns = int(part[-1]) + 1
        missing = torch.zeros_like(real.x[:, :columns]).index_add(1, part, real.x * net.get_buffer("absent"))
        u = real.uniform(columns + 1)
        known = (u[:, :columns] >= self.rate) & (missing < 0.5)
        return known.to(real.x.dtype), (u[:, columns:] * columns).long()

    def raw(self, real: Batch, seen: Tensor) -> Tensor:
        """G's answer before its head [n, d] to rows of which the numbers ``seen`` [n, d] are known."""
        z = self.G.prior.shape(real.normal(self.G.prior.size))
        found: Tensor = self.G.net(z, torch.cat([real.x * seen, seen], 1))
        return found

    def rebuilding(self, x: Tensor, raw: Tensor, seen: Tensor) -> Tensor:
        """The error in what was known, L_M: squares for scores, cross entropies for flags and classes; a row's sum."""
        kind = self.G.net.get_buffer("kind")
        flags = binary_cross_entropy_with_logits(raw, x, reduction="none")
        found = (torch.where(kind == 0, (x - raw).square(), flags) * (kind != 1) * seen).sum(1)
        for start, width in self.G.head.blocks:  # type: ignore[union-attr]
            block = slice(start, start + width)
            found = found + cross_entropy(raw[:, block], x[:, block], reduction="none") * seen[:, start]
        return found.mean()
