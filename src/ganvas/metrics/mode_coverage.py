"""Which modes of the data samples reach, when it is known what the modes are: mixtures, stacked digits, classes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import InputError


class Modes(NamedTuple):
    """``covered`` modes ``of`` all; ``share_good`` in [0, 1]; ``reverse_kl`` >= 0, None when no sample is good."""

    covered: int
    of: int
    share_good: float
    reverse_kl: float | None


def mode_coverage(mode: Tensor, good: Tensor, total: int, real: Tensor | None = None, least: int = 1) -> Modes:
    """Modes covered by samples of which each is at ``mode`` [n] in 0 … total - 1 and ``good`` [n] (bool) or not.

    A mode counts as covered with ``least`` good samples or more. The divergence is KL(modes of the good samples ‖ modes
    of the data): uniform, or as ``real`` [total] says (counts or shares, all above 0). It is biased upwards by about
    (total - 1) / (2 n). Stacked MNIST (Metz et al. 2017, arXiv:1611.02163; Lin et al. 2018,
    arXiv:1712.04086): 25,600 samples or so, all of them good, ``stacked_classes`` of what a digit classifier reads;
    R3GAN (arXiv:2501.05441) reports 1000 modes and 0.029; a generator without training already "covers" about 100,
    for a classifier names noise too. Raises InputError for numbers that do not fit.
    """
    if mode.shape != good.shape or mode.dim() != 1 or not len(mode) or int(mode.min()) < 0 or int(mode.max()) >= total:
        raise InputError(
            f"expected a mode in 0 … {total - 1} for each sample, and whether it is good; look at the shapes"
        )
    data = torch.ones(total, dtype=torch.float64) if real is None else real.double()
    if data.shape != (total,) or not bool((data > 0).all()):
        raise InputError(f"expected how often each of {total} modes is in the data, above 0; leave out empty modes")
    counts = torch.bincount(mode[good], minlength=total).double()
    ours, theirs = counts / counts.sum(), data / data.sum()
    divergence = (torch.xlogy(ours, ours) - torch.xlogy(ours, theirs)).sum()
    return Modes(
        int((counts >= max(1, least)).sum()),
        total,
        float(good.double().mean()),
        max(0.0, float(divergence)) if bool(good.any()) else None,
    )


def stacked_classes(digits: Tensor) -> Tensor:
    """Three digits 0 … 9 [n, 3], as read in the red, green and blue channel -> one of 1000 modes [n]."""
    if digits.dim() != 2 or digits.shape[1] != 3 or not bool(((digits >= 0) & (digits <= 9)).all()):
        raise InputError(f"expected three digits 0 … 9 for each sample, [n, 3], not {list(digits.shape)}")
    return digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2]
