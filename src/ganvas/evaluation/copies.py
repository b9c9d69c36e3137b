"""How samples are seen when copies are looked for: small and averaged, in several views, without any extractor.

A network's features forgive little blur or movement; pictures averaged to 16×16 forgive both, and need no download.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganvas.evaluation.samples import Samples
from ganvas.metrics.extractors import unit

SIDE = 16  # pixels that are left of a picture's sides
SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # down, right: views, each also mirrored
SEEN = f"pictures averaged to {SIDE}×{SIDE}, {2 * len(SHIFTS)} views: mirrored or not, moved by a pixel or not"


def small(samples: Samples) -> Tensor:
    """All samples as they are compared: float32 [n, d]."""
    return torch.cat([shrunk(samples, raw) for raw, _ in samples.chunks()])


def views(samples: Samples, count: int) -> Tensor:
    """The first ``count`` samples in all views: float32 [v, n, d]; vectors in one view."""
    raw, _ = samples.read(0, min(count, samples.count))
    if raw.ndim != 4:
        return shrunk(samples, raw)[None]
    both = (raw, raw[:, :, ::-1])
    return torch.stack([shrunk(samples, moved(side, *shift)) for side in both for shift in SHIFTS])


def shrunk(samples: Samples, raw: np.ndarray) -> Tensor:
    """Raw pictures [n, h, w, c] averaged and flattened, or vectors encoded: float32 [n, d]."""
    if raw.ndim != 4:
        return samples.space.encode(raw).flatten(1) if samples.space else torch.from_numpy(raw)
    x = unit(np.ascontiguousarray(raw))
    return adaptive_avg_pool2d(x, (min(SIDE, x.shape[2]), min(SIDE, x.shape[3]))).flatten(1)


def moved(raw: np.ndarray, down: int, right: int) -> np.ndarray:
    """Pictures [n, h, w, c] moved by so many pixels; what comes in at the border repeats it."""
    rows = np.clip(np.arange(raw.shape[1]) - down, 0, raw.shape[1] - 1)
    columns = np.clip(np.arange(raw.shape[2]) - right, 0, raw.shape[2] - 1)
    return raw[:, rows][:, :, columns]
