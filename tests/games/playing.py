"""What the tests of games share: games built as a run builds them, and the loop written by hand."""

from __future__ import annotations

import itertools
import types
from typing import Any

import torch

from ganvas.game import Game, Move
from ganvas.nets import mlp
from ganvas.recipe import couple
from ganvas.space import Data
from ganvas.training.batches import Batches
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds
from ganvas.training.settings import Settings


def built(data: Data, kind: type[Game], net: types.ModuleType = mlp, **flags: Any) -> Game:
    """The game with small players, always with the same weights."""
    small = {"hidden": 32, "latent": 4} if net is mlp else {"width": 8, "latent": 8}
    chosen = couple(kind, net)
    return chosen.build(data.space, chosen.distribute(small | flags), Settings())


def one_round(game: Game, data: Data, batch: int = 32) -> list[tuple[str, Move]]:
    """The moves of one round, played."""
    return next(rounds(game, Batches(data, batch, seed=3), Optimisers(game)))


def train(game: Game, data: Data, seen: int, batch: int = 128, lr: float | None = None) -> Game:
    """The game after so many samples."""
    torch.manual_seed(0)
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
