"""A resampling and a 3×3 convolution as one 4×4 convolution: the same function, 2.25 times fewer multiplications."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, pad


def enlarge(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Nearest ×2, then convolve with ``weight`` [o, i, 3, 3]: [n, i, h, w] -> [n, o, 2h, 2w]."""
    return conv_transpose2d(x, fold(weight).flip(2, 3).transpose(0, 1), bias, 2, 1)


def shrink(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve with ``weight`` [o, i, 3, 3], then average 2×2: [n, i, 2h, 2w] -> [n, o, h, w]."""
    return conv2d(x, fold(weight) / 4, bias, 2, 1)


def fold(weight: Tensor) -> Tensor:
    """[o, i, 3, 3] -> [o, i, 4, 4]: the sum of its four shifts by 0 or 1."""
    wide = pad(weight, (1, 1, 1, 1))
    tall = wide[:, :, 1:] + wide[:, :, :-1]
    return tall[:, :, :, 1:] + tall[:, :, :, :-1]
