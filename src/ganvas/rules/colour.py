"""Colours of pictures, changed for each sample by numbers [n]. Nothing is clipped: values may leave [-1, 1].

Red, green and blue are the first three of 3 or 4 channels; a fourth, alpha, is left alone. Pictures with another
number of channels have no hue: brightness and contrast act on all of them.
"""

from __future__ import annotations

import torch
from torch import Tensor


def split(x: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures [n, c, h, w] as their colours and the rest: (3, 1) channels of 4, else all and none."""
    return (x[:, :3], x[:, 3:]) if x.shape[1] == 4 else (x, x[:, :0])


def recolour(x: Tensor, brightness: Tensor, contrast: Tensor, luma: Tensor, hue: Tensor, saturation: Tensor) -> Tensor:
    """``contrast`` × (x + ``brightness``), luma × ``luma`` (±1), then hues turned by ``hue`` (radians) and colours
    made stronger by ``saturation``: the colour matrix of Karras et al. 2020 (ADA), arXiv:2006.06676, appendix B.

    With P the projection on the grey axis v = (1, 1, 1) / √3, its steps are P ± (I - P) and the like: all of them are
    a P + b (I - P) + c [v]×, which commute, so their product is written down at once.
    """
    colours, rest = split(x)
    if colours.shape[1] != 3:
        return torch.cat([(colours + column(brightness)) * column(contrast), rest], 1)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=x.dtype, device=x.device) / 3**0.5  # v ×
    grey = torch.full_like(cross, 1 / 3)
    plain, vivid = contrast * luma, contrast * saturation
    matrix = cells(plain) * grey + cells(vivid * hue.cos()) * (torch.eye(3).to(grey) - grey)
    matrix = matrix + cells(vivid * hue.sin()) * cross
    offset = cells(plain * brightness).expand(-1, 3, 1)  # brightness is grey, and grey is only scaled
    changed = torch.baddbmm(offset, matrix, colours.flatten(2)).view_as(colours)
    return torch.cat([changed, rest], 1)


def jitter(x: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Tensor:
    """x + ``brightness``, then × ``saturation`` about each pixel's grey, then × ``contrast`` about the picture's mean.

    Zhao et al. 2020 (DiffAugment), arXiv:2006.10738, section 4 and appendix.
    """
    colours, rest = split(x)
    colours = colours + column(brightness)
    if colours.shape[1] == 3:
        colours = torch.lerp(colours.mean(1, keepdim=True), colours, column(saturation))
    colours = torch.lerp(colours.mean((1, 2, 3), keepdim=True), colours, column(contrast))
    return torch.cat([colours, rest], 1)


def column(values: Tensor) -> Tensor:
    """[n] -> [n, 1, 1, 1]."""
    return values[:, None, None, None]


def cells(values: Tensor) -> Tensor:
    """[n] -> [n, 1, 1]."""
    return values[:, None, None]
