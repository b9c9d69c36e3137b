"""Layers with an equalised learning rate: weights are N(0, 1) and scaled by He's constant when they are used.

Karras et al. 2018 (progressive growing), arXiv:1710.10196, section 4.1; the ``rate`` of a layer, its learning rate as
a share of the others', is StyleGAN's, arXiv:1812.04948, appendix C.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


class EqualLinear(nn.Module):
    """[n, inputs] -> [n, outputs]. Biases begin at ``bias`` (None: no biases)."""

    def __init__(self, inputs: int, outputs: int, bias: float | None = 0.0, rate: float = 1.0, gain: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale, self.rate = gain * rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs] -> [n, outputs]."""
        return linear(x, self.weight * self.scale, None if self.bias is None else self.bias * self.rate)


class EqualConv2d(nn.Module):
    """[n, inputs, h, w] -> [n, outputs, h', w']."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.stride, self.padding = gain / math.sqrt(inputs * kernel**2), stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] -> [n, outputs, h', w']."""
        return conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)
