"""Conditions as vectors."""

from __future__ import annotations

import math

from torch import nn

from ganvas.labels import Labels


def embedding(labels: Labels, size: int, bias: bool = False) -> nn.Linear:
    """Conditions [n, c] -> [n, size], at the start about N(0, 1) whatever the columns: as large as a latent."""
    layer = nn.Linear(labels.width, size, bias)
    for weight in layer.parameters():
        nn.init.normal_(weight, 0.0, 1 / math.sqrt(len(labels.columns) + bias))
    return layer
