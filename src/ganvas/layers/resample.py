"""Resampling by 2 with the binomial filter [1, 3, 3, 1], which keeps what would alias out of the next resolution.

Karras et al. 2020 (StyleGAN2), arXiv:1912.04958, appendix B; after Zhang 2019, arXiv:1904.11486.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d


class Smooth(nn.Module):
    """[n, c, h, w] -> [n, c, (h + 2 padding - 4) // stride + 1, …]: each channel filtered, times ``gain``."""

    taps: Tensor

    def __init__(self, padding: int, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("taps", gain * line[:, None] * line, persistent=False)
        self.padding, self.stride = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """Pictures -> filtered pictures."""
        c = x.shape[1]
        return conv2d(x, self.taps.expand(c, 1, 4, 4), None, self.stride, self.padding, groups=c)


class Double(nn.Module):
    """[n, c, h, w] -> [n, c, 2h, 2w]: zeros between the pixels, filtered away."""

    taps: Tensor

    def __init__(self) -> None:
        super().__init__()
        line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
        self.register_buffer("taps", line[:, None] * line, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures -> pictures of twice the size."""
        c = x.shape[1]
        return conv_transpose2d(x, self.taps.expand(c, 1, 4, 4), None, stride=2, padding=1, groups=c)
