"""Some rounds of a game, played by hand: what the players do to each other, seen in their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.game import Discriminator, Move
from ganvas.generator import Generator

if TYPE_CHECKING:
    from ganvas.session import Session

ROUNDS, FEW_ROUNDS, MANY_WEIGHTS = 64, 16, 5_000_000  # rounds played; fewer with so many weights
COORDINATES = 50_000  # of a player's gradient that are kept
SNAPSHOTS, WATCHED = 8, 200  # times at which so many samples are drawn again, from the same latents

Figures = dict[str, float]


def moves(session: Session, spread: float) -> Figures:
    """Play some rounds by hand and follow the gradients: do they turn, do they reach the generator, who is dead.

    The session is another one afterwards: throw it away.
    """
    weights = sum(p.numel() for p in session.game.parameters())
    watch = Watch(session, spread)
    rounds = ROUNDS if weights <= MANY_WEIGHTS else FEW_ROUNDS
    for number in range(rounds):
        watch.round()
        if number % (rounds // SNAPSHOTS) == 0:
            watch.snapshot()
    watch.close()
    return watch.figures()


class Watch:
    """Plays rounds of a session and keeps a part of every gradient, the critics' answers and what is drawn.

    ``spread`` is the mean distance of two real samples, the measure of how far made ones move.
    """

    def __init__(self, session: Session, spread: float) -> None:
        self.session, self.spread, self.gradients = session, spread, dict[str, list[Tensor]]()
        self.alive: dict[int, Tensor] = {}
        self.answers: list[Tensor] = []
        self.responses: list[float] = []
        self.drawn: list[Tensor] = []
        critics = [player for player in session.game.players().values() if isinstance(player, Discriminator)]
        self.hooks = [critic.register_forward_hook(self.answered) for critic in critics]
        random = torch.Generator().manual_seed(0)
        self.kept = {}
        for name in session.game.players():
            sizes = [w.numel() for w in session.optimisers.weights([name])]
            share = min(1.0, COORDINATES / max(1, sum(sizes)))
            self.kept[name] = [torch.randint(n, (max(1, round(n * share)),), generator=random) for n in sizes]

    def answered(self, critic: nn.Module, asked: Any, answer: Tensor) -> None:
        """Keep a critic's scores, with their gradient to come; not those of records asked one at a time."""
        if answer.requires_grad:
            with suppress(RuntimeError):  # torch.func keeps the gradient of a single record to itself
                answer.retain_grad()
                self.answers.append(answer)

    def round(self) -> None:
        """One round, as ``training/rounds.py`` plays it."""
        session = self.session
        session.optimisers.tune(session.game)
        play = iter(session.rules.play(session.game, session.batches))
        while True:
            self.answers.clear()
            with session.device.arithmetic():
                found = next(play, None)
            if found is None:
                break
            move = Move(*found)
            names = session.optimisers.names(move.player)
            move.loss.backward(inputs=[*session.optimisers.weights(names), *self.answers])
            self.note(names)
            session.optimisers.step(names)
        session.game.t, session.game.seen = session.game.t + 1, session.batches.position

    def note(self, names: Sequence[str]) -> None:
        """Keep what a move's gradients say."""
        for name in names:
            weights = self.session.optimisers.weights([name])
            parts = [
                torch.zeros(len(k)) if w.grad is None else w.grad.flatten()[k.to(w.device)].float().cpu()
                for w, k in zip(weights, self.kept[name], strict=True)
            ]
            self.gradients.setdefault(name, []).append(torch.cat(parts))
            if isinstance(self.session.game.players()[name], Generator):
                self.listen(weights)

    def listen(self, weights: Sequence[nn.Parameter]) -> None:
        """Keep how loudly the critics answered in a generator's move, and which of its units heard."""
        grads = [a.grad for a in self.answers if a.grad is not None]
        self.responses.append(sum(float(g.abs().sum()) for g in grads))
        for w in weights:
            if w.grad is not None and w.dim() > 1:
                self.alive[id(w)] = self.alive.get(id(w), torch.zeros_like(w)) + w.grad.abs()

    def snapshot(self) -> None:
        """Draw the same latents again."""
        maker = next((p for p in self.session.game.players().values() if isinstance(p, Generator)), None)
        if maker is not None:
            self.drawn.append(maker.draw(range(WATCHED))[0].flatten(1))

    def close(self) -> None:
        """Leave the critics as they were."""
        for hook in self.hooks:
            hook.remove()

    def figures(self) -> Figures:
        """What was seen, in numbers."""
        found: Figures = {}
        for name, kept in self.gradients.items():
            found[f"gradient_{name}"] = float(torch.stack([g.norm() for g in kept]).median())
            found[f"turn_{name}"], found[f"turn_after_{name}"] = turning(torch.stack(kept))
        if self.responses:
            found["response"] = float(np.median(self.responses))
        if self.alive:
            found["dead"] = max(dead(total) for total in self.alive.values())
        if len(self.drawn) > 1:
            steps = [float((b - a).norm(dim=1).mean()) for a, b in zip(self.drawn, self.drawn[1:], strict=False)]
            whole = float((self.drawn[-1] - self.drawn[0]).norm(dim=1).mean())
            found["stride"] = float(np.mean(steps)) / max(self.spread, 1e-12)
            found["wandering"] = sum(steps) / max(whole, 1e-12)
        return found


def turning(gradients: Tensor) -> tuple[float, int]:
    """The least mean cosine of two gradients of [rounds, d] that lie some rounds apart, and how many rounds.

    Near 0 when noise rules, positive on the way somewhere, clearly negative when the game goes in circles: a rotating
    field comes back reversed after half a turn (Mescheder et al. 2018, arXiv:1801.04406, section 2).
    """
    unit = gradients / gradients.norm(dim=1, keepdim=True).clamp(min=1e-30)
    alike = unit @ unit.T
    lags = [float(alike.diagonal(lag).mean()) for lag in range(1, max(2, 3 * len(unit) // 4))]
    return min(lags), int(np.argmin(lags)) + 1


def dead(total: Tensor) -> float:
    """The share of units of a layer, inputs or outputs of its weight, through which no gradient came in any round."""
    flat = total.flatten(2).sum(2) if total.dim() > 2 else total
    return max(float((flat.sum(side) == 0).double().mean()) for side in (0, 1))
