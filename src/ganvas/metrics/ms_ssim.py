"""Multi-scale structural similarity of pictures, and with it how alike the samples of one class are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from ganvas.errors import InputError

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, fine to coarse: Wang et al. 2003, section 3.2
SIDE, SIGMA = 11, 1.5  # of the window: Wang et al. 2004, doi:10.1109/TIP.2003.819861, section III-B
C1, C2 = 0.01**2, 0.03**2
AT_ONCE = 64  # pairs


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """MS-SSIM [n] in [0, 1] of pictures [n, c, h, w] with values in [0, 1]: 1 for equal ones; float64, mean over c.

    Wang, Simoncelli & Bovik 2003, doi:10.1109/ACSSC.2003.1292216, eq. (7), with a Gaussian window of 11 x 11 pixels at
    five scales. Pictures with a side below 176 pixels have no room for that: they get as many scales as the window fits
    into, with those scales' weights brought to a sum of 1 (64 pixels: three; 28: two; 11 to 21: plain SSIM). Compare
    equal sizes only. Negative structure at a scale counts as 0. Raises InputError for shapes that differ and for sides
    below 11.
    """
    if a.shape != b.shape or a.dim() != 4 or min(a.shape[2:]) < SIDE:
        raise InputError(
            f"expected two sets of pictures [n, c, h, w] of one shape with sides of {SIDE} or more, not "
            f"{list(a.shape)} and {list(b.shape)}; enlarge small ones"
        )
    weights = torch.tensor([w for s, w in enumerate(WEIGHTS) if min(a.shape[2:]) >> s >= SIDE], dtype=torch.float64)
    a, b, found = a.double(), b.double(), torch.ones(a.shape[:2], dtype=torch.float64)
    weights = weights / weights.sum()
    for scale, weight in enumerate(weights, 1):
        luminance, structure = _compare(a, b)
        here = luminance * structure if scale == len(weights) else structure
        found *= here.mean((2, 3)).clamp(min=0) ** weight
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
    return found.mean(1)


def similarity(pictures: Tensor, labels: Tensor | None = None, pairs: int = 1000, seed: int = 0) -> float:
    """Mean MS-SSIM over random ``pairs`` of two different pictures [n, c, h, w] that share their label [n].

    Odena, Olah & Shlens 2017, arXiv:1610.09585, section 4.2: of two generators, the one with the higher similarity has
    less variety within its classes; a class well above its real pictures has collapsed. A picture without another of
    its class is left out. Raises InputError when all are.
    """
    labels = torch.zeros(len(pictures), dtype=torch.long) if labels is None else labels
    first, second = _pairs(labels, pairs, seed)
    parts = zip(first.split(AT_ONCE), second.split(AT_ONCE), strict=True)
    return float(torch.cat([ms_ssim(pictures[a], pictures[b]) for a, b in parts]).mean())


def _pairs(labels: Tensor, pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Rows of two different samples with equal ``labels`` [n], [pairs] each."""
    _, classes, sizes = labels.unique(return_inverse=True, return_counts=True)
    order = classes.argsort(stable=True)  # each class is a block
    starts = sizes.cumsum(0) - sizes
    able = (sizes[classes[order]] > 1).nonzero()[:, 0]
    if not len(able):
        raise InputError("expected a class with two pictures or more; make more samples")
    random = torch.Generator().manual_seed(seed)
    first = able[torch.randint(len(able), (pairs,), generator=random)]
    size, start = sizes[classes[order[first]]], starts[classes[order[first]]]
    step = 1 + (torch.rand(pairs, generator=random, dtype=torch.float64) * (size - 1)).long()
    return order[first], order[start + (first - start + step) % size]


def _compare(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure [n, c, h - 10, w - 10] at each place of the window."""
    mean_a, mean_b = _smooth(a), _smooth(b)
    variances = _smooth(a * a) + _smooth(b * b) - mean_a * mean_a - mean_b * mean_b
    covariance = _smooth(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a * mean_a + mean_b * mean_b + C1)
    return luminance, (2 * covariance + C2) / (variances + C2)


def _smooth(x: Tensor) -> Tensor:
    """The mean of ``x`` [n, c, h, w] under the Gaussian window, without padding."""
    window = torch.exp(-(torch.arange(SIDE, dtype=x.dtype) - SIDE // 2).square() / (2 * SIGMA**2))
    column = (window / window.sum()).view(1, 1, SIDE, 1)
    flat = conv2d(conv2d(x.flatten(0, 1)[:, None], column), column.transpose(2, 3))
    return flat.view(*x.shape[:2], *flat.shape[2:])
