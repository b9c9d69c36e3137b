"""How often a classifier reads a sample as the label that was asked for."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ganvas.errors import InputError


class LabelAccuracy(NamedTuple):
    """Shares in [0, 1]: of all samples, and of those that were asked to be of each class."""

    overall: float
    by_class: dict[int, float]


def label_accuracy(read: Tensor, asked: Tensor) -> LabelAccuracy:
    """The share of samples whose class as ``read`` [n] by a classifier is the one ``asked`` [n] of the generator.

    1 proves little alone: a generator with one good sample for each class reaches it. Raises InputError for shapes that
    differ and for no samples.
    """
    if read.shape != asked.shape or read.dim() != 1 or not len(read):
        raise InputError(
            f"expected two classes for each sample, [n] and [n], not {list(read.shape)}, {list(asked.shape)}"
        )
    right = (read == asked).double()
    classes = sorted(set(asked.tolist()))
    return LabelAccuracy(float(right.mean()), {int(c): float(right[asked == c].mean()) for c in classes})
