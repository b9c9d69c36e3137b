"""Spectral normalisation: layers that stretch no input more than once.

Miyato et al. 2018 (SNGAN), arXiv:1802.05957, section 2.1 and Algorithm 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from ganvas.errors import InputError
from ganvas.layers.equalised import EqualConv2d, EqualLinear

LAYERS = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
STEPS = 15  # of power iteration before the first pass
TINY = 1e-12  # a weight of zeros stays zero


class SpectralNorm(nn.Module):
    """W -> W / σ(W), the largest singular value by one step of power iteration for each pass in training.

    Only u is kept, and used at length 1: with v = Wᵀu / |Wᵀu|, σ = uᵀ W v = |Wᵀu|. PyTorch's own version keeps v too
    and trusts the lengths of both, so that in an averaged generator, whose buffers are averages of vectors that turn,
    σ comes out too small and the weights many times too large. All is done in the weights' own type.
    """

    u: Tensor

    def __init__(self, weight: Tensor, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs  # the dimension of the weights that counts a layer's outputs
        self.register_buffer("u", torch.randn_like(weight.detach().movedim(outputs, 0).flatten(1)[:, 0]))
        for _ in range(STEPS):
            self.step(self.matrix(weight))

    def forward(self, weight: Tensor) -> Tensor:
        """Weights as they are learnt -> weights of norm 1, the same shape."""
        with torch.autocast(weight.device.type, enabled=False):
            matrix = self.matrix(weight)
            if self.training:
                self.step(matrix)
            sigma = torch.linalg.vector_norm(normalize(self.u, dim=0) @ matrix)
            return weight / sigma.clamp_min(TINY)

    def matrix(self, weight: Tensor) -> Tensor:
        """[outputs, all else]."""
        return weight.movedim(self.outputs, 0).flatten(1)

    @torch.no_grad()
    def step(self, matrix: Tensor) -> None:
        """Turn u towards the direction that the matrix stretches most: step 1 of Algorithm 1."""
        self.u.copy_(normalize(matrix @ normalize(self.u @ matrix, dim=0), dim=0))


def spectral(module: nn.Module) -> nn.Module:
    """Normalise every linear and convolutional layer of ``module`` that is not yet, in place; returns it.

    Raises InputError for layers that this has no sense for: equalised ones, and those that begin at 0.
    """
    for part in list(module.modules()):
        zero = isinstance(part, LAYERS) and not bool(part.weight.any())
        if zero or isinstance(part, EqualLinear | EqualConv2d):
            raise InputError("this net scales its own layers, so --spectral-norm does not suit it; use --net resnet")
        if isinstance(part, LAYERS) and not is_parametrized(part, "weight"):
            outputs = 1 if isinstance(part, nn.ConvTranspose2d) else 0
            register_parametrization(part, "weight", SpectralNorm(part.weight, outputs), unsafe=True)  # tries nothing
    return module
