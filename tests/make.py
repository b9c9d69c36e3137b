"""Small things that several tests build."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import torch

from ganvas.game import Game
from ganvas.nets import mlp
from ganvas.recipe import couple
from ganvas.rules.rules import Rules
from ganvas.space import Data
from ganvas.spaces.tables import tables
from ganvas.training.batches import Batches
from ganvas.training.devices import Device
from ganvas.training.ema import EMA
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings


def game_on(data: Data, kind: type[Game], hidden: int = 32, **settings: Any) -> Game:
    """A game of small fully connected players, always with the same weights."""
    made = couple(kind, mlp)
    small = {"latent": 8, "hidden": hidden, "code": 8, "units": hidden}
    given: dict[str, dict[str, Any]] = {"game": settings, **{player: {} for player in made.nets}}
    for flag in made.flags():
        if flag.owner in made.nets and flag.name in small:
            given[flag.owner][flag.name] = small[flag.name]
    return made.build(data.space, given, Settings())


def mixed(count: int = 240, seed: int = 0) -> pd.DataFrame:
    """Rows of all kinds: a class, one rare; a number that follows it; one with missing values; a truth."""
    random = np.random.default_rng(seed)
    kind = random.choice(["a", "b", "rare"], count, p=[0.6, 0.35, 0.05])
    x = random.normal(size=count) + np.select([kind == "a", kind == "b"], [-2.0, 2.0], 0.0)
    hole = np.where(random.random(count) < 0.2, np.nan, 3 * x + 0.3 * random.normal(size=count))
    return pd.DataFrame({"kind": kind, "x": x, "hole": hole, "truth": x > 0})


def table(count: int = 240, holdout: float = 0.1) -> Data:
    """A table of ``mixed`` rows."""
    return tables(mixed(count), holdout=holdout)


def play(
    game: Game, data: Data, count: int, plays: int = 1, device: Device | None = None, rules: Rules | None = None
) -> EMA:
    """So many rounds of batches of 32; returns the averaged generator."""
    ema = EMA(game, 1000)
    device = device or Device("cpu", "float32")
    batches = Batches(data, 32, seed=3, shard=(device.rank, device.ranks))
    loop = rounds(game, batches, Optimisers(game), ema, plays=plays, device=device, rules=rules or Rules())
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
