"""What each player descends. ``r`` and ``f``: the discriminator's raw outputs [n] on real and on fake samples.

``softplus(-a) = -log sigmoid(a)`` and ``softplus(a) = -log(1 - sigmoid(a))``, so nothing overflows.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus


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
