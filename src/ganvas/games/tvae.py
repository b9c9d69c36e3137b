"""Modeling tabular data using conditional GAN. Xu et al. 2019 (TVAE), arXiv:1907.00503, section 4.5."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, pad

from ganvas.errors import InputError
from ganvas.game import Adam, Batch, Game, Move
from ganvas.generator import Generator
from ganvas.players import Encoder, reparameterised

LEAST = 0.01  # deviation of a score: a column of few values has no smaller one


class Coder(Encoder):
    """An encoder that knows the size of a code: batch -> means and log variances [n, 2 code]."""


class TVAE(Game):
    """A VAE of rows: classes have a softmax, scores a normal whose deviation is learnt, one for each column.

    E and G descend minus the bound of Kingma & Welling 2014, arXiv:1312.6114. Rows are drawn from these distributions,
    not their most likely values. No adversary: what GANs of tables are compared to.
    """

    G: Generator  # code and chance -> row; its network is that of rows
    E: Coder  # batch -> means and log variances of the code

    def __post_init__(self) -> None:
        self.G.net.get_buffer("noise").fill_(1.0)

    def optimiser(self, player: str) -> Adam:
        """The paper's rate."""
        return Adam(1e-3, (0.9, 0.999))

    def play(self, batches: Iterator[Batch]) -> Iterator[Move]:
        """One round: E and G together."""
        real = next(batches)
        code, kl = reparameterised(real, self.E(real))
        surprise = self.surprise(real.x, code).mean()
        yield Move((self.G, self.E), surprise + kl.mean(), {"surprise": surprise, "kl": kl.mean()})
        with torch.no_grad():
            self.G.net.get_parameter("spread").clamp_min_(math.log(LEAST))

    def surprise(self, x: Tensor, code: Tensor) -> Tensor:
        """-log p(x | code) [n] of rows [n, d]; what is missing has no score."""
        net = self.G.net
        chance = self.G.prior.size - code.shape[1]
        if chance != x.shape[1] + 1:
            raise InputError(
                f"codes of E have {code.shape[1]} numbers, G's have another size; give --code, not --G.code"
            )
        told = net(pad(code, (0, chance))).float()
        kind, spread = net.get_buffer("kind"), net.get_parameter("spread")
        normal = 0.5 * ((x - told) / spread.exp()).square() + spread + 0.5 * math.log(2 * math.pi)
        flags = binary_cross_entropy_with_logits(told, x.float(), reduction="none")
        missing = torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], 1) * (kind.roll(-1) == 2)
        found = (normal * (kind == 0) * (1 - missing)).sum(1) + (flags * (kind == 2)).sum(1)
        for start, width in self.G.head.blocks:  # type: ignore[union-attr]
            block = slice(start, start + width)
            found = found + cross_entropy(told[:, block], x[:, block], reduction="none")
        return found
