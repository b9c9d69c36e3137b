"""How often a real sample is scored above a made one: a discriminator's accuracy, whatever the scale of its scores."""

from __future__ import annotations

import torch
from torch import Tensor


def auc(real: Tensor, fake: Tensor) -> Tensor:
    """P(real score > fake score) + P(equal)/2 over all pairs of ``real`` [n] and ``fake`` [m]: a scalar in [0, 1].

    The area under the ROC curve (Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747): 1/2 when the two cannot
    be told apart, 1 when a threshold separates them. Comparable between losses, unlike the scores themselves.
    """
    gaps = real.detach().float().flatten()[:, None] - fake.detach().float().flatten()
    return (torch.sign(gaps).mean() + 1) / 2
