"""Improved precision and recall: how much of each feature set lies on the other's manifold."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.metrics.neighbours import check_sets, distances, radii


class PrecisionRecall(NamedTuple):
    """Fidelity and variety, each in [0, 1]."""

    precision: float
    recall: float


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Shares of fakes on the real manifold and of reals on the fake one, for feature sets [n, d] and [m, d].

    The manifold of a set is the union of balls around its points that reach the ``k``-th nearest other point, border
    included. Kynkäänniemi et al. 2019, arXiv:1904.06991, eqs. (1, 2). Depends on n and m: compare equal sizes only.
    Raises InputError for sets of different width or with ``k`` rows or less.
    """
    check_sets(real, fake)
    return PrecisionRecall(_share_inside(fake, real, k), _share_inside(real, fake, k))


def _share_inside(queries: Tensor, points: Tensor, k: int) -> float:
    reach, inside = radii(points, k), torch.zeros(len(queries), dtype=torch.bool)
    for rows, gaps in distances(queries, points):
        inside[rows] = (gaps <= reach).any(1)
    return float(inside.double().mean())
