"""The averaged generators: the ones that are judged, saved and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ganvas.generator import Generator

RAMP = 0.05  # the half-life never exceeds this share of the samples seen (StyleGAN2, arXiv:1912.04958, code)


class EMA:
    """Exponential moving averages of a game's generators, by field name, with a half-life in samples.

    Float buffers are averaged too.
    While the run is young the half-life is 5 % of the samples seen. Karras et al. 2018, arXiv:1710.10196, section 3.
    """

    def __init__(self, game: nn.Module, half_life: float) -> None:
        found = {name: copy.deepcopy(player) for name, player in generators(game)}
        self.average = nn.ModuleDict(found).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, game: nn.Module, shown: int, seen: int) -> None:
        """Move towards the players after a round that showed ``shown`` samples, ``seen`` in all."""
        half_life = min(self.half_life, seen * RAMP)
        keep = 0.5 ** (shown / half_life) if half_life else 0.0
        old: list[Tensor] = [*self.average.parameters()]
        players = nn.ModuleDict(dict(generators(game)))
        new: list[Tensor] = [*players.parameters()]
        for ours, theirs in zip(self.average.buffers(), players.buffers(), strict=True):
            if ours.is_floating_point():
                old.append(ours)
                new.append(theirs)
            else:
                ours.copy_(theirs)
        if old:
            torch._foreach_lerp_(old, new, 1 - keep)


def generators(game: nn.Module) -> list[tuple[str, Generator]]:
    """The generators among a game's players, by field name."""
    return [(name, player) for name, player in game.named_children() if isinstance(player, Generator)]
