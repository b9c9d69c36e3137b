"""Layers through which a discriminator sees how much the samples of a batch differ."""

from __future__ import annotations

import torch
from torch import Tensor, nn

FAR = 30.0  # a distance whose closeness counts as 0 beside 1; smaller ones would be denormal numbers, which are slow


class MinibatchDiscrimination(nn.Module):
    """How near each sample's features are to those of the others, by learnt measures.

    Salimans et al. 2016, arXiv:1606.03498, section 3.2: o(x_i)_b = Σ_{j≠i} exp(-|M_ib - M_jb|₁), M_i = f(x_i) T.
    """

    def __init__(self, size: int, kernels: int, dimensions: int = 5) -> None:
        super().__init__()
        self.measure = nn.Parameter(torch.randn(size, kernels, dimensions) / size**0.5)

    def forward(self, features: Tensor) -> Tensor:
        """[n, size] -> [n, kernels]: closeness to the rest of the batch, 0 (alone) … n - 1 (all the same)."""
        measures = torch.einsum("ns,skd->dnk", features, self.measure.to(features.dtype)).float()
        distance = torch.zeros((), device=features.device)
        for M in measures:  # one dimension after the other: [n, n, kernels] in memory, and no further axis
            distance = distance + (M[:, None] - M).abs()
        return torch.exp(-distance.clamp_max(FAR)).sum(1) - 1


class MinibatchStd(nn.Module):
    """The standard deviation over a group of samples, averaged over features and places, as a further channel.

    Karras et al. 2018, arXiv:1710.10196, section 3, with the groups of StyleGAN's code. A group is made of samples
    that stand n / group apart in the batch; it holds all samples where n is not a multiple of ``group``.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, …] -> [n, c + 1, …]."""
        n = len(x)
        group = self.group if n % self.group == 0 else n
        y = x.float().unflatten(0, (group, -1))
        spread = (y.var(0, unbiased=False) + 1e-8).sqrt().flatten(1).mean(1)  # [n / group]
        told = spread.repeat(group).to(x.dtype).reshape(-1, *(1,) * (x.dim() - 1))
        return torch.cat([x, told.expand(-1, 1, *x.shape[2:])], 1)
