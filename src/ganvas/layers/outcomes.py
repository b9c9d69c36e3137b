"""The outcomes of tokens: from the hidden units of each to the logits of its classes or of a number's bins."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ganvas.layers.tokens import Tokens, padded
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.space import Table, Token

NEVER = -1e9  # logit of what is no outcome
SHARP = 8.0  # greatest log of the precision of a number's bump


def in_bins(token: Token, field: Field) -> Tensor:
    """Which outcomes of a token are bins of a number [outcomes]: 1 or 0."""
    return (torch.arange(token.outcomes) < token.numeric * field.bins).float()


class Outcomes(nn.Module):
    """The logits of tokens that share an array of weights: hidden [group, n, units] -> [group, n, most outcomes]."""

    absent: Tensor
    worth: Tensor
    centre: Tensor
    real: Tensor

    def __init__(self, tokens: Tokens, group: list[int], units: int, space: Table, plain: bool) -> None:
        super().__init__()
        chosen = [tokens.tokens[j] for j in group]
        most = max(token.outcomes for token in chosen)
        self.weight = nn.Parameter(torch.randn(len(group), units, most) * 0.02)
        start = torch.zeros(len(group), 1, most)
        absent = torch.zeros(len(group), 1, most)
        for i, token in enumerate(chosen):
            absent[i, :, token.outcomes :] = NEVER
            counts = torch.as_tensor(space.fields[token.field].counts, dtype=torch.float32)
            if len(counts) == token.outcomes:  # half of a category with many classes starts from nothing
                start[i, 0, : token.outcomes] = torch.log((counts + 0.5) / (counts + 0.5).sum())
        self.bias = nn.Parameter(start)
        self.register_buffer("absent", absent, persistent=False)
        taken = padded([in_bins(token, space.fields[token.field]).numpy() for token in chosen], 0.0)
        self.register_buffer("worth", 1.0 - plain * taken[:, None], persistent=False)
        self.numeric, self.counts, self.plain = chosen[0].numeric, [token.outcomes for token in chosen], plain
        if self.numeric:
            self.bump = nn.Parameter(torch.randn(len(group), units, 2) * 0.5 / math.sqrt(units))
            self.where = nn.Parameter(torch.tensor([0.0, -3.0]).repeat(len(group), 1, 1))
            centre, real = torch.zeros(len(group), 1, most), torch.zeros(len(group), 1, most)
            for i, j in enumerate(group):
                k = tokens.numbers.index(j)
                centre[i, 0, : tokens.bins[k]] = tokens.centre[k, : tokens.bins[k]]
                real[i, 0, : tokens.bins[k]] = 1.0
            self.register_buffer("centre", centre, persistent=False)
            self.register_buffer("real", real, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """[group, n, units] -> [group, n, most outcomes]."""
        logits = torch.baddbmm(self.bias + self.absent, h, self.free)
        if not self.numeric:
            return logits
        mean, sharp = torch.baddbmm(self.where, h, self.bump).split(1, 2)
        return bumped(logits, mean, sharp, self.centre, self.real)

    def one(self, i: int, h: Tensor) -> Tensor:
        """The logits of member i alone: [n, units] -> [n, its outcomes]."""
        count = self.counts[i]
        logits = torch.addmm(self.bias[i, :, :count], h, self.free[i, :, :count])
        if not self.numeric:
            return logits
        mean, sharp = torch.addmm(self.where[i], h, self.bump[i]).split(1, 1)
        return bumped(logits, mean, sharp, self.centre[i, :, :count], self.real[i, :, :count])

    @property
    def free(self) -> Tensor:
        """The weights of the free logits [group, units, most outcomes]: of ``plain`` numbers' bins 0."""
        return self.weight * self.worth if self.plain else self.weight


def bumped(logits: Tensor, mean: Tensor, sharp: Tensor, centre: Tensor, real: Tensor) -> Tensor:
    """Logits [..., n, outcomes] minus exp(sharp) (centre - mean)² where ``real``; mean and sharp [..., n, 1]."""
    away = torch.addcmul(centre, mean, real, value=-1)  # centre is 0 where nothing is real
    return torch.addcmul(logits, sharp.clamp(-6.0, SHARP).exp(), away.square(), value=-1)
