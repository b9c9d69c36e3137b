"""Norms that have no gains of their own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ModulatedNorm(nn.Module):
    """Batch norm whose gain, 1 + A c, and bias, B c, are linear in a vector c. Brock et al. 2019, arXiv:1809.11096,
    figure 15: c is the label's embedding and a piece of z."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = nn.Linear(condition, channels, bias=False)
        self.bias = nn.Linear(condition, channels, bias=False)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """[n, channels, h, w] and vectors [n, condition] -> [n, channels, h, w]."""
        gain, bias = self.gain(c)[:, :, None, None], self.bias(c)[:, :, None, None]
        return torch.addcmul(bias, self.norm(x), 1 + gain)


def pixel_norm(x: Tensor) -> Tensor:
    """[n, c, …] with the mean square over c made 1 at each place, computed in float32. Karras et al. 2018,
    arXiv:1710.10196, section 4.2; of latents [n, c] in StyleGAN."""
    square = x.float().square().mean(1, keepdim=True)
    return x * (square + 1e-8).rsqrt().to(x.dtype)
