"""Fine features weighted by what coarse ones say. Liu et al. 2021 (FastGAN), arXiv:2101.04775, section 3.1."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu

PLACES = 4  # a side of what is left of the coarse features


class Excitation(nn.Module):
    """Skip-layer channel-wise excitation, eq. (2): x · sigmoid(W2 φ(W1 · what is left of the coarse features))."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(coarse, fine, PLACES, bias=False)
        self.weigh = nn.Conv2d(fine, fine, 1, bias=False)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Fine [n, fine, h, w] and coarse [n, coarse, h', w'] -> [n, fine, h, w]."""
        h = leaky_relu(self.look(adaptive_avg_pool2d(told, PLACES)), 0.1)
        return x * self.weigh(h).sigmoid()
