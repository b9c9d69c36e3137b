"""Inception score and mode score: how sure a classifier is of each sample, and how many classes it sees in all."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import InputError

ROUNDING = 1e-3  # how far float16 probabilities may be from a sum of 1


class InceptionScore(NamedTuple):
    """Mean and standard deviation (of the population) over the splits."""

    mean: float
    std: float


def inception_score(probabilities: Tensor, splits: int = 10) -> InceptionScore:
    """``exp(E KL(p(y|x) ‖ p(y)))`` of class ``probabilities`` [n, c]: from 1 (all alike) to c (sure, and balanced).

    Salimans et al. 2016, arXiv:1606.03498, section 4. The samples are split in the order in which they come, so they
    must not be sorted by class. Knows no real data, and rises with n / ``splits``: the paper takes 50,000 samples.
    Raises InputError for what are no probabilities, and for fewer rows than splits.
    """
    _check(probabilities)
    if not 1 <= splits <= len(probabilities):
        raise InputError(f"expected 1 to {len(probabilities)} splits, not {splits}; give more samples or fewer splits")
    cuts = [len(probabilities) * i // splits for i in range(splits + 1)]
    parts = [probabilities[a:b].double() for a, b in itertools.pairwise(cuts)]
    scores = torch.stack([_information(part).exp() for part in parts])
    return InceptionScore(float(scores.mean()), float(scores.std(correction=0)))


def mode_score(fake: Tensor, real: Tensor) -> float:
    """``exp(E KL(p(y|x) ‖ p(y)) - KL(p(y) ‖ p*(y)))`` of probabilities [n, c] and [m, c]; p* is of the real samples.

    From 0 to c; the whole sets are taken, without splits. Che et al. 2017, arXiv:1612.02136, in the form
    of Xu et al. 2018, arXiv:1806.07755: with p* inside the first term too, as first printed, both terms together are
    the inception score and p* cancels. Raises InputError for what are no probabilities of the same classes.
    """
    _check(fake)
    _check(real)
    if fake.shape[1] != real.shape[1]:
        raise InputError(f"expected the same classes, not {fake.shape[1]} and {real.shape[1]}; use one classifier")
    ours, theirs = fake.mean(0, dtype=torch.float64), real.mean(0, dtype=torch.float64)
    missed = (torch.xlogy(ours, ours) - torch.xlogy(ours, theirs)).sum()
    return float((_information(fake.double()) - missed).exp())


def _information(p: Tensor) -> Tensor:
    """``E KL(p(y|x) ‖ p(y))``: what a sample tells of its class, the entropy of the mean less the mean entropy."""
    return torch.special.entr(p.mean(0)).sum() - torch.special.entr(p).sum(1).mean()


def _check(p: Tensor) -> None:
    if (
        p.dim() != 2
        or not len(p)
        or not bool((p >= 0).all())
        or not bool(((p.sum(1, dtype=torch.float64) - 1).abs() < ROUNDING).all())
    ):
        raise InputError(f"expected probabilities [n, c] that sum to 1, not {list(p.shape)}; apply softmax to logits")
