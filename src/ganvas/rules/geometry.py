"""Where pixels go: affine maps composed in homogeneous coordinates and applied by one warp, shifts, cut-outs.

Points are (x, y, 1) in pixels from the picture's centre, x to the right and y down. A matrix [n, 3, 3] sends a point
of the result to the point of the picture that is seen there, so the last transform stands on the right. All maps are
linear in the picture and may be differentiated twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

LANCZOS = 3  # lobes of the kernel by which pictures are enlarged


def linear(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """The matrices [n, 3, 3] of (x, y) -> (a x + b y, c x + d y), each [n]."""
    zero = torch.zeros_like(a)
    return torch.stack([a, b, zero, c, d, zero, zero, zero, zero + 1], 1).view(-1, 3, 3)


def flip(times: Tensor) -> Tensor:
    """Left and right change places where ``times`` [n] is 1; 0 leaves them."""
    one, zero = torch.ones_like(times), torch.zeros_like(times)
    return linear(1 - 2 * times, zero, zero, one)


def rotate(angle: Tensor) -> Tensor:
    """Anticlockwise by ``angle`` [n] in radians."""
    return linear(angle.cos(), -angle.sin(), angle.sin(), angle.cos())


def turn(quarters: Tensor) -> Tensor:
    """Anticlockwise by ``quarters`` [n] of a full turn, 0 … 3, as ``torch.rot90``: exact."""
    return rotate(quarters * (math.pi / 2)).round()


def scale(x: Tensor, y: Tensor) -> Tensor:
    """Larger by the factors ``x`` and ``y`` [n]."""
    zero = torch.zeros_like(x)
    return linear(1 / x, zero, zero, 1 / y)


def shift(x: Tensor, y: Tensor) -> Tensor:
    """To the right by ``x`` and down by ``y`` pixels [n]."""
    matrix = torch.eye(3, dtype=x.dtype, device=x.device).repeat(len(x), 1, 1)
    matrix[:, 0, 2], matrix[:, 1, 2] = -x, -y
    return matrix


def warp(x: Tensor, matrix: Tensor, *, smooth: bool = True) -> Tensor:
    """Pictures [n, c, h, w] seen through ``matrix`` [n, 3, 3], reflected at their edges.

    ``smooth``: bilinear at twice the resolution, between an enlargement and its adjoint, which keeps lines sharp and
    small pictures free of stairs; Karras et al. 2020 (ADA), arXiv:2006.06676, appendix B, do it with the wavelet
    sym6. What lies beyond the frame is mirrored before the result shrinks, which its outer two pixels feel a little.
    Without it, bilinear at the picture's own resolution: exact for flips, quarter turns and whole pixels.
    """
    height, width = x.shape[2:]
    if not smooth:
        return interpolate(x, grid(matrix, height, width))
    tall, wide = (enlargement(size, x.dtype, x.device) for size in (height, width))
    large = interpolate(tall @ x @ wide.mT, grid(matrix, height, width, times=2))
    return tall.mT @ large @ wide / 4


def grid(matrix: Tensor, height: int, width: int, times: int = 1) -> Tensor:
    """Where the pixels of results [times height, times width] lie in the picture, [n, h, w, 2] with edges at ±1."""
    x = (torch.arange(times * width).to(matrix) + 0.5) / times - width / 2
    y = (torch.arange(times * height).to(matrix) + 0.5) / times - height / 2
    a = matrix[:, None, :2] * (2 / matrix.new_tensor([width, height]))[:, None]  # [n, 1, 2, 3]
    across = x[:, None] * a[..., 0] + a[..., 2]  # [n, w, 2]
    down = y[:, None] * a[..., 1]  # [n, h, 2]
    return across[:, None] + down[:, :, None]


@lru_cache(maxsize=16)
def enlargement(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix E [2 size, size] that doubles a line of pixels, reflected at its ends; E' E = 2, so E' / 2 undoes it.

    Lanczos' kernel, made orthogonal by (E' E)^-1/2 (Löwdin 1950): the nearest enlargement that loses nothing.
    """
    place = torch.arange(2 * size, dtype=torch.float64)[:, None] / 2 - 0.25  # of the new pixels among the old ones
    near = place.floor() + torch.arange(1 - LANCZOS, 1 + LANCZOS)
    weight = (place - near).sinc() * ((place - near) / LANCZOS).sinc()
    folded = near.long() % (2 * size)
    folded = folded.minimum(2 * size - 1 - folded)
    kernel = torch.zeros(2 * size, size, dtype=torch.float64)
    kernel.scatter_add_(1, folded, weight / weight.sum(1, keepdim=True))
    values, vectors = torch.linalg.eigh(kernel.mT @ kernel / 2)
    return (kernel @ (vectors * values.rsqrt()) @ vectors.mT).to(device, dtype)


