"""What the tests of games share: games built as a run builds them, and the loop written by hand."""

from __future__ import annotations

import itertools
import types
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from ganvas.game import Batch, Game, Move
from ganvas.generator import Generator
from ganvas.nets import mlp
from ganvas.players import Encoder
from ganvas.recipe import couple
from ganvas.space import Data
from ganvas.spaces.toys import Points
from ganvas.training.batches import Batches
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings

P = TypeVar("P", bound=nn.Module)


def built(data: Data, kind: type[Game], net: types.ModuleType = mlp, **flags: Any) -> Game:
    """The game with small players, always with the same weights."""
    small = {"hidden": 32, "latent": 4} if net is mlp else {"width": 8, "latent": 8}
    chosen = couple(kind, net)
    known = {flag.name for flag in chosen.flags()}
    given = {name: value for name, value in small.items() if name in known} | flags
    return chosen.build(data.space, chosen.distribute(given), Settings())


def one_round(game: Game, data: Data, batch: int = 32) -> list[tuple[str, Move]]:
    """The moves of one round, played."""
    return next(rounds(game, Batches(data, batch, seed=3), Optimisers(game)))


def train(game: Game, data: Data, seen: int, batch: int = 128, lr: float | None = None) -> Game:
    """The game after so many samples."""
    if len(data.space.shape) == 3:
        game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loop = rounds(game, Batches(data, batch, seed=0), Optimisers(game, lr))
    for _ in itertools.islice(loop, -(-seen // batch)):
        pass
    return game.eval()


def by_hand(game: Game, data: Data, count: int) -> Game:
    """So many rounds, by a loop that shares nothing with the shipped one but batches and optimisers."""
    batches, optimisers = Batches(data, 32, seed=3), Optimisers(game)
    for _ in range(count):
        moves = []
        for player, loss, notes in game.play(batches):
            names = optimisers.names(player)
            loss.backward(inputs=optimisers.weights(names))
            optimisers.step(names)
            told = {k: v.detach() if isinstance(v, torch.Tensor) else v for k, v in notes.items()}
            moves.append(("+".join(names), Move(player, loss.detach(), told)))
        game.t, game.seen = game.t + 1, batches.position
        with torch.no_grad():
            game.settle(moves)
    return game


def covered(game: Game, data: Data) -> tuple[int, float]:
    """Modes with a fair share of 4,000 samples within 3 sigma × 3, and the share of such samples."""
    space = data.space
    assert isinstance(space, Points)
    x, _ = player(game, "G", Generator).draw(range(4000), seed=1)
    which, good = Points(space.centres, 3 * space.sigma, 1.0).modes(space.decode(x))
    return int((np.bincount(which[good], minlength=len(space.centres)) >= 40).sum()), float(good.mean())


def held_out(data: Data) -> Batch:
    """Up to 256 held-out samples."""
    raw, labels = data.held_out.read(np.arange(min(256, len(data.held_out))))
    known = data.space.labels
    return Batch(data.space.encode(raw), known.encode(labels) if known is not None and labels is not None else None)


@torch.no_grad()
def inverses(game: Game, data: Data) -> dict[str, float]:
    """Mean squares: how far G(E(x)) is from x and E(G(z)) from z, each also for samples paired wrongly."""
    G, E, real = player(game, "G", Generator), player(game, "E", Encoder), held_out(data)
    z = torch.randn(len(real), G.prior.size, generator=torch.Generator().manual_seed(0))
    x, code = G(E(real)[:, : G.prior.size]), E(Batch(G(z)))[:, : G.prior.size]
    pairs = {"x": (x, real.x), "x_wrong": (x, real.x.roll(1, 0)), "z": (code, z), "z_wrong": (code, z.roll(1, 0))}
    return {name: float((a - b).square().mean()) for name, (a, b) in pairs.items()}


def player(game: Game, name: str, kind: type[P]) -> P:
    """A player by its field name."""
    found = game.get_submodule(name)
    assert isinstance(found, kind)
    return found
