"""Masked autoencoder over a table's columns, in any order. Germain et al. 2015 (MADE), arXiv:1502.03509.

Each token (a category, a number's bin) has a small network that sees the tokens that are known and nothing of the
others, so one pass gives every conditional of an order (of any order: Uria et al. 2014, arXiv:1310.1757), and a row is
made one token at a time. The critic sees whole rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, silu

from ganvas import players
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers.outcomes import Outcomes, in_bins
from ganvas.layers.tokens import Tokens, table
from ganvas.space import Space
from ganvas.spaces.tables.support import Support

NARROW = 16  # outcomes: tokens up to it share one array of weights, wider ones another
WIDE = 32  # tokens: beyond, each is seen through fewer numbers
HIDDEN = 0.75  # of a row's tokens, at most, when it is learnt what stands in holes


class Generator(players.Autoregressive):
    """z [n, latent] -> rows [n, d], a token at a time; each decides by its share of a softmax and its part of z.

    A number's logits are free ones plus a bump, -exp(l) (c - μ)² over the centres c of its bins: relations between
    numbers are then learnt from few rows, and spikes stay spikes.
    """

    offset: Tensor
    worth: Tensor

    def __init__(
        self,
        space: Space,
        units: int = 80,  # of the hidden layers of each token's network
        layers: int = 1,  # hidden layers after the first, each with a way around it
        embed: int | None = None,  # numbers through which a token sees another (default: 16, for wide tables 8)
        free: float = 0.5,  # share of training rows whose known tokens are chosen at random, not by the columns' order
        plain: bool = False,  # numbers are seen and decided by their size alone, not by their bins: for few rows
    ) -> None:
        super().__init__()
        whole = table(space, "masked")
        self.tokens, support = Tokens(whole), Support(whole)
        self.support = None if support.idle else support
        self.parts, self.free = len(self.tokens.tokens), free
        self.latent = 2 * self.parts
        fields = [whole.fields[token.field] for token in self.tokens.tokens]
        outcomes = [token.outcomes for token in self.tokens.tokens]
        size = embed or (16 if self.parts <= WIDE else 8)
        self.starts = [sum(outcomes[:j]) for j in range(len(outcomes))]  # of each token's outcomes among all
        self.register_buffer("offset", torch.tensor(self.starts), persistent=False)
        self.seen = nn.Parameter(torch.randn(sum(outcomes), size) * 0.3)
        self.register_buffer(
            "worth", 1.0 - plain * torch.cat(list(map(in_bins, self.tokens.tokens, fields)))[:, None], persistent=False
        )
        self.scaled = nn.Parameter(torch.randn(len(self.tokens.numbers), 2, size) * 0.7)
        t = self.parts
        self.first = nn.Parameter(torch.randn(t, t * size, units) / math.sqrt(t * size))
        self.known = nn.Parameter(torch.randn(t, t, units) * 0.1)
        self.bias = nn.Parameter(torch.zeros(t, 1, units))
        self.deep = nn.ParameterList(
            nn.Parameter(torch.randn(t, units, units) / math.sqrt(units)) for _ in range(layers)
        )
        self.deeper = nn.ParameterList(nn.Parameter(torch.zeros(t, 1, units)) for _ in range(layers))
        groups = [self.tokens.numbers, *split(self.tokens.classes, outcomes)]
        self.groups = [group for group in groups if group]
        self.heads = nn.ModuleList(Outcomes(self.tokens, group, units, whole, plain) for group in self.groups)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent] -> rows [n, d]: ``complete`` where nothing is known."""
        if self.support is not None:
            return self.complete(z, z.new_zeros(len(z), self.tokens.width), z.new_zeros(len(z), self.parts).bool())
        u, seen = self.uniform(z), z.new_zeros(z.shape[0], self.parts)
        blocks: list[Tensor] = []
        e = [z.new_zeros(0)] * self.parts
        for j in range(self.parts):
            share = self.logits(j, e, list(range(j)), seen).softmax(1)
            blocks.append(self.tokens.block(j, share, u[:, 2 * j : 2 * j + 2]))
            e[j] = self.glance(j, blocks[j])
            seen = torch.cat([torch.ones_like(seen[:, : j + 1]), seen[:, j + 1 :]], 1)
        return torch.cat(blocks, 1)

    def uniform(self, z: Tensor) -> Tensor:
        """Latents [n, latent] as numbers in (0, 1)."""
        return (0.5 * torch.erfc(-z / math.sqrt(2))).clamp(1e-6, 1 - 1e-6)

    def orders(self, batch: Batch) -> Tensor:
        """What each token of each row may see in training [n, tokens, tokens], 1 or 0: those before it.

        A random set stands first, in random order; the others follow in the columns' order.
        """
        u, t = batch.uniform(self.parts + 2), self.parts
        chosen = (u[:, :t] < u[:, t : t + 1]) & (u[:, t + 1 :] < self.free)
        rank = torch.where(chosen, u[:, :t], 1.0 + torch.arange(t, device=u.device))
        return (rank[:, None, :] < rank[:, :, None]).to(batch.x.dtype)

    def gaps(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As ``orders`` for rows that have holes, and which tokens are there [n, tokens], 1 or 0.

        A missing token is seen by none. Of the others each sees a random set, all but up to HIDDEN of them, and those
        before it: so it learns from what else is known in a row what stands in a hole, whichever they are.
        """
        u, t = batch.uniform(self.parts + 1), self.parts
        there = self.tokens.present(batch.x)
        column = torch.arange(t, device=u.device)
        seen = (u[:, :t] > HIDDEN * u[:, t:])[:, None] | (column < column[:, None])
        return seen * there[:, None] * (1 - torch.eye(t, device=u.device)), there

    def surprise(self, x: Tensor, orders: Tensor) -> Tensor:
        """-log p(token | the tokens it may see) [n, tokens] of rows x [n, d]; ``orders`` as of ``orders``."""
        outcomes = self.tokens.outcomes(x)
        parts = self.read(x, outcomes, orders).unbind(0)
        found: list[Tensor] = [x.new_zeros(0)] * self.parts
        for group, head in zip(self.groups, self.heads, strict=True):
            logits = head(torch.stack([parts[j] for j in group]))  # [group, n, outcomes]
            told = logits.log_softmax(2).gather(2, outcomes[:, group].T[..., None]).squeeze(2)
            for j, one in zip(group, told, strict=True):
                found[j] = -one
        return torch.stack(found, 1)

    def shares(self, x: Tensor, known: Tensor) -> list[Tensor]:
        """How likely each outcome of each token is [n, outcomes] by the others that are ``known`` [n, tokens] alone.

        If it is there: of a number or a whole category, "missing" is left out.
        """
        others = known[:, None].to(x.dtype) * (1 - torch.eye(self.parts, device=x.device))
        parts = self.read(x, self.tokens.outcomes(x), others).unbind(0)
        found: dict[int, Tensor] = {}
        for group, head in zip(self.groups, self.heads, strict=True):
            found |= dict(zip(group, head(torch.stack([parts[j] for j in group])), strict=True))
        most = [min(token.outcomes, int(self.tokens.absent[token.field])) for token in self.tokens.tokens]
        return [found[j][:, :count].softmax(1) for j, count in enumerate(most)]

    def complete(
        self, z: Tensor, x: Tensor, known: Tensor, support: players.Support | None = None, first: Sequence[int] = ()
    ) -> Tensor:
        """Rows x [n, d] with what is not ``known`` [n, tokens] decided by z [n, latent], token by token.

        ``support`` says which outcomes of a token go with the row so far, and between which normal scores; without
        it, and not in training, the constraints of the space are kept.
        """
        order = [*first, *(j for j in range(self.parts) if j not in first)]
        return self.decide(z, x, known, self.support if support is None and not self.training else support, order)[0]

    def decide(
        self, z: Tensor, x: Tensor, known: Tensor, support: players.Support | None, order: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """As ``complete`` for the tokens of ``order``; and how likely what ``support`` allowed was [n], of all but the
        first token that it decided of a row."""
        mass, begun = z.new_ones(len(z)), known.new_zeros(len(known))
        u = self.uniform(z)
        x, seen = self.only(x, known), known.to(x.dtype)
        blocks = list(x.split([token.width for token in self.tokens.tokens], 1))
        there = known.any(0).tolist()
        e = [x.new_zeros(0)] * self.parts
        if any(there):
            e = list((self.look(x, self.tokens.outcomes(x)) * seen[..., None]).unbind(1))
        for j in order:
            if known[:, j].all():
                continue
            share = self.logits(j, e, [i for i in range(self.parts) if there[i]], seen).softmax(1)
            low = high = None
            if support is not None:
                allowed, low, high = support(j, torch.cat(blocks, 1), seen)
                if (allowed != 1).any():
                    left = share * allowed
                    total = left.sum(1, keepdim=True)
                    mass = mass * torch.where(begun & ~known[:, j], total[:, 0], 1.0)
                    share = torch.where(total > 1e-9, left, allowed)
                begun = begun | ~known[:, j]
            new = self.tokens.block(j, share, u[:, 2 * j : 2 * j + 2], low, high)
            blocks[j] = torch.where(known[:, j : j + 1], blocks[j], new)
            e[j], there[j] = self.glance(j, blocks[j]), True
            seen = torch.cat([seen[:, :j], torch.ones_like(seen[:, :1]), seen[:, j + 1 :]], 1)
        return torch.cat(blocks, 1), mass

    def only(self, x: Tensor, known: Tensor) -> Tensor:
        """x without what is not known."""
        widths = torch.tensor([token.width for token in self.tokens.tokens], device=x.device)
        return x * known.repeat_interleave(widths, 1).to(x.dtype)

    def look(self, x: Tensor, outcomes: Tensor) -> Tensor:
        """What is seen of each token [n, tokens, size]."""
        e = embedding(outcomes + self.offset, self.seen * self.worth)
        if not self.tokens.numbers:
            return e
        numbers = torch.tensor(self.tokens.numbers, device=x.device)
        sizes = torch.einsum("nkf,kfs->nks", self.tokens.scales(x), self.scaled)
        return e.index_add(1, numbers, sizes.to(e.dtype))

    def glance(self, j: int, block: Tensor) -> Tensor:
        """What is seen of token j [n, size] from its block [n, width]: as ``look``, with a gradient to the block."""
        start, token = self.starts[j], self.tokens.tokens[j]
        if not token.numeric:
            return block @ self.seen[start : start + token.outcomes]
        scales, outcome = self.tokens.one(j, block)
        k = self.tokens.numbers.index(j)
        return embedding(outcome + start, self.seen * self.worth) + scales @ self.scaled[k]

    def read(self, x: Tensor, outcomes: Tensor, orders: Tensor) -> Tensor:
        """The hidden units of each token [tokens, n, units], which sees what ``orders`` [n, tokens, tokens] lets it."""
        inputs = (self.look(x, outcomes)[:, None] * orders[..., None]).flatten(2).transpose(0, 1)  # [t, n, t size]
        first = torch.baddbmm(self.bias, inputs, self.first) + torch.bmm(orders.transpose(0, 1), self.known)
        return self.hidden(first)

    def hidden(self, h: Tensor) -> Tensor:
        """The hidden layers of all tokens [tokens, n, units]."""
        h = silu(h)
        for w, b in zip(self.deep, self.deeper, strict=True):
            h = h + silu(torch.baddbmm(b, h, w))
        return h

    def logits(self, j: int, e: Sequence[Tensor], there: list[int], seen: Tensor) -> Tensor:
        """Of the outcomes of token j [n, outcomes] by what is seen of each, ``e``; of those not ``there`` it is 0."""
        h = self.bias[j] + seen @ self.known[j]
        if there:
            rows = self.first[j].unflatten(0, (self.parts, -1))[there].flatten(0, 1)
            h = h + torch.cat([e[i] for i in there], 1) @ rows
        h = silu(h)
        for w, b in zip(self.deep, self.deeper, strict=True):
            h = h + silu(h @ w[j] + b[j])
        for members, head in zip(self.groups, self.heads, strict=True):
            if j in members:
                assert isinstance(head, Outcomes)
                h = head.one(members.index(j), h)
        return h


def split(members: list[int], outcomes: list[int]) -> tuple[list[int], list[int]]:
    """Tokens with few outcomes, and with many."""
    return [j for j in members if outcomes[j] <= NARROW], [j for j in members if outcomes[j] > NARROW]


class Discriminator(Player):
    """Batch -> scores [n]: whole rows, numbers by their normal score and their value."""

    def __init__(
        self,
        space: Space,
        hidden: int = 256,  # units of each hidden layer
        layers: int = 2,  # hidden layers
    ) -> None:
        super().__init__()
        self.tokens = Tokens(table(space, "masked"))
        sizes = [self.tokens.width + 2 * len(self.tokens.numbers), *[hidden] * layers]
        parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
        self.size, self.body, self.judge = hidden, nn.Sequential(*parts), nn.Linear(hidden, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        found: Tensor = self.judge(self.features(batch)).squeeze(1)
        return found

    def features(self, batch: Batch) -> Tensor:
        """[n, size]."""
        x = batch.x
        if self.tokens.numbers:
            x = torch.cat([x, self.tokens.scales(x).flatten(1)], 1)
        found: Tensor = self.body(x)
        return found
