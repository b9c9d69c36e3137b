"""From the moves of rounds to the figures of the log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ganvas.game import Batch, Discriminator, Game, Move
from ganvas.metrics.auc import auc
from ganvas.space import Data, Rows

KNOWN = 256  # training and held-out samples by which overfitting is told; scored at once
Picked = tuple[np.ndarray, np.ndarray | None]  # raw samples [n, …], stored labels [n, c]


def signs(moves: Sequence[tuple[str, Move]]) -> dict[str, list[Tensor]]:
    """What the last round's notes say of each discriminator: ``D.auc``."""
    found = {}
    for name, move in moves:
        real, fake = move.notes.get("real"), move.notes.get("fake")
        if isinstance(real, Tensor) and isinstance(fake, Tensor) and real.dim() and fake.dim():
            found[f"{name}.auc"] = [auc(real, fake)]
    return found


def joined(moves: Sequence[Move]) -> Move:
    """The same move of all plays as one: mean losses and numbers, all scores."""
    if len(moves) == 1:
        return moves[0]
    notes = {name: together([m.notes[name] for m in moves]) for name in moves[0].notes}
    return Move(moves[0].player, torch.stack([m.loss for m in moves]).mean(), notes)


def together(values: Sequence[Tensor | float]) -> Tensor:
    """Scores [n] of several plays after each other, numbers as their mean."""
    found = [torch.as_tensor(value) for value in values]
    return torch.cat(found) if found[0].dim() else torch.stack([value.float() for value in found]).mean()


def gather(sums: dict[str, list[Tensor]], moves: Sequence[tuple[str, Move]]) -> None:
    """Add a round's losses (by player) and notes (as means) to ``sums``."""
    for name, move in moves:
        where = move.loss.device  # a note may be a plain number: all figures are averaged in one place
        sums.setdefault(name, []).append(move.loss.float())
        for note, value in move.notes.items():
            sums.setdefault(f"{name}.{note}", []).append(
                torch.as_tensor(value, dtype=torch.float32, device=where).mean()
            )


def overfitting(game: Game, data: Data) -> float | None:
    """In how many of the pairs the discriminator scores a training sample above a held-out one: 1/2 is right, 1 means
    that it knows the training samples by heart. None without a discriminator or held-out samples.

    The sign by which adaptive augmentation is steered: Karras et al. 2020 (ADA), arXiv:2006.06676, eq. (1) compares
    means of the same scores; the order of pairs does not depend on their scale.
    """
    critic = next((p for p in game.players().values() if isinstance(p, Discriminator)), None)
    if critic is None or not len(data.held_out):
        return None
    where = str(next(critic.parameters()).device)
    known, unknown = (scores(critic, some(data, rows, where)) for rows in (data.train, data.held_out))
    return float(auc(known, unknown))


def some(data: Data, rows: Rows, where: str) -> Batch:
    """Up to 256 of the rows, the same ones each time."""
    return encoded(data, rows.read(np.random.default_rng(0).permutation(len(rows))[:KNOWN]), where)


def encoded(data: Data, picked: Picked, where: str) -> Batch:
    """Rows of data as the players see them, on their device."""
    raw, labels = picked
    y = None if labels is None or data.space.labels is None else data.space.labels.encode(labels).to(where)
    return Batch(data.space.encode(raw).to(where), y)


@torch.no_grad()
def scores(critic: Discriminator, batch: Batch) -> Tensor:
    """Scores [n] on the CPU, in eval mode, made piece by piece."""
    training = critic.training
    critic.eval()
    found = [critic(batch[slice(i, i + KNOWN)]).float().cpu() for i in range(0, len(batch), KNOWN)]
    critic.train(training)
    return torch.cat(found)
