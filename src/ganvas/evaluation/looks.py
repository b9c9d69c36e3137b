"""What an extractor sees in a set of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Look:
    """Features ``x`` [n, d], class numbers ``labels`` [n] or None, class ``probabilities`` [n, c] or None."""

    x: Tensor
    labels: Tensor | None = None
    probabilities: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, which: np.ndarray | Tensor) -> Look:
        """Some of the samples."""
        chosen = torch.as_tensor(which)
        return Look(*(None if part is None else part[chosen] for part in (self.x, self.labels, self.probabilities)))  # type: ignore[arg-type]
