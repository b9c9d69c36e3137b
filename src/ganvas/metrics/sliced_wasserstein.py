"""Sliced Wasserstein distance: a cheap, extractor-free distance between two sets of samples."""

from __future__ import annotations

import torch
from torch import Tensor


def sliced_wasserstein(a: Tensor, b: Tensor, slices: int = 256, seed: int = 0) -> float:
    """Mean 1-Wasserstein distance of ``a`` and ``b`` [n, …] (the same n) along random unit directions.

    In the units of the samples; 0 for equal sets. Rabin et al. 2011, doi:10.1007/978-3-642-24785-9_37. The seed
    fixes the directions. A measure of fit on raw values: it ranks checkpoints of one run, not different data.
    """
    if a.shape != b.shape:
        raise ValueError(f"two sets of the same shape are needed, not {tuple(a.shape)} and {tuple(b.shape)}")
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(a[0].numel(), slices, generator=random)
    directions /= directions.norm(dim=0)
    lines_a, lines_b = (x.flatten(1).float() @ directions for x in (a, b))
    return float((lines_a.sort(0).values - lines_b.sort(0).values).abs().mean())
