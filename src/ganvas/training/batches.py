"""The data as an endless stream of batches whose order is a function of (seed, position)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch

from ganvas.errors import InputError
from ganvas.game import Batch, Draws
from ganvas.space import Data


class Batches(Iterator[Batch]):
    """``next(batches)`` gives the next global batch's rows of this shard.

    ``position``, the samples drawn so far over all shards, is the whole state: set it to resume. A shard is one
    play of one rank: shard 1 of 4 gets the second quarter of every global batch of ``size``. Each draw also seeds
    torch's global generator, so dropout and a game's own ``torch.randn`` repeat too.
    """

    def __init__(
        self, data: Data, size: int, seed: int = 0, device: str = "cpu", shard: tuple[int, int] = (0, 1)
    ) -> None:
        if size % shard[1] or size < shard[1]:
            raise InputError(f"a batch of {size} cannot be shared by {shard[1]} plays; use a multiple of {shard[1]}")
        self.data, self.size, self.seed, self.device, self.shard = data, size, seed, device, shard
        self.position = 0

    @property
    def epoch(self) -> int:
        """Batches in one pass over the data, the last one shared with the next pass."""
        return -(-len(self.data.train) // self.size)

    def split(self, plays: int) -> list[Batches]:
        """This shard's rows again, divided among ``plays`` accumulated plays; each starts at this position."""
        if plays == 1:
            return [self]
        number, of = self.shard
        parts = [
            Batches(self.data, self.size, self.seed, self.device, (number * plays + play, of * plays))
            for play in range(plays)
        ]
        for part in parts:
            part.position = self.position
        return parts

    def __next__(self) -> Batch:
        number, of = self.shard
        share = self.size // of
        rows = np.arange(number * share, (number + 1) * share)
        draws = Draws(self.seed, self.position, rows, self.size)
        seed_torch(self.seed, self.position, number)
        raw, labels = self.data.train.read(self._numbers(rows))
        self.position += self.size
        x = self.data.space.encode(raw).to(self.device, non_blocking=True)
        if labels is None or self.data.space.labels is None:
            return Batch(x, None, draws)
        return Batch(x, self.data.space.labels.encode(labels).to(self.device), draws)

    def _numbers(self, rows: np.ndarray) -> np.ndarray:
        """The data rows that stand at these rows of the global batch: every epoch is its own permutation."""
        count = len(self.data.train)
        epochs, places = np.divmod(self.position + rows, count)
        chosen = np.empty(len(rows), np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = order(self.seed, int(epoch), count)[places[here]]
        return chosen


@lru_cache(maxsize=2)
def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """The permutation of ``count`` rows in which an epoch visits them."""
    random = np.random.Generator(np.random.Philox(key=[seed, epoch], counter=[0, 0, 1, 0]))
    return random.permutation(count)


def seed_torch(*key: int) -> None:
    """Seed torch's global generators by a hash of ``key``. (``torch.manual_seed`` does it too, 0.5 ms slower.)"""
    seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> 1)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
