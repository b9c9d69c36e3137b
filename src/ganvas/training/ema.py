"""The averaged generator: the one that is judged, saved and shipped."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

RAMP = 0.05  # the half-life never exceeds this share of the samples seen (StyleGAN2, arXiv:1912.04958, code)


class EMA:
    """An exponential moving average of a module, its float buffers too, with a half-life in samples.

    While the run is young the half-life is 5 % of the samples seen. Karras et al. 2018, arXiv:1710.10196, section 3.
    """

    def __init__(self, module: nn.Module, half_life: float) -> None:
        self.average = copy.deepcopy(module).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, module: nn.Module, shown: int, seen: int) -> None:
        """Move towards ``module`` after a round that showed ``shown`` samples, ``seen`` in all."""
        half_life = min(self.half_life, seen * RAMP)
        keep = 0.5 ** (shown / half_life) if half_life else 0.0
        old: list[Tensor] = [*self.average.parameters()]
        new: list[Tensor] = [*module.parameters()]
        for ours, theirs in zip(self.average.buffers(), module.buffers(), strict=True):
            if ours.is_floating_point():
                old.append(ours)
                new.append(theirs)
            else:
                ours.copy_(theirs)
        torch._foreach_lerp_(old, new, 1 - keep)
