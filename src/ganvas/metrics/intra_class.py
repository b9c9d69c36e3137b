"""Fréchet distance within each class: sees a generator that collapses inside its classes, or confuses them."""

from __future__ import annotations

from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.frechet_distance import frechet_distance

LEAST = 50  # samples of a class, real and fake, below which the distance is little but bias


def intra_class(
    real: Tensor, real_labels: Tensor, fake: Tensor, fake_labels: Tensor, least: int = LEAST
) -> dict[int, float]:
    """The distance, >= 0, of each class for features [n, d], [m, d] and integer labels [n], [m] (those asked for).

    "Intra FID" if the features are Inception's: Miyato & Koyama 2018, arXiv:1802.05637. The mean over the
    classes is the usual figure. Classes with less than ``least`` samples on either side are left out, so the answer may
    be empty. Raises InputError when labels and features do not match.
    """
    for features, labels in ((real, real_labels), (fake, fake_labels)):
        if labels.shape != features.shape[:1]:
            raise InputError(f"expected a label for each of {len(features)} samples, not {list(labels.shape)}")
    found = {}
    for label in sorted(set(real_labels.tolist()) & set(fake_labels.tolist())):
        ours, theirs = fake[fake_labels == label], real[real_labels == label]
        if min(len(ours), len(theirs)) >= max(2, least):
            found[int(label)] = frechet_distance(theirs, ours)
    return found
