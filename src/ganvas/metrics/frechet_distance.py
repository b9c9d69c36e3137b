"""Fréchet distance of the normal distributions fitted to two feature sets: "FID" if the features are Inception's.

``|m_a - m_b|² + tr(A + B - 2 (A B)^½)``. Dowson & Landau 1982, doi:10.1016/0047-259X(82)90077-X, eq. (4); Heusel et
al. 2017, arXiv:1706.08500, eq. (6). The matrix root is never taken: the trace of ``(A B)^½`` is the sum of the roots of
the eigenvalues of ``L^T B L`` with ``A = L L^T``, or the nuclear norm of ``P Q^T`` with ``A = P^T P``, ``B = Q^T Q``.
Everything is real and in float64.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.kid import Estimate
from ganvas.metrics.neighbours import check_sets

EPSILON = float(np.finfo(np.float64).eps)
ROWS = 4096  # rows in float64 at once


@dataclass
class Moments:
    """What the distance knows of a feature set: all that has to be kept of the real one.

    ``count`` rows with ``mean`` [d] and ``scatter`` [d, d], the sum of (x - mean)(x - mean)^T, both float64.
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """The moments of ``features`` [n, d] of any float type; the rows go to float64 in blocks."""
        width = features.shape[1]
        whole = cls(0, torch.zeros(width, dtype=torch.float64), torch.zeros(width, width, dtype=torch.float64))
        for part in features.split(ROWS):
            whole.add(part)
        return whole

    def add(self, features: Tensor) -> None:
        """Take in ``features`` [n, d] too, as if they had been there from the start.

        The pairwise update of Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115. Raises InputError if
        any is not finite.
        """
        mean = features.mean(0, dtype=torch.float64)
        if not mean.isfinite().all():
            raise InputError("expected finite features, but some are NaN or infinite; look at their samples")
        total, shift = self.count + len(features), mean - self.mean
        centred = (features - mean).numpy()
        self.scatter += torch.from_numpy(centred.T @ centred)  # NumPy sees the symmetry: half the work
        self.scatter.addr_(shift, shift, alpha=self.count * len(features) / total)
        self.mean = self.mean + shift * (len(features) / total)
        self.count = total

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance [d, d] (divided by count - 1)."""
        return self.scatter / (self.count - 1)


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Fréchet distance of two feature sets [n, d] and [m, d]: >= 0, 0 for equal moments, in squared feature units.

    Biased upwards by about (a constant) / n: compare values of equal n only, or see ``frechet_infinity``. With fewer
    rows than columns no [d, d] matrix is made. Raises InputError for sets of different width or with less than 2 rows.
    """
    check_sets(real, fake)
    if min(len(real), len(fake)) > real.shape[1]:
        return between(Moments.of(real), Moments.of(fake))
    (mean_a, root_a), (mean_b, root_b) = _mean_and_root(real), _mean_and_root(fake)
    traces = float(np.square(root_a).sum() + np.square(root_b).sum())
    return _distance(mean_a - mean_b, traces, _nuclear(root_a, root_b))


def between(a: Moments, b: Moments) -> float:
    """Fréchet distance of two sets of which only the ``Moments`` are kept."""
    traces = float(a.covariance.trace() + b.covariance.trace())
    return _distance(a.mean - b.mean, traces, _overlap(a, b))


def frechet_infinity(real: Tensor, fake: Tensor, seed: int = 0, sizes: int = 15) -> Estimate:
    """What the distance tends to when the number of ``fake`` samples grows: its bias of order 1/n removed.

    Chong & Forsyth 2020, arXiv:1911.07023: the distance of random subsets of ``sizes`` sizes, evenly spaced
    up to all of ``fake`` [m, d], is fitted by a line in 1/size; its value at 0 is the estimate, which may fall below 0.
    Subsets start at a tenth of the samples (at 2 d if that is more, at a half at most). The standard error is that of
    the fit: it does not know how another set of samples would differ. ``real`` [n, d] keeps the bias of its own n.
    """
    check_sets(real, fake, least=2 * sizes)
    count, width = fake.shape
    truth, random = Moments.of(real), torch.Generator().manual_seed(seed)
    first = max(count // 10, min(2 * width, count // 2))
    taken = torch.linspace(first, count, sizes, dtype=torch.float64).round()
    subsets = (fake[torch.randperm(count, generator=random)[: int(size)]] for size in taken)
    values = torch.tensor([between(truth, Moments.of(subset)) for subset in subsets], dtype=torch.float64)
    return _intercept(1 / taken, values)


def _distance(gap: Tensor, traces: float, overlap: float) -> float:
    return max(0.0, float(gap.square().sum()) + traces - 2 * overlap)


def _overlap(a: Moments, b: Moments) -> float:
    """``tr (A B)^½``. The eigenvalues know small ones to eps times the largest; below that the roots step in."""
    from scipy.linalg.blas import dtrmm

    A, B = a.covariance.numpy(), b.covariance.numpy()
    if min(a.count, b.count) > len(A):
        with contextlib.suppress(np.linalg.LinAlgError):  # A is singular
            upper = np.linalg.cholesky(A).T
            half = dtrmm(1.0, upper, B.T)  # a triangular product: half the work, and B.T is B in Fortran's order
            values = np.linalg.eigvalsh(dtrmm(1.0, upper, half, side=1, trans_a=1, overwrite_b=1))
            if values[0] > EPSILON * values[-1]:
                return float(np.sqrt(values).sum())
    return _nuclear(_root(A), _root(B))


def _nuclear(P: np.ndarray, Q: np.ndarray) -> float:
    """The sum of the singular values of ``P Q^T``: no digits are lost to a square root."""
    return float(np.linalg.svd(P @ Q.T, compute_uv=False).sum())


def _root(covariance: np.ndarray) -> np.ndarray:
    """``P`` [r, d] with ``P^T P = covariance`` and r its numerical rank."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > len(values) * EPSILON * values[-1]
    return (vectors[:, kept] * np.sqrt(values[kept])).T


def _mean_and_root(features: Tensor) -> tuple[Tensor, np.ndarray]:
    """The mean [d] and a root [r, d] of the covariance: the centred rows themselves where they are few."""
    count, width = features.shape
    if count > width:
        moments = Moments.of(features)
        return moments.mean, _root(moments.covariance.numpy())
    mean = features.mean(0, dtype=torch.float64)
    return mean, ((features - mean) / (count - 1) ** 0.5).numpy()


def _intercept(x: Tensor, y: Tensor) -> Estimate:
    """Where the least-squares line through ``y`` [k] over ``x`` [k] meets x = 0, with its standard error."""
    mean, spread = x.mean(), (x - x.mean()).square().sum()
    slope = ((x - mean) * y).sum() / spread
    value = y.mean() - slope * mean
    noise = (y - value - slope * x).square().sum() / (len(x) - 2)
    return Estimate(float(value), float((noise * (1 / len(x) + mean.square() / spread)).sqrt()))
