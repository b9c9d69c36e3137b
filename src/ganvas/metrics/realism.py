"""Realism score: how close each sample is to the real manifold, for sorting pictures from worst to best."""

from __future__ import annotations

import torch
from torch import Tensor

from ganvas.metrics.neighbours import check_sets, distances, paired_distances, radii


def realism(real: Tensor, fake: Tensor, k: int = 3) -> Tensor:
    """The realism [m] of each fake [m, d]: the largest ratio of a real ball's radius to the distance from its centre.

    At least 1 inside a ball, towards 0 far away, infinite on a real sample itself. The half of the real balls [n, d]
    with the largest radii (to the ``k``-th nearest other) is left out: they stand where data are sparse. Kynkäänniemi
    et al. 2019, arXiv:1904.06991, eq. (3). Raises InputError for sets of different width or with k rows or less.
    """
    check_sets(real, fake, least=1)
    reach = radii(real, k)
    kept = reach <= reach.median()
    centres, reach, score = real[kept], reach[kept], torch.empty(len(fake), dtype=torch.float64)
    for rows, gaps in distances(fake, centres):
        best = (reach / gaps).argmax(1)
        score[rows] = reach[best] / paired_distances(fake[rows], centres[best])
    return score.nan_to_num_(nan=torch.inf, posinf=torch.inf)
