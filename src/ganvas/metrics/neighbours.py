"""Nearest neighbours of feature vectors: exact, in blocks, on any number of rows. What several measures stand on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganvas.errors import InputError

BLOCK = 2**22  # numbers held at once: 32 MiB


def check_sets(real: Tensor, fake: Tensor, least: int = 2) -> None:
    """Raise InputError unless both are finite feature sets [n, d] of the same width with ``least`` rows or more."""
    shapes = f"{list(real.shape)} and {list(fake.shape)}"
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1:] != fake.shape[1:] or not real.shape[1]:
        raise InputError(f"expected two feature sets [n, d] of one width, not {shapes}; take both from one extractor")
    if min(len(real), len(fake)) < least:
        raise InputError(f"expected {least} rows or more in each feature set, not {shapes}; give more samples")
    if not (real.isfinite().all() and fake.isfinite().all()):
        raise InputError("expected finite features, but some are NaN or infinite; look at the samples they come from")


def distances(queries: Tensor, points: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Euclidean distances of ``queries`` [m, d] to ``points`` [n, d], block by block: (rows, float64 [rows, n]).

    In float64 around a centre near the points' mean, so that little is lost in the matrix product: copies may seem
    1e-8 of the points' spread apart. The centre has the few digits of bfloat16: whole numbers (pixels, counts) stay
    exact, and so do their ties.
    """
    centre = points.mean(0, dtype=torch.float64).bfloat16().double()
    points = points.to(torch.float64, copy=True).sub_(centre)
    squares = torch.einsum("nd,nd->n", points, points)
    step = max(1, BLOCK // max(points.shape))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        here = queries[rows] - centre
        gaps = torch.addmm(squares, here, points.T, alpha=-2.0).add_(here.square().sum(1, keepdim=True))
        yield rows, gaps.clamp_(min=0.0).sqrt_()


def nearest(queries: Tensor, points: Tensor, k: int = 1, itself: bool = False) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of ``points`` [n, d] to each of ``queries`` [m, d]: distances and indices [m, k], ascending.

    With ``itself`` the queries are the points, and a point does not count as its own neighbour. The distances are
    those of the differences, exactly 0 for a copy. Raises InputError when there are too few points.
    """
    if not 1 <= k <= len(points) - itself:
        raise InputError(
            f"expected more than {k} points for {k} neighbours, not {len(points)}; give more or a smaller k"
        )
    found, where = torch.empty(len(queries), k, dtype=torch.float64), torch.empty(len(queries), k, dtype=torch.long)
    for rows, gaps in distances(queries, points):
        if itself:
            gaps.diagonal(rows.start).fill_(torch.inf)
        where[rows] = gaps.topk(k, largest=False).indices
        for column in range(k):
            found[rows, column] = paired_distances(queries[rows], points[where[rows, column]])
    return found, where


def paired_distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance [n] of each row of ``a`` [n, d] to the same row of ``b`` [n, d], in float64."""
    return torch.linalg.vector_norm(a.double() - b.double(), dim=1)


def radii(points: Tensor, k: int) -> Tensor:
    """The distance [n] of each of ``points`` [n, d] to its ``k``-th nearest other: the balls that span a manifold."""
    return nearest(points, points, k, itself=True)[0][:, -1]
