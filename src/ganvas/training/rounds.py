"""The loop. One round is one pass through ``Game.play``: the algorithm box of the paper, move by move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from ganvas.game import Game, Move
from ganvas.rules.rules import Rules
from ganvas.training.batches import Batches, seed_torch
from ganvas.training.devices import Device
from ganvas.training.ema import EMA
from ganvas.training.figures import joined
from ganvas.training.optim import Optimisers


def rounds(
    game: Game,
    batches: Batches,
    optimisers: Optimisers,
    ema: EMA | None = None,
    *,
    plays: int = 1,
    clip: float | None = None,
    rules: Rules = Rules(),  # noqa: B008 (frozen)
    device: Device = Device("cpu", "float32"),  # noqa: B008 (frozen)
) -> Iterator[list[tuple[str, Move]]]:
    """Play for ever, a round at a time; each item is the round's moves as (players' names, move of the last play).

    ``rules`` are what the user adds to any game. ``plays`` > 1 accumulates gradients: the round is played that many
    times in lockstep, each on its share of the global batch. ``clip`` bounds the norm of a move's gradient.
    """
    game.epoch = batches.epoch
    while True:
        optimisers.tune(game)
        seed_torch(batches.seed, game.t, batches.position, device.rank)
        shares = batches.split(plays)
        games = [iter(rules.play(game, share)) for share in shares]
        moves = []
        while (done := advance(games, optimisers, device)) is not None:
            names, move = done
            weights = optimisers.weights(names)
            device.synchronise([w.grad for w in weights if w.grad is not None])
            if clip is not None:
                clip_grad_norm_(weights, clip)
            optimisers.step(names)
            moves.append(("+".join(names), move))
        shown, batches.position = shares[0].position - game.seen, shares[0].position
        game.t, game.seen = game.t + 1, batches.position
        rules.settle(game, moves, shown)
        device.average_buffers(game)
        if ema is not None:
            ema.update(game, shown, game.seen)
        yield moves


def advance(
    games: Sequence[Iterator[Move | tuple[Any, ...]]], optimisers: Optimisers, device: Device
) -> tuple[list[str], Move] | None:
    """Bring every play to its next move and add up the gradients of their losses; None when the round is over."""
    names: list[str] = []
    done = []
    for play in games:
        with device.arithmetic():
            found = next(play, None)
        if found is None:
            return None
        move = Move(*found)
        names = optimisers.names(move.player)
        check(move.loss, names)
        (move.loss / len(games)).backward(inputs=optimisers.weights(names))
        done.append(Move(move.player, move.loss.detach(), {k: detached(v) for k, v in move.notes.items()}))
        del found, move
    return names, joined(done)


def check(loss: Tensor, names: list[str]) -> None:
    """Raise TypeError for a loss that nobody can descend."""
    if loss.dim():
        raise TypeError(f"the loss of {'+'.join(names)} must be a scalar, not {tuple(loss.shape)}; take its mean")
    if not loss.requires_grad:
        raise TypeError(f"the loss of {'+'.join(names)} does not depend on any weights; was it detached?")


def detached(note: Tensor | float) -> Tensor | float:
    """A note without its graph."""
    return note.detach() if isinstance(note, Tensor) else note
