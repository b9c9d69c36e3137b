"""The gradient of private records: each bounded, their sum noised, so that no one record shows in it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from ganvas.game import Batch, Discriminator

TINY = 1e-6  # beside a norm that is divided by


def gradients(D: Discriminator, records: Batch, loss: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """The gradient of each record's loss alone, by name of D's weights: [n, *weight]. ``loss``: scores -> losses."""
    weights = {name: weight.detach() for name, weight in D.named_parameters() if weight.requires_grad}

    def one(weights: dict[str, Tensor], x: Tensor, y: Tensor | None) -> Tensor:
        alone = Batch(x[None], None if y is None else y[None])
        return loss(functional_call(D, weights, (alone,))).sum()

    if not len(records):
        return {name: weight.new_zeros(0, *weight.shape) for name, weight in weights.items()}
    over = (None, 0, None if records.y is None else 0)
    found: dict[str, Tensor] = vmap(grad(one), over, randomness="different")(weights, records.x, records.y)
    return found


def bounded(found: dict[str, Tensor], bound: float) -> dict[str, Tensor]:
    """The sum of the gradients [n, *weight] of all records, each scaled down to the norm ``bound`` when it is longer.

    Abadi et al. 2016 (DP-SGD), arXiv:1607.00133, Algorithm 1.
    """
    norms = torch.stack([one.flatten(1).norm(dim=1) for one in found.values()]).norm(dim=0)
    factor = (bound / (norms + TINY)).clamp_max(1.0)
    return {name: torch.einsum("n,n...->...", factor, one) for name, one in found.items()}


def noised(
    D: Discriminator, records: Batch, loss: Callable[[Tensor], Tensor], bound: float, noise: float, expected: int
) -> Tensor:
    """A scalar whose gradient to D's weights is (sum of bounded gradients + N(0, (noise · bound)²)) / expected.

    Its value is the mean loss of the records, which is private still: it may be logged, not given away. The noise is
    drawn from the records' own random numbers.
    """
    total = bounded(gradients(D, records, loss), bound)
    weights = dict(D.named_parameters())
    pull = torch.stack(
        [(weights[name] * (one + noise * bound * normal(records, one)) / expected).sum() for name, one in total.items()]
    ).sum()
    with torch.no_grad():
        value = loss(D(records)).sum() / max(len(records), 1)
    return value + pull - pull.detach()


def normal(records: Batch, like: Tensor) -> Tensor:
    """Standard normal numbers of the shape of ``like``, which belong to the batch as a whole."""
    if records.draws is None:
        return torch.randn_like(like)
    drawn = records.draws.generator().standard_normal(tuple(like.shape))
    return torch.from_numpy(drawn).to(like)
