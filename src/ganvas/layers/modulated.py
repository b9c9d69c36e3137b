"""Convolutions whose weights depend on a style.

Karras et al. 2020 (StyleGAN2), arXiv:1912.04958, section 2.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from ganvas.layers.equalised import EqualLinear
from ganvas.layers.resample import Smooth


class Modulated(nn.Module):
    """x [n, inputs, h, w] and w [n, style] -> [n, outputs, h, w], or twice the size with ``up``; times ``gain``.

    A style scales the input channels, w'_ijk = s_i w_ijk, eq. (1), and ``demodulate`` divides each output channel by
    the length of its scaled weights, eq. (3). Both commute with a convolution that all samples share: scale the
    channels, convolve, scale the channels. That is the function of weights for each sample without making them.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style: int,
        up: bool = False,
        demodulate: bool = True,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style = EqualLinear(style, inputs, bias=1.0)
        self.smooth = Smooth(padding=1, gain=4.0) if up else None  # 4: three of four pixels were zeros
        self.scale, self.gain, self.demodulate = 1 / math.sqrt(inputs * kernel**2), gain, demodulate

    def forward(self, x: Tensor, w: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """``scale`` multiplies the input, after the demodulation was decided."""
        styles, weight = self.style(w).float(), self.weight * self.scale
        x = x * (styles * scale).to(x.dtype)[:, :, None, None]
        if self.smooth is None:
            x = conv2d(x, weight, padding=weight.shape[2] // 2)
        else:
            x = self.smooth(conv_transpose2d(x, weight.transpose(0, 1), stride=2))
        lengths = self.lengths(styles, weight) if self.demodulate else styles.new_ones(1, 1)
        bias, gain = self.gain * self.bias[:, None, None], (self.gain / lengths)[:, :, None, None]
        return torch.addcmul(bias.to(x.dtype), x, gain.to(x.dtype))

    def lengths(self, styles: Tensor, weight: Tensor) -> Tensor:
        """Lengths [n, outputs] of the weights that lead to each output channel, scaled by styles [n, inputs]."""
        with torch.autocast(styles.device.type, enabled=False):
            squares = weight.float().square().sum((2, 3))  # [outputs, inputs]
            return (styles.square() @ squares.T + 1e-8).sqrt()