class Sample(torch.autograd.Function):
    """Bilinear interpolation of x [n, c, h, w] at grid [n, h', w', 2], linear in x; the grid gets no gradient.

    torch's own can be differentiated twice in its latest versions only. The gradient of a linear map is its adjoint,
    and the adjoint's is the map.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor) -> Tensor:
        """[n, c, h, w] -> [n, c, h', w']."""
        ctx.save_for_backward(grid)
        ctx.size = x.shape
        return grid_sample(x, grid, padding_mode="reflection", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *above: Tensor) -> tuple[Tensor, None]:
        """[n, c, h', w'] -> [n, c, h, w]."""
        (grid,) = ctx.saved_tensors
        return spread(above[0], grid, ctx.size), None


class Adjoint(torch.autograd.Function):
    """The transposed map of ``Sample``: pixels [n, c, h', w'] are added up where they were read."""

    @staticmethod
    def forward(ctx: Any, above: Tensor, grid: Tensor, size: torch.Size) -> Tensor:
        """[n, c, h', w'] -> [n, c, h, w], the ``size``."""
        ctx.save_for_backward(grid)
        bilinear, reflection = 0, 2
        found = torch.ops.aten.grid_sampler_2d_backward(
            above, above.new_empty(size), grid, bilinear, reflection, False, (True, False)
        )
        return found[0]

    @staticmethod
    def backward(ctx: Any, *below: Tensor) -> tuple[Tensor, None, None]:
        """[n, c, h, w] -> [n, c, h', w']."""
        (grid,) = ctx.saved_tensors
        return interpolate(below[0], grid), None, None


interpolate: Callable[[Tensor, Tensor], Tensor] = Sample.apply
spread: Callable[[Tensor, Tensor, torch.Size], Tensor] = Adjoint.apply


def slide(x: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Pictures [n, c, h, w] moved by whole pixels [n]; what comes in is 0."""
    height, width = x.shape[2:]
    rows = torch.arange(height, device=x.device) - down.long()[:, None]  # [n, h]
    columns = torch.arange(width, device=x.device) - right.long()[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    places = rows.clamp(0, height - 1)[:, :, None] * width + columns.clamp(0, width - 1)[:, None]  # [n, h, w]
    moved = x.flatten(2).gather(2, places.flatten(1)[:, None].expand(-1, x.shape[1], -1))
    return moved.view_as(x) * inside[:, None]


def cut(x: Tensor, across: Tensor, down: Tensor, on: Tensor) -> Tensor:
    """Pictures with a rectangle of half their height and width set to 0 where ``on`` [n] is 1.

    Its centre is at the shares ``across`` and ``down`` [n] of the picture, 0 … 1; it may reach over the edge.
    """
    height, width = x.shape[2:]
    rows = (torch.arange(height, device=x.device) + 0.5) / height - down[:, None]  # [n, h]
    columns = (torch.arange(width, device=x.device) + 0.5) / width - across[:, None]
    hole = (rows.abs() < 0.25)[:, :, None] & (columns.abs() < 0.25)[:, None] & (on > 0)[:, None, None]
    return x * ~hole[:, None]
