"""Codes that make what is wanted, found by gradient descent from several starts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import relu

from ganvas.generator import Generator
from ganvas.layers.mapped import Mapped
from ganvas.watching import watching

RAMP_UP, RAMP_DOWN, NOISY = 0.05, 0.25, 0.75  # shares of the steps: Karras et al. 2020, arXiv:1912.04958, appendix D
NOISE = 0.05  # … at first, as a share of how far codes lie from their mean
RATE = 0.1  # of Adam, as there
CHUNK = 64  # codes painted at once
ROUNDS = ((0.125, 2 / 3), (0.25, 1 / 3), (0.5, 0.0))  # after this share of the steps, starts ** this are left

Cost = Callable[[Tensor, Tensor], Tensor]
"""(codes [m, …], which of the things wanted each is for [m]) -> what is wrong with each [m]; keeps the graph."""


@dataclass(frozen=True)
class Region:
    """Where a generator's codes lie: their mean ``centre``, the mean square distance ``spread`` from it, and which of
    their numbers are ``free`` (1; conditions are 0: they stay)."""

    centre: Tensor
    spread: Tensor
    free: Tensor

    @classmethod
    def of(cls, generator: Generator, codes: Tensor) -> Region:
        """The region of drawn codes [n, k]."""
        free = torch.ones(codes.shape[1])
        if not isinstance(generator.net, Mapped):
            free[generator.prior.size :] = 0
        centre = codes.mean(0)
        return cls(centre, ((codes - centre) * free).square().sum(1).mean(), free)

    def beyond(self, code: Tensor) -> Tensor:
        """How far codes [n, k] or [n, layers, k] lie outside [n]: 0 within the usual distance from the mean."""
        away = ((code - self.centre) * self.free).square().sum(-1) / self.spread
        return relu(away - 1).square().flatten(1 if away.dim() > 1 else 0).reshape(len(code), -1).mean(1)

    def noise(self, code: Tensor, random: torch.Generator) -> Tensor:
        """Normal numbers shaped as codes; their vectors are as long, on average, as codes are far from the mean."""
        return torch.randn(code.shape, generator=random) * self.free * (self.spread / self.free.sum()).sqrt()


def extended(generator: Generator, code: Tensor) -> Tensor:
    """Codes in a larger space: another style for each layer [n, layers, style], W+ of Abdal et al. 2019,
    arXiv:1904.03189; other codes as they are."""
    return generator.net.spread(code).clone() if isinstance(generator.net, Mapped) else code


def descend(
    cost: Cost, starts: Tensor, region: Region, steps: int, rate: float = RATE, what: str = "searching"
) -> tuple[Tensor, Tensor]:
    """The best code for each of n things wanted, of those that s ``starts`` [n, s, …] lead to; and which start [n].

    Adam with the rate and noise of Karras et al. 2020 (arXiv:1912.04958, appendix D). Starts that lag are given up
    early: successive halving, Jamieson & Talwalkar 2016, arXiv:1502.07943.
    """
    random = torch.Generator().manual_seed(0)
    count, several = starts.shape[:2]
    code = starts.flatten(0, 1).clone().requires_grad_()
    alive = torch.arange(count * several).view(count, several)
    optimiser = torch.optim.Adam([code], rate)
    cuts = {math.floor(share * steps): math.ceil(several**power - 1e-9) for share, power in ROUNDS}
    with watching(what, steps) as tell:
        for step in range(steps):
            if step in cuts:
                alive = fittest(cost, code.detach(), alive, cuts[step])
            done = step / steps
            optimiser.param_groups[0]["lr"] = rate * ramp(done)
            optimiser.zero_grad()
            loud = NOISE * max(0.0, 1 - done / NOISY) ** 2
            for rows in alive.flatten().split(CHUNK):
                here = code[rows]
                cost(here + loud * region.noise(here, random), rows // several).sum().backward()
            assert code.grad is not None
            code.grad.mul_(region.free)
            optimiser.step()
            tell(step + 1)
    alive = fittest(cost, code.detach(), alive, 1)[:, 0]
    return code.detach()[alive], alive % several


def ramp(done: float) -> float:
    """The share of the learning rate after this share of the steps: up along a line, down along half a cosine."""
    left = min(1.0, (1 - done) / RAMP_DOWN)
    return min(1.0, done / RAMP_UP + 1e-2) * (0.5 - 0.5 * math.cos(math.pi * left))


@torch.no_grad()
def fittest(cost: Cost, code: Tensor, alive: Tensor, most: int) -> Tensor:
    """The ``most`` [n, most] of the rows ``alive`` [n, a] of ``code`` that cost least, best first."""
    if alive.shape[1] == 1:
        return alive
    owner = torch.arange(len(alive)).repeat_interleave(alive.shape[1])
    flat = alive.flatten()
    costs = torch.cat([cost(code[r], o) for r, o in zip(flat.split(CHUNK), owner.split(CHUNK), strict=True)])
    order = costs.view(alive.shape).argsort(dim=1, stable=True)[:, :most]
    return alive.gather(1, order)
