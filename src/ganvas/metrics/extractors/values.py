"""The samples themselves: encoded values, flattened. For vectors and toys, and for tiny pictures."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ganvas.metrics.extractors import Extractor
from ganvas.space import Space


def make(space: Space) -> Extractor:
    """Any space: features [n, product of its shape], encoded as players see them."""

    def embed(raw: np.ndarray) -> Tensor:
        return space.encode(raw).flatten(1).float()

    return Extractor("values", f"the encoded values of a sample, shape {space.shape}", "", "none", embed)
