"""Self-attention on pictures: every place looks at all others."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, softmax


class SelfAttention(nn.Module):
    """x + γ · what each place gathers from all. Zhang et al. 2019 (SAGAN), arXiv:1805.08318, eqs. (1) to (3).

    As in the authors' code and in BigGAN, keys and values are pooled 2×2 and values have half the channels. γ begins
    at 0, so the layer begins as the identity (and its other weights without a gradient).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.query = nn.Conv2d(channels, narrow, 1, bias=False)
        self.key = nn.Conv2d(channels, narrow, 1, bias=False)
        self.value = nn.Conv2d(channels, half, 1, bias=False)
        self.answer = nn.Conv2d(half, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] -> [n, c, h, w]."""
        query = self.query(x).flatten(2)  # [n, c / 8, h w]
        key, value = (max_pool2d(layer(x), 2, ceil_mode=True).flatten(2) for layer in (self.key, self.value))
        share = softmax(query.mT @ key, 2, dtype=torch.float32).to(value.dtype)  # [n, h w, h w / 4]
        gathered = value @ share.mT  # [n, c / 2, h w]
        return x + self.gamma * self.answer(gathered.unflatten(2, x.shape[2:]))


def looking(sides: Sequence[int], channels: Sequence[int], attention: int, picture: int) -> nn.ModuleList:
    """What follows each block of a network: self-attention after one, nothing after the others.

    ``sides`` and ``channels``: short side and channels of each block's output. The one is the finest of at most
    ``attention`` pixels; there is none when there is no such block or the ``picture``'s short side is smaller.
    """
    fit = [side for side in sides if side <= attention <= picture]
    at = sides.index(max(fit)) if fit else None
    return nn.ModuleList(SelfAttention(c) if i == at else nn.Identity() for i, c in enumerate(channels))
