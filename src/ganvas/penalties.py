"""Penalties on the discriminator's slope. They differentiate ``x`` only and keep the labels.

Each returns a scalar, the mean over the batch, without its weight unless ``gamma`` is an argument. The gradient has
the samples' type (float32 under autocast too) and stays differentiable, so a player can descend it (double backward).
"""

import torch
from torch import Tensor

from ganvas.game import Batch, Discriminator


def slope(D: Discriminator, batch: Batch) -> tuple[Tensor, Tensor]:
    """Scores [n] and their gradient to the samples [n, *shape]: ``D(x)``, ``grad_x D(x)``."""
    x = batch.x.detach().requires_grad_()
    scores = D(batch.at(x))
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return scores, gradient


def squared_norm(gradient: Tensor) -> Tensor:
    """Squared L2 norm of each sample's gradient [n, *shape] -> [n], summed over all of its dimensions."""
    return gradient.square().flatten(1).sum(1)


def gradient_penalty(D: Discriminator, real: Batch, fake: Batch) -> Tensor:
    """``E (|grad D(x̂)| - 1)²`` with x̂ = ε x + (1 - ε) G(z), one ε ~ U[0, 1] for each sample.

    Gulrajani et al. 2017 (WGAN-GP), arXiv:1704.00028, eq. (3) without λ.
    """
    epsilon = real.uniform(*(1,) * (real.x.dim() - 1))  # [n, 1, …]
    between = real.at(epsilon * real.x.detach() + (1 - epsilon) * fake.x.detach())
    _, gradient = slope(D, between)
    return ((squared_norm(gradient) + 1e-12).sqrt() - 1).square().mean()


def r1(D: Discriminator, real: Batch, gamma: float = 1.0) -> Tensor:
    """``γ/2 · E |grad D(x)|²`` on real samples. Mescheder et al. 2018, arXiv:1801.04406, eq. (9)."""
    _, gradient = slope(D, real)
    return 0.5 * gamma * squared_norm(gradient).mean()


def r2(D: Discriminator, fake: Batch, gamma: float = 1.0) -> Tensor:
    """``γ/2 · E |grad D(G(z))|²`` on fake samples. Mescheder et al. 2018, arXiv:1801.04406, eq. (10)."""
    return r1(D, fake, gamma)
