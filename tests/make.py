"""Small things that several tests build."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from ganvas.game import Game
from ganvas.generator import Generator, Prior
from ganvas.nets import mlp
from ganvas.space import Data
from ganvas.training.batches import Batches
from ganvas.training.devices import Device
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds


def game_on(data: Data, kind: type[Game], hidden: int = 32, **settings: Any) -> Game:
    """A game of small fully connected players, always with the same weights."""
    torch.manual_seed(0)
    net = mlp.Generator(data.space, latent=8, hidden=hidden)
    G = Generator(net, Prior(8), data.space.head(), data.space.labels)
    return kind(G=G, D=mlp.Discriminator(data.space, hidden=hidden), **settings)


def play(game: Game, data: Data, count: int, batch: int = 32, plays: int = 1, device: Device | None = None) -> EMA:
    """So many rounds; returns the averaged generator."""
    ema = EMA(game, 1000)
    device = device or Device("cpu", "float32")
    batches = Batches(data, batch, seed=3, shard=(device.rank, device.ranks))
    loop = rounds(game, batches, Optimisers(game), ema, plays=plays, device=device)
    for _ in itertools.islice(loop, count):
        pass
    return ema


def weights(game: Game) -> torch.Tensor:
    """All parameters and float buffers as one vector."""
    parts = [*game.parameters(), *(b for b in game.buffers() if b.is_floating_point())]
    return torch.cat([p.detach().flatten().double() for p in parts])


def close(a: Game, b: Game, start: Game) -> None:
    """Raise unless two games moved from ``start`` to the same place, up to 1 part in 1,000 of the way (rounding)."""
    way, gap = (weights(a) - weights(start)).norm(), (weights(a) - weights(b)).norm()
    assert way > 0
    assert gap < 1e-3 * way, f"moved {way:.2g}, apart {gap:.2g}"
