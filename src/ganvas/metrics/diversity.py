"""How different two samples are on average: the plainest sign of a collapsed generator."""

from __future__ import annotations

import torch
from torch import Tensor

PAIRS = 20_000  # drawn at random


def diversity(features: Tensor, pairs: int = PAIRS, seed: int = 0) -> float:
    """Mean Euclidean distance between two different rows of ``features`` [n, d], over seeded random pairs.

    Compare it with that of real samples: about 1 is healthy, 0 is a generator that makes one sample.
    """
    n = len(features)
    if n < 2:
        return 0.0
    random = torch.Generator().manual_seed(seed)
    first = torch.randint(n, (pairs,), generator=random)
    second = (first + torch.randint(1, n, (pairs,), generator=random)) % n
    step, total = max(1, 2**22 // max(1, features.shape[1])), 0.0
    for start in range(0, pairs, step):
        a, b = (features[which[start : start + step]].double() for which in (first, second))
        total += float((a - b).norm(dim=1).sum())
    return total / pairs
