"""How a network is told a condition: norms whose gain depends on it, scores that are compared with it."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["batch", "none"]


class ConditionalNorm(nn.Module):
    """Batch norm whose gain and bias depend on the condition: Dumoulin et al. 2017, arXiv:1610.07629, eq. (5)."""

    def __init__(self, channels: int, condition: int, norm: Norm = "batch") -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()
        self.embed = nn.Linear(condition, 2 * channels, bias=False) if condition else None

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """[n, c, h, w] and conditions [n, k] -> [n, c, h, w]."""
        x = self.norm(x)
        if self.embed is None or y is None:
            return x
        gain, bias = self.embed(y)[:, :, None, None].chunk(2, 1)
        return torch.addcmul(x + bias, x, gain)


class Projection(nn.Module):
    """Scores of features, compared with an embedded condition: w·h + h·(V y) / √size.

    Miyato & Koyama 2018, arXiv:1802.05637, eq. (3); the root keeps the second term's scale free of the size.
    """

    def __init__(self, size: int, condition: int) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1)
        self.embed = nn.Linear(condition, size, bias=False) if condition else None

    def forward(self, h: Tensor, y: Tensor | None) -> Tensor:
        """Features [n, size] and conditions [n, c] or None -> scores [n]."""
        scores = self.score(h).squeeze(1)
        if self.embed is None or y is None:
            return scores
        return scores + (h * self.embed(y)).sum(1) / math.sqrt(h.shape[1])
