"""Rectifiers that do not alias: the signal between the samples is rectified, then what the grid cannot carry is cut.

Karras et al. 2021 (StyleGAN3), arXiv:2106.12423, sections 2 and 3.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu

WIDE = 6  # samples of the coarser grid under a filter


@dataclass(frozen=True)
class Grid:
    """Where a layer's signals are sampled, [height, width] samples, and the frequencies they may have.

    ``rate`` is in samples, ``cutoff`` and ``half`` (half the width of the filters' transition band) are in cycles for
    each unit of length, the short side of the picture. Grids share their centre.
    """

    height: int
    width: int
    rate: float
    cutoff: float
    half: float


def lowpass(taps: int, cutoff: float, half: float, rate: float) -> Tensor:
    """A windowed sinc [taps] with sum 1 that passes frequencies below ``cutoff`` - ``half``.

    The Kaiser window's β follows from the attenuation that so many taps reach with a transition band of 2 ``half``:
    Kaiser 1974, as in scipy.signal.firwin(taps, cutoff, width=2 * half, fs=rate).
    """
    attenuation = 2.285 * (taps - 1) * math.pi * 4 * half / rate + 7.95
    beta = 0.0
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    places = (np.arange(taps) - (taps - 1) / 2) / rate
    found = np.sinc(2 * cutoff * places) * np.kaiser(taps, beta)
    return torch.from_numpy(found / found.sum()).float()


class FilteredRectifier(nn.Module):
    """√2 · leaky rectifier of slope 0.2, from one grid to another: [n, c, h, w] -> [n, c, h', w'].

    Upsampled to twice the finer rate, rectified there, filtered to what the new grid can carry, and sampled on it. All
    filters are separable and act on each channel; the rectifier's √2 stands in the last ones. The new grid must not
    reach beyond the old one.
    """

    rise: Tensor
    fall: Tensor

    def __init__(self, before: Grid, after: Grid) -> None:
        super().__init__()
        rate = 2 * max(before.rate, after.rate)
        self.up, self.down = round(rate / before.rate), round(rate / after.rate)
        rise = lowpass(WIDE * self.up, before.cutoff, before.half, rate) * self.up
        fall = lowpass(WIDE * self.down, after.cutoff, after.half, rate) * 2**0.25
        self.register_buffer("rise", rise, persistent=False)
        self.register_buffer("fall", fall, persistent=False)
        self.cuts = [self.cut(a, b) for a, b in ((before.height, after.height), (before.width, after.width))]

    def cut(self, before: int, after: int) -> tuple[int, int]:
        """What to leave away at both ends of a line so that ``after`` samples come of ``before``: samples before the
        filters, then samples of the fine grid."""
        fine, needed = self.up * (before + WIDE - 1), self.down * (after + WIDE - 1)
        spare = (fine - needed) // 2
        unseen = max(0, -(-(spare - WIDE * self.up + 1) // self.up))
        return unseen, spare - unseen * self.up

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] -> [n, c, h', w'], in the filters' float32: rounding would not move with pictures."""
        with torch.autocast(x.device.type, enabled=False):
            return self.filtered(x.to(self.rise.dtype))

    def filtered(self, x: Tensor) -> Tensor:
        """As ``forward``, for x of the filters' type."""
        (top, high), (left, wide) = self.cuts
        x = x[:, :, top : x.shape[2] - top, left : x.shape[3] - left]
        c, up, down = x.shape[1], self.up, self.down
        rise, fall = self.rise.expand(c, 1, 1, -1), self.fall.expand(c, 1, 1, -1)
        x = conv_transpose2d(x, rise, stride=(1, up), padding=(0, wide), groups=c)
        x = conv_transpose2d(x, rise.transpose(2, 3), stride=(up, 1), padding=(high, 0), groups=c)
        x = leaky_relu(x, 0.2, inplace=True)
        x = conv2d(x, fall.transpose(2, 3), stride=(down, 1), groups=c)
        return conv2d(x, fall, stride=(1, down), groups=c)
