"""Resolutions of a picture, from fine to coarse."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad

from ganvas.errors import InputError
from ganvas.space import Space


def picture(space: Space, net: str) -> tuple[int, int, int]:
    """(channels, height, width) of a space of pictures. Raises InputError for any other space, naming ``net``."""
    if len(space.shape) != 3:
        raise InputError(f"net {net} makes pictures only; for vectors use --net mlp")
    channels, height, width = space.shape
    return channels, height, width


def sizes(height: int, width: int, *, least: int = 8, steps: int = 3) -> list[tuple[int, int]]:
    """Resolutions from fine to coarse: halved, rounding up, while the short side is ``least`` or more, and until
    there are ``steps`` of them.

    64×64 -> 64, 32, 16, 8, 4; 28×28 -> 28, 14, 7; 48×64 -> 48×64, 24×32, 12×16, 6×8.
    """
    found = [(height, width)]
    while len(found) < steps or min(found[-1]) >= least:
        found.append((-(-found[-1][0] // 2), -(-found[-1][1] // 2)))
    return found


def even(x: Tensor) -> Tensor:
    """[n, c, h, w] with a zero row or column added where h or w is odd, so that halving rounds up."""
    height, width = x.shape[2] % 2, x.shape[3] % 2
    return pad(x, (0, width, 0, height)) if height or width else x
