"""The idea: a GAN is a game.

Players are modules. A move is ``(player, loss)``: that player, and no other, descends that loss. A round is the
algorithm box of the paper: ``Game.play(batches)`` yields its moves in order, and what stands after a ``yield`` runs
after the update.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, dataclass_transform

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from ganvas.labels import Labels


@dataclass(frozen=True)
class Draws:
    """Random numbers that belong to the rows of a batch: a function of (seed, position, draw number, global row).

    Every rank and every accumulated play draws for the whole global batch and keeps its own rows, so one process and
    two, or one play and four, see the same numbers.
    """

    seed: int
    position: int  # samples drawn from the data before this batch
    rows: np.ndarray  # the rows of the global batch that are here
    total: int  # rows of the global batch
    counter: Iterator[int] = field(default_factory=itertools.count)

    def generator(self) -> np.random.Generator:
        """The generator of the next draw, the same on every rank."""
        key, counter = [self.seed, self.position], [0, 0, 0, next(self.counter)]
        return np.random.Generator(np.random.Philox(key=key, counter=counter))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers [n, *shape] for these rows."""
        return torch.from_numpy(self.generator().standard_normal((self.total, *shape), np.float32)[self.rows])

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1) [n, *shape] for these rows."""
        return torch.from_numpy(self.generator().random((self.total, *shape), np.float32)[self.rows])


@dataclass(frozen=True)
class Batch:
    """Samples and what is known of them: what a discriminator judges.

    ``x`` [n, *shape] is encoded by a space (pictures: values in [-1, 1]). ``y`` [n, c] is None or the encoded
    condition: a one-hot block for each column of classes, a standardised number for each continuous one.
    """

    x: Tensor
    y: Tensor | None = None
    draws: Draws | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> Batch:
        draws = self.draws and replace(self.draws, rows=self.draws.rows[rows])
        return Batch(self.x[rows], None if self.y is None else self.y[rows], draws)

    def detach(self) -> Batch:
        """The same samples, cut from the graph that made them."""
        return replace(self, x=self.x.detach())

    def at(self, x: Tensor) -> Batch:
        """Other samples ``x`` [n, *shape] with the same conditions and random numbers."""
        return replace(self, x=x)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers [n, *shape], reproducible when the batch comes from the data."""
        if self.draws is None:
            return torch.randn(len(self), *shape, device=self.x.device)
        return self.draws.normal(*shape).to(self.x.device)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1) [n, *shape], reproducible when the batch comes from the data."""
        if self.draws is None:
            return torch.rand(len(self), *shape, device=self.x.device)
        return self.draws.uniform(*shape).to(self.x.device)


class Move(NamedTuple):
    """``player`` (a module, or several that move together) descends ``loss``; ``notes`` go to log and monitors."""

    player: nn.Module | tuple[nn.Module, ...]
    loss: Tensor
    notes: Mapping[str, Tensor | float] = {}


class Discriminator(nn.Module):
    """A player that takes a Batch and scores it: [n], higher is more real. An unconditional one ignores ``y``.

    Games that look inside it (InfoGAN, ACGAN, VAE-GAN …) ask for its ``features``, ``size`` numbers for each sample.
    """

    size: int

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n] of the batch."""
        raise TypeError(f"{type(self).__name__} must define forward(batch) -> scores [n]")

    def features(self, batch: Batch) -> Tensor:
        """What the last layer sees of each sample, [n, size]; it does not depend on ``y``."""
        raise TypeError(f"{type(self).__name__} must define size and features(batch) -> [n, size] for this game")


@dataclass(frozen=True)
class Adam:
    """Kingma & Ba 2015, arXiv:1412.6980. Both betas are floats; no weight decay."""

    lr: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.99)
    eps: float = 1e-8


@dataclass(frozen=True)
class RMSprop:
    """Tieleman & Hinton 2012, as WGAN uses it."""

    lr: float = 5e-5
    alpha: float = 0.99
    eps: float = 1e-8


@dataclass_transform(kw_only_default=True)
class Game(nn.Module):
    """Subclass it, annotate the players and the settings, and write ``play``. Fields become flags.

    Attributes kept across rounds (and in checkpoints), beside the game's own buffers:
        t: rounds played. seen: real samples shown. planned: samples the whole run will show, 0 when open-ended.
        epoch: batches in one pass over the data, as the loop found it.
    """

    t: int
    seen: int
    planned: int
    epoch: int

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclass(kw_only=True, eq=False, repr=False)(cls)

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Prepare the module before the dataclass fills its fields."""
        game = super().__new__(cls)
        nn.Module.__init__(game)
        game.t = game.seen = game.planned = 0
        game.epoch = 1
        return game

    def play(self, batches: Iterator[Batch]) -> Iterator[Move | tuple[Any, ...]]:
        """Yield the moves of one round, in order. Must be idempotent: it runs once for each accumulated play."""
        raise TypeError(f"{type(self).__name__} must define play(batches) and yield its moves")

    def settle(self, moves: Sequence[tuple[str, Move]]) -> None:
        """What follows a round, once, whatever the number of plays: keep running statistics in float buffers here.

        ``moves`` are the round's, by players' names, their notes joined over all plays of this rank; buffers are
        averaged over ranks afterwards.
        """

    def heard(self, score: float) -> None:
        """The score of a checkpoint on held-out samples, lower is better: for games with phases. Keep it in buffers."""

    @classmethod
    def private_moves(cls, settings: Mapping[str, Any]) -> int:
        """Moves of a round that see real samples, if all do by guarded gradients alone; 0: the game is not private."""
        return 0

    @classmethod
    def conditions(cls, labels: Labels | None, settings: Mapping[str, Any]) -> Labels | None:
        """What the generator is told, by the game's ``settings``; without a word of the game what the data knows."""
        return labels

    @classmethod
    def sizes(cls, player: str, latent: int, features: int, labels: Labels | None) -> tuple[int, int]:
        """(inputs, outputs) of a Head or an Encoder (which has no say in its inputs).

        ``features`` is the size of D's, ``labels`` what the generator is told.
        """
        raise TypeError(f"{cls.__name__} must define sizes(…) -> (inputs, outputs) of {player}")

    def optimiser(self, player: str) -> Adam | RMSprop:
        """The settings of a player's optimiser now; asked again before each round, so it may follow ``seen``."""
        return Adam()

    def players(self) -> dict[str, nn.Module]:
        """The modules of the game that own parameters to learn, by field name."""
        return {n: m for n, m in self.named_children() if any(p.requires_grad for p in m.parameters())}

    def burn_in(self, start: float, end: float, share: float) -> float:
        """From ``start`` to ``end`` on half a cosine over the first ``share`` of the planned samples, then ``end``.

        R3GAN's schedule (Huang et al. 2024, arXiv:2501.05441, appendix). An open-ended run has no burn-in.
        """
        span = share * self.planned
        done = min(1.0, self.seen / span) if span else 1.0
        return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * done))
