"""Kernel distance of two feature sets: "KID" if the features are Inception's. Unbiased, with an honest standard error.

The squared maximum mean discrepancy with the kernel ``k(x, y) = (x·y / d + 1)³``. Bińkowski et al. 2018,
arXiv:1801.01401, section 4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.neighbours import BLOCK, check_sets

LEAST = 4  # rows that the variance needs


class Estimate(NamedTuple):
    """A measured value and how far it would typically move if the samples were drawn anew."""

    value: float
    standard_error: float


def kid(real: Tensor, fake: Tensor, seed: int = 0, size: int = 5000) -> Estimate:
    """Unbiased squared MMD of two feature sets [m, d] and [n, d]: 0 in the mean for equal distributions, may be below.

    Up to ``size`` rows all pairs are used (the U-statistic of Gretton et al. 2012, JMLR 13, eq. (3)); of more rows, the
    mean over disjoint random blocks (by ``seed``) of at most ``size`` rows. The standard error is the root of an
    unbiased estimate of the variance, second order included, so it holds for equal distributions too; half of the
    second order is its floor. Raises InputError for sets of different width or too few rows.
    """
    check_sets(real, fake, LEAST)
    parts = -(-max(len(real), len(fake)) // size)
    if min(len(real), len(fake)) < LEAST * parts:
        raise InputError(f"{parts} blocks need {LEAST * parts} rows of each set; give more samples or a larger size")
    random = torch.Generator().manual_seed(seed)
    cuts = (torch.randperm(len(x), generator=random).tensor_split(parts) for x in (real, fake))
    blocks = [_block(real[a].double(), fake[b].double()) for a, b in zip(*cuts, strict=True)]
    value, first, second = (sum(column) / parts for column in zip(*blocks, strict=True))
    variance = max(first + second, second / 2, 0.0)  # first is as often below 0 as above for equal distributions
    return Estimate(value, (variance / parts) ** 0.5)


def _block(x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """The U-statistic of ``x`` [m, d], ``y`` [n, d] and the two parts of its variance, each estimated without bias.

    Hoeffding's decomposition: ``k(x, x') = mean + a(x) + a(x') + e(x, x')``, and so for the other pairs. The part of
    first order, 4 Var(a_xx - a_xy) / m and the same of y, is what the row means show less what e adds to them.
    """
    m, n = len(x), len(y)
    (rows_x, _, square_x), (rows_y, _, square_y), (rows, columns, square) = _sums(x, x), _sums(y, y), _sums(x, y)
    value = rows_x.sum() / (m * (m - 1)) + rows_y.sum() / (n * (n - 1)) - 2 * rows.sum() / (m * n)
    e_x, e_y = _residual(rows_x, square_x), _residual(rows_y, square_y)
    total = square - rows.square().sum() / n - columns.square().sum() / m + rows.sum().square() / (m * n)
    e_xy = total / ((m - 1) * (n - 1))  # the interaction of a two-way table
    first_x = (rows_x / (m - 2) - rows / n).var() - e_x / (m - 2) - e_xy / n
    first_y = (rows_y / (n - 2) - columns / m).var() - e_y / (n - 2) - e_xy / m
    second = 2 * e_x / (m * (m - 1)) + 2 * e_y / (n * (n - 1)) + 4 * e_xy / (m * n)
    return float(value), float(4 * first_x / m + 4 * first_y / n), float(second)


def _residual(rows: Tensor, square: Tensor) -> Tensor:
    """Variance of e in a symmetric table without its diagonal. Griffing 1956, doi:10.1071/BI9560463, method 4."""
    m = len(rows)
    total = square - 2 * rows.square().sum() / (m - 2) + rows.sum().square() / ((m - 1) * (m - 2))
    return total / (m * (m - 3))


def _sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Row sums [m], column sums [n] and the sum of squares of the kernel matrix; no diagonal when ``y`` is ``x``."""
    rows, columns, square = x.new_empty(len(x)), x.new_zeros(len(y)), x.new_zeros(())
    one, step = x.new_ones(()), max(1, BLOCK // len(y))
    for start in range(0, len(x), step):
        here = slice(start, start + step)
        kernel = torch.addmm(one, x[here], y.T, alpha=1 / x.shape[1]).pow_(3)
        if x is y:
            kernel.diagonal(start).zero_()
        rows[here] = kernel.sum(1)
        columns += kernel.sum(0)
        square += kernel.square_().sum()
    return rows, columns, square
