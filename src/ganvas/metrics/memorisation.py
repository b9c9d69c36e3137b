"""Does a generator replay its training samples? Its samples are held to what unseen real samples show.

For each sample the distance to its nearest training sample is divided by that to the third nearest. Blur, noise,
averaging and collapse bring a sample near to many training samples or to none, so the ratio stays high; a copy is near
to one, and the ratio is low. (The third, not the second as in Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94: a
training sample may have a twin, and the middle of two samples is a copy of neither.) How low an honest ratio goes
depends on the data and its near duplicates, so held-out real samples say it: a sample "looks like a copy" when its
ratio is within the lowest 5 % of theirs. The alarm asks for 2.5 times the expected share of such samples, and for an
exact test in which each training sample counts once: a generator that repeats one picture is not a thousand proofs.

Measured on emoji and MNIST, ten splits each (benchmarks/memory.py): no alarm for fresh, blurred, noisy, averaged or few
pictures; always one for plain and mirrored copies, a fifth of the samples or a fifth of the data; for moved ones where
the views include the movement.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.neighbours import check_sets, nearest

NEIGHBOUR = 3  # its distance is what the nearest one's is compared with
LEVELS = (0.01, 0.05)  # shares of the held-out samples that may look like copies: exact ones, near ones
CERTAIN = 1e-4  # the alarm's p-value
TIMES = 2.5  # … and how many times the expected share
SAME = 1e-4  # distances below this share of the data's spread are none: a network is no more exact


class Memorisation(NamedTuple):
    """What ``memorisation`` found; shares are in [0, 1].

    Attributes:
        copies: share of the samples that look like copies of training samples.
        expected: the same share of held-out real samples. About (copies - expected) / (1 - expected) are copies.
        p_value: of Fisher's exact test that there are no more copies than expected, over distinct training samples; the
            smaller of two, doubled: of the lowest 5 %, and of the lowest 1 % (in which exact copies stand out more).
        alarm: p_value < 0.0001 and copies >= 2.5 expected.
        authenticity: share of the samples that are farther from their nearest training sample than that one is from
            its own nearest. Alaa et al. 2022, arXiv:2102.08921.
        authenticity_held_out: the same of held-out real samples, what is to be expected.
        c_t: z-value of the Mann-Whitney test whether samples are nearer to training samples than held-out ones are:
            below -3 they are, by copying or by blur (the alarm tells them apart). Meehan et al. 2020, arXiv:2004.05675,
            with the whole space as one cell.
        nearest: index [n_f] of each sample's nearest training sample.
        distance: the distance [n_f] to it, >= 0, over all views.
        ratio: that distance as a share [n_f] of the one to the third nearest, in [0, 1]: sort by it to show copies.
    """

    copies: float
    expected: float
    p_value: float
    alarm: bool
    authenticity: float
    authenticity_held_out: float
    c_t: float
    nearest: Tensor
    distance: Tensor
    ratio: Tensor


class Nearby(NamedTuple):
    """Of each sample [n]: the nearest training sample, its distance, the ratio, and that one's own nearest distance."""

    where: Tensor
    distance: Tensor
    ratio: Tensor
    reach: Tensor


