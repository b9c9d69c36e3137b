"""Density and coverage: fidelity and variety that one outlier cannot spoil."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.metrics.neighbours import check_sets, distances, radii


class DensityCoverage(NamedTuple):
    """Fidelity (>= 0, 1 expected for equal distributions, unbounded) and variety in [0, 1]."""

    density: float
    coverage: float


def density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> DensityCoverage:
    """In how many real balls a fake lies, over ``k``, and the share of real balls with a fake in them.

    A ball is the neighbourhood of a real sample up to its ``k``-th nearest other, border excluded as in the authors'
    code. Feature sets [n, d], [m, d]. Naeem et al. 2020, arXiv:2002.09797, eqs. (3, 4). For equal distributions
    coverage tends to 1 - 2^-k for n = m: compare equal sizes. Raises InputError for sets of different width or k rows
    or less.
    """
    check_sets(real, fake)
    reach, hits, covered = radii(real, k), 0, torch.zeros(len(real), dtype=torch.bool)
    for _, gaps in distances(fake, real):
        inside = gaps < reach
        hits += int(inside.sum())
        covered |= inside.any(0)
    return DensityCoverage(hits / (k * len(fake)), float(covered.double().mean()))
