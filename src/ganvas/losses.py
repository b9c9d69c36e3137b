"""What each player descends. ``r`` and ``f``: the discriminator's raw outputs [n] on real and on fake samples.

``softplus(-a) = -log sigmoid(a)`` and ``softplus(a) = -log(1 - sigmoid(a))``, so nothing overflows.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganvas.errors import InputError


class Loss(NamedTuple):
    """A pair of losses, each a function of (real outputs [n], fake outputs [n]) that gives a scalar."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    belief: Callable[[Tensor], Tensor]  # raw output -> what the log shows as D(x): a probability where it is one
    pairs: bool = False  # whether the generator's loss looks at real samples too


def identity(a: Tensor) -> Tensor:
    """The output as it is."""
    return a


def log_loss(r: Tensor, f: Tensor) -> Tensor:
    """``-E log D(x) - E log(1 - D(G(z)))``: Goodfellow et al. 2014, arXiv:1406.2661, eq. (1), negated."""
    return softplus(-r).mean() + softplus(f).mean()


def saturating(r: Tensor, f: Tensor) -> Tensor:
    """``E log(1 - D(G(z)))``: the true minimax generator loss of eq. (1)."""
    return -softplus(f).mean()


def flipped(r: Tensor, f: Tensor) -> Tensor:
    """``-E log D(G(z))``: the non-saturating generator loss, section 3 of the 2014 paper."""
    return softplus(-f).mean()


minimax = Loss(log_loss, saturating, torch.sigmoid)
"""The original game. Goodfellow et al. 2014, arXiv:1406.2661, eq. (1)."""

non_saturating = Loss(log_loss, flipped, torch.sigmoid)
"""The original game with stronger early gradients for G. Goodfellow et al. 2014, section 3."""

least_squares = Loss(
    lambda r, f: 0.5 * (r - 1).square().mean() + 0.5 * f.square().mean(),
    lambda r, f: 0.5 * (f - 1).square().mean(),
    identity,
)
"""LSGAN with a = 0, b = c = 1. Mao et al. 2017, arXiv:1611.04076, eq. (9)."""

hinge = Loss(lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda r, f: -f.mean(), identity)
"""Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eqs. (16, 17)."""

wasserstein = Loss(lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean(), identity)
"""Arjovsky et al. 2017, arXiv:1701.07875, Algorithm 1. Needs a critic kept 1-Lipschitz."""

relativistic = Loss(lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean(), identity, pairs=True)
"""Relativistic pairing: pairs are compared before the mean. Jolicoeur-Martineau 2018, arXiv:1807.00734, eqs. (5, 6);
Huang et al. 2024 (R3GAN), arXiv:2501.05441, eq. (2)."""

ALL: dict[str, Loss] = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
    "hinge": hinge,
    "wasserstein": wasserstein,
    "relativistic": relativistic,
}


def smoothed(loss: Loss, real: float) -> Loss:
    """One-sided label smoothing: D aims at ``real`` < 1 on real samples, at 0 on made ones, as before.

    Salimans et al. 2016, arXiv:1606.03498, section 3.4. It has a meaning for the losses that have targets: the target
    is mixed for the log losses, moved for least squares; for others it is refused with an InputError.
    """
    if real == 1.0:
        return loss
    if loss.belief is torch.sigmoid:

        def discriminator(r: Tensor, f: Tensor) -> Tensor:
            return (real * softplus(-r) + (1 - real) * softplus(r)).mean() + softplus(f).mean()

    elif loss is least_squares:

        def discriminator(r: Tensor, f: Tensor) -> Tensor:
            return 0.5 * (r - real).square().mean() + 0.5 * f.square().mean()

    else:
        raise InputError("label smoothing needs a loss with targets: minimax, non_saturating or least_squares")
    return loss._replace(discriminator=discriminator)


def top_k(loss: Loss, share: float) -> Loss:
    """G descends its loss on the ``share`` of its samples that D takes for most real.

    Sinha et al. 2020, arXiv:2002.06224, section 3. Refused with an InputError for a loss that compares pairs.
    """
    if share == 1.0:
        return loss
    if loss.pairs:
        raise InputError("top-k needs a loss that judges made samples alone; relativistic compares pairs")

    def generator(r: Tensor, f: Tensor) -> Tensor:
        return loss.generator(r, f.topk(max(1, round(share * len(f)))).values)

    return loss._replace(generator=generator)
