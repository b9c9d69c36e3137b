"""One optimiser for each player, with the numbers its game asks for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganvas.game import Adam, Game

FUSED = ("cpu", "cuda", "mps")  # device types whose Adam has a fused kernel


class Optimisers:
    """The optimisers of a game's players, by field name. ``lr`` replaces every player's starting learning rate."""

    def __init__(self, game: Game, lr: float | None = None) -> None:
        self.players = game.players()
        check_disjoint(self.players)
        self._weights = {n: [p for p in m.parameters() if p.requires_grad] for n, m in self.players.items()}
        self._scale = {n: 1.0 if lr is None else lr / game.optimiser(n).lr for n in self.players}
        self.of = {name: make(game, name, player) for name, player in self.players.items()}
        self.measuring = False  # whether step() notes how long the gradients are
        self.gradients: dict[str, Tensor] = {}  # norm of each player's last measured gradient
        self.tune(game)

    def gentler(self, factor: float) -> None:
        """Multiply the learning rate of every player, now and for the rest of the run."""
        self._scale = {name: scale * factor for name, scale in self._scale.items()}

    def tune(self, game: Game) -> None:
        """Set every optimiser to what the game asks for at this moment of the run."""
        for name, optimiser in self.of.items():
            wanted = game.optimiser(name)
            for group in optimiser.param_groups:
                group["lr"] = wanted.lr * self._scale[name]
                if isinstance(wanted, Adam):
                    group["betas"] = wanted.betas

    def names(self, player: nn.Module | tuple[nn.Module, ...]) -> list[str]:
        """The field names of a move's player or players. Raises TypeError for a module that is no player."""
        modules = player if isinstance(player, tuple) else (player,)
        found = [name for name, module in self.players.items() if any(module is m for m in modules)]
        if len(found) != len(modules):
            given = ", ".join(type(m).__name__ for m in modules)
            raise TypeError(f"a move names {given}, which is not a player; players: {', '.join(self.players)}")
        return found

    def weights(self, names: list[str]) -> list[nn.Parameter]:
        """The parameters that these players learn."""
        return [p for name in names for p in self._weights[name]]

    def step(self, names: list[str]) -> None:
        """One update of these players, then forget their gradients."""
        for name in names:
            if self.measuring:
                found = [w.grad for w in self._weights[name] if w.grad is not None]
                self.gradients[name] = torch.stack(torch._foreach_norm(found)).norm()
            self.of[name].step()
            self.of[name].zero_grad(set_to_none=True)


def make(game: Game, name: str, player: nn.Module) -> torch.optim.Optimizer:
    """The torch optimiser that the game asks for, fused where the device has the kernel."""
    wanted = game.optimiser(name)
    weights: list[Any] = [p for p in player.parameters() if p.requires_grad]
    if isinstance(wanted, Adam):
        fused = weights[0].device.type in FUSED
        return torch.optim.Adam(weights, wanted.lr, wanted.betas, wanted.eps, fused=fused)
    return torch.optim.RMSprop(weights, wanted.lr, wanted.alpha, wanted.eps)


def check_disjoint(players: dict[str, nn.Module]) -> None:
    """Raise TypeError when two players share a parameter: then no move would be one player's own."""
    owner: dict[int, str] = {}
    for name, player in players.items():
        for path, p in player.named_parameters():
            if owner.setdefault(id(p), name) != name:
                raise TypeError(f"players {owner[id(p)]} and {name} share the parameter {path}; give each its own")
