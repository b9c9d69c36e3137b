"""The last layer of a network that makes rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Makes a network's output [n, d] a valid row, and leaves valid rows as they are.

    Normal scores stay; each of ``blocks`` (start, width) becomes one-hot of its largest, each of ``flags`` (numbers of
    x) 1 above a sigmoid of a half, else 0, with the score before it then 0. Gradients are those of the softmax and the
    sigmoid (straight through: Bengio et al. 2013, arXiv:1308.3432).
    """

    def __init__(self, blocks: Sequence[tuple[int, int]], flags: Sequence[int]) -> None:
        super().__init__()
        self.blocks, self.flags = tuple(blocks), tuple(flags)

    def forward(self, x: Tensor) -> Tensor:
        """[n, d] -> [n, d]."""
        parts: list[Tensor] = []
        done = 0
        for start, width in self.blocks:
            block = x[:, start : start + width]
            soft = block.softmax(1)
            hard = torch.zeros_like(block).scatter(1, block.argmax(1, keepdim=True), 1.0)
            parts += [x[:, done:start], hard + (soft - soft.detach())]
            done = start + width
        x = torch.cat([*parts, x[:, done:]], 1)
        if not self.flags:
            return x
        at = torch.tensor(self.flags, device=x.device)
        soft = x[:, at].sigmoid()
        hard = (soft > 0.5).to(x.dtype)
        scores = x[:, at - 1] * (1 - hard)
        return x.index_copy(1, at, hard + (soft - soft.detach())).index_copy(1, at - 1, scores)
