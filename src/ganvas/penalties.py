"""Penalties on the discriminator's slope. They differentiate ``x`` only and keep the labels.

Each returns a scalar, the mean over the batch, without its weight unless ``gamma`` is an argument. The gradient has
the samples' type (float32 under autocast too) and stays differentiable, so a player can descend it (double backward).
"""

import torch
from torch import Tensor, nn

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


def approximate(D: Discriminator, batch: Batch, gamma: float = 1.0, sigma: float = 0.01) -> Tensor:
    """``γ/2 · E ((D(x) - D(x + σ ε)) / σ)²``, ε ~ N(0, 1): R1 (or R2) by a finite difference, without second
    derivatives, for E (ε · grad D)² = |grad D|². One draw of ε is a noisy estimate.

    Lin et al. 2025 (diffusion adversarial post-training), arXiv:2501.08316, where σ² is part of the weight.
    """
    x = batch.x.detach()
    gap = D(batch.at(x)) - D(batch.at(x + sigma * batch.normal(*x.shape[1:])))
    return 0.5 * gamma * (gap.float() / sigma).square().mean()


def consistency(D: Discriminator, batch: Batch, other: Batch) -> Tensor:
    """``E (D(x) - D(T(x)))²`` for the same samples seen in another way, T(x).

    Zhang et al. 2020 (CR-GAN), arXiv:1910.12027, eq. (3), on the last layer.
    """
    return (D(batch.detach()) - D(other.detach())).float().square().mean()


def path_lengths(w: Tensor, x: Tensor) -> Tensor:
    """How far samples ``x`` [n, *shape] move with their latents ``w`` [n, d], by one random direction: [n].

    ``|J_wᵀ ε|`` with ε ~ N(0, 1), for pictures divided by √(h w). Karras et al. 2020 (StyleGAN2), arXiv:1912.04958,
    eq. (4): the penalty is E (length - a)², a the mean length so far.
    """
    places = x[0, 0].numel() if x.dim() > 2 else 1
    noise = torch.randn_like(x) / places**0.5
    (pull,) = torch.autograd.grad((x * noise).sum(), w, create_graph=True)
    return (squared_norm(pull.float()) + 1e-12).sqrt()


def orthogonal(module: nn.Module) -> Tensor:
    """``Σ |Wᵀ W ⊙ (1 - I)|²`` over a module's matrices and filters: different units look at different things.

    Brock et al. 2019 (BigGAN), arXiv:1809.11096, eq. (3): only the off-diagonal products are kept small.
    """
    total = torch.zeros((), device=next(module.parameters()).device)
    for weight in module.parameters():
        if weight.dim() > 1 and weight.requires_grad:
            W = weight.flatten(1)
            products = W @ W.T
            total = total + (products - torch.diag(products.diagonal())).square().sum()
    return total
