"""Noise in a network: other numbers for each batch that trains it, the same ones for each sample of a trained one."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Noise(nn.Module):
    """x plus noise that all channels share, times a learnt strength, at first 0. Karras et al. 2019, arXiv:1812.04948,
    section 2, with one strength for all channels (as in StyleGAN2 and FastGAN), times a fixed ``gain``."""

    fixed: Tensor

    def __init__(self, height: int, width: int, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", torch.randn(1, 1, height, width))

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] -> the same shape."""
        noise = torch.randn_like(x[:, :1]) if self.training else self.fixed
        return x + (self.gain * self.strength).to(x.dtype) * noise.to(x.dtype)
