"""Fully connected players that fill the holes of rows. Yoon et al. 2018 (GAIN), arXiv:1806.02920, section 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganvas import players
from ganvas.game import Batch
from ganvas.layers.tokens import table
from ganvas.nets.rows import Discriminator as Discriminator  # the critic of whole rows, for games that ask for one
from ganvas.nets.rows import marks, perceptron
from ganvas.space import Space
from ganvas.spaces.tables.space import Table

NEVER = -1e9  # logit of what must not be


class Generator(players.Completer):
    """z [n, d] and what is known of rows, y [n, 2 d] or None -> rows [n, d] before the head: scores and logits.

    y has the values that are known, 0 for the others, and then 1 for each that is known. z stands in the holes. Buffers
    follow from the space: ``part`` [d], the token that each number of a row belongs to; ``kind`` [d], 1 for classes, 2
    for flags, 0 for scores; ``absent`` [d], 1 for what in a row says "missing".
    """

    part: Tensor
    kind: Tensor
    absent: Tensor

    def __init__(
        self,
        space: Space,
        hidden: int = 128,  # units of each hidden layer
        layers: int = 2,  # hidden layers
        noise: float = 0.01,  # deviation of the numbers that stand in holes
    ) -> None:
        super().__init__()
        whole = table(space, "gain")
        self.noise = noise
        self.tokens, self.head = whole.tokens, whole.head()
        (self.latent,), self.parts = whole.shape, len(whole.tokens)
        found = marks(whole)
        self.register_buffer("part", torch.from_numpy(found["part"]), persistent=False)
        self.register_buffer("kind", torch.from_numpy(found["kind"]), persistent=False)
        self.register_buffer("absent", absent(whole), persistent=False)
        self.body = perceptron([2 * self.latent, *[hidden] * layers, self.latent])

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, d], y [n, 2 d] or None -> [n, d]."""
        x, seen = torch.zeros_like(z).repeat(1, 2).chunk(2, 1) if y is None else y.chunk(2, 1)
        answer: Tensor = self.body(torch.cat([x + self.noise * z * (1 - seen), seen], 1))
        return answer

    def complete(
        self, z: Tensor, x: Tensor, known: Tensor, support: players.Support | None = None, first: Sequence[int] = ()
    ) -> Tensor:
        """Rows x [n, d] with what is not ``known`` [n, tokens] made by z [n, d], all at once.

        With ``support`` scores are then moved into its bounds, token by token, and only what it allows is decided
        between.
        """
        seen = known.to(x.dtype)[:, self.part]
        raw = self(z, torch.cat([x * seen, seen], 1))
        if support is None:
            return x * seen + self.head(raw) * (1 - seen)
        row, done = x * seen, known.clone()
        for j in [*first, *(j for j in range(self.parts) if j not in first)]:
            token = self.tokens[j]
            start, stop = token.start, token.start + token.width
            block = narrowed(raw[:, start:stop], token.numeric, *support(j, row, done))
            raw = torch.cat([raw[:, :start], block, raw[:, stop:]], 1)
            row, done[:, j] = x * seen + self.head(raw) * (1 - seen), True
        return row


def narrowed(raw: Tensor, numeric: bool, allowed: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    """A token's block before the head [n, width] within what is allowed, as ``players.Support`` says it."""
    if not numeric:
        return torch.where(allowed > 0, raw, NEVER)
    score = raw[:, :1]
    if low is not None and high is not None:
        score = torch.minimum(torch.maximum(score, low[:, None].to(raw)), high[:, None].to(raw))
    there, missing = (allowed[:, :-1] > 0).any(1, keepdim=True), allowed[:, -1:] > 0
    return torch.cat([score, torch.where(missing, torch.where(there, raw[:, 1:], -NEVER), NEVER)], 1)


def absent(whole: Table) -> Tensor:
    """1 for each number of a row that says "missing", [d]. Of a category in two halves neither can say it."""
    found = torch.zeros(*whole.shape)
    for token in whole.tokens:
        field = whole.fields[token.field]
        if field.missing and (token.numeric or field.outcomes == token.width):
            found[token.start + token.width - 1] = 1.0
    return found


class Spotter(players.Encoder):
    """Batch of completed rows and hints y [n, tokens] -> logits [n, tokens] that each token was known."""

    def __init__(
        self,
        space: Space,
        hidden: int = 128,  # units of each hidden layer
        layers: int = 2,  # hidden layers
    ) -> None:
        super().__init__()
        whole = table(space, "gain")
        self.parts = len(whole.tokens)
        self.body = perceptron([whole.shape[0] + self.parts, *[hidden] * layers, self.parts])

    def forward(self, batch: Batch) -> Tensor:
        """[n, tokens]; without hints it is told nothing."""
        hints = batch.x.new_full((len(batch), self.parts), 0.5) if batch.y is None else batch.y
        told: Tensor = self.body(torch.cat([batch.x, hints], 1))
        return told