def memorisation(train: Tensor, held_out: Tensor, fake: Tensor, seed: int = 0) -> Memorisation:
    """Are ``fake`` samples copies of ``train`` [n_t, d], more than ``held_out`` real ones seem to be?

    ``fake`` [n_f, d] and ``held_out`` [n_h, d] may come as views [v, n, d], the same for both: features of each sample
    as it is, mirrored, moved by a pixel, …; the view nearest to a training sample counts, so mirrored and moved copies
    are found too. Features decide what a copy is: those of networks forgive little noise, blur (more when each vector
    is brought to length 1) or movement; pictures averaged to 16 x 16, in many views, forgive all three. ``held_out``
    must be drawn like ``train`` and not be trained on; some hundred of each set are needed for a sure answer. ``seed``
    draws which of several samples speaks for a training sample. Raises InputError for sets that do not fit.
    """
    theirs, ours = _views(train, held_out), _views(train, fake)
    if len(theirs) != len(ours):
        raise InputError(
            f"expected held-out and made samples in the same views, not {len(theirs)} and {len(ours)}; "
            "the more views, the nearer a training sample: make the same of both"
        )
    real, made = _nearby(train, theirs), _nearby(train, ours)
    limits = [real.ratio.kthvalue(math.ceil(level * len(real.ratio))).values for level in LEVELS]
    expected, copies = (float((found.ratio <= limits[-1]).double().mean()) for found in (real, made))
    random = torch.Generator().manual_seed(seed)
    low, high = (found.ratio[_one_each(found.where, random)] for found in (real, made))
    p_value = min(1.0, len(limits) * min(_more(low <= limit, high <= limit) for limit in limits))
    return Memorisation(
        copies,
        expected,
        p_value,
        p_value < CERTAIN and copies >= TIMES * expected,
        float((made.distance > made.reach).double().mean()),
        float((real.distance > real.reach).double().mean()),
        _mann_whitney(made.distance, real.distance),
        made.where,
        made.distance,
        made.ratio,
    )


def _views(train: Tensor, samples: Tensor) -> Tensor:
    """``samples`` as [v, n, d], checked against ``train`` [n_t, d]."""
    views = samples if samples.dim() == 3 else samples[None]
    check_sets(train, views.flatten(0, 1), NEIGHBOUR)
    return views


def _nearby(train: Tensor, views: Tensor) -> Nearby:
    """What is near to each sample [v, n, d] in that of its views which is nearest to a training sample."""
    same = SAME * float((train.double() - train.double().mean(0)).norm(dim=1).mean())
    gaps, where = (x.view(*views.shape[:2], NEIGHBOUR) for x in nearest(views.flatten(0, 1), train, NEIGHBOUR))
    view, rows = gaps[:, :, 0].argmin(0), torch.arange(views.shape[1])
    gaps, first = gaps[view, rows].where(gaps[view, rows] > same, 0.0), where[view, rows, 0]
    distance, third = gaps[:, 0].contiguous(), gaps[:, -1].clamp(min=max(same, torch.finfo(gaps.dtype).tiny))
    distinct, back = first.unique(return_inverse=True)
    reach = nearest(train[distinct], train, 2)[0][:, 1]  # the first is itself
    return Nearby(first, distance, distance / third, reach[back])


def _one_each(where: Tensor, random: torch.Generator) -> Tensor:
    """A random row of ``where`` [n] for each value in it."""
    order = torch.randperm(len(where), generator=random)
    return order[np.unique(where[order].numpy(), return_index=True)[1]]


def _more(low: Tensor, high: Tensor) -> float:
    """One-sided p-value of Fisher's exact test that ``high`` [n] (bool) is no more often true than ``low`` [m]."""
    n, m, hits = len(high), len(low), int(high.sum())
    true = hits + int(low.sum())
    x = torch.arange(hits, min(n, true) + 1, dtype=torch.float64)  # as many or more of them in ``high``
    ways = _log_ways(n, x) + _log_ways(m, true - x) - _log_ways(n + m, torch.tensor(float(true), dtype=x.dtype))
    return min(1.0, float(ways.exp().sum()))


def _log_ways(n: int, k: Tensor) -> Tensor:
    """Logarithm of "``n`` choose ``k``"."""
    return math.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)


def _mann_whitney(a: Tensor, b: Tensor) -> float:
    """Z-value of the U statistic of ``a`` [n] against ``b`` [m]: negative when ``a`` is smaller; ties count half."""
    ordered, n, m = b.sort().values, len(a), len(b)
    below, upto = (torch.searchsorted(ordered, a, right=right) for right in (False, True))
    u = float((below + upto).double().sum()) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
