"""A Gaussian copula of a table with holes: what one column says of another when nothing but lines is assumed.

Numbers by their normal scores, classes by 0 and 1, all standardised, are taken for jointly normal (Liu, Lafferty &
Wasserman 2009, the nonparanormal). Mean and covariance are those of greatest likelihood given what is known, by EM
(Little & Rubin 2002, section 11.2). With few rows nothing beats it; networks are for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from ganvas.spaces.tables.fields import Field

STEPS = 15  # of EM
MOST_ROWS = 2000  # that are looked at in a step
MOST_CLASSES = 20  # a category with more says nothing, and only its own shares are said of it
RIDGE = 0.003  # by which correlations are shrunk, times the square root of 1000 / rows
CHUNK = 512  # rows at a time
LEAST = 1e-6  # probability of an outcome, at least

Belief = tuple[Tensor, Tensor]  # means [n, d] and covariances [n, d, d] of what is not known, by what is


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Mean ``mean`` [d] and covariance [d, d] of the standardised numbers that rows become; ``centre`` and ``scale``
    [d] standardise them, ``own`` [d] says whose field each is."""

    fields: tuple[Field, ...]
    own: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    mean: Tensor
    covariance: Tensor

    @classmethod
    def fit(cls, fields: Sequence[Field], raw: np.ndarray) -> Self:
        """By EM from raw rows [n, fields], NaN where missing."""
        rows = np.random.default_rng(0).permutation(len(raw))[:MOST_ROWS]
        v, own = design(fields, raw[rows])
        there = ~np.isnan(v)
        count = np.maximum(there.sum(0), 1)
        centre = np.where(there, v, 0).sum(0) / count
        scale = np.sqrt(np.where(there, v - centre, 0).__pow__(2).sum(0) / count)
        scale = np.where(scale > 1e-6, scale, 1.0)
        x, known = standardised(v, centre, scale)
        d = len(own)
        found = cls(tuple(fields), own, centre, scale, torch.zeros(d).double(), torch.eye(d).double())
        ridge = RIDGE * (1000 / len(rows)) ** 0.5
        for _ in range(STEPS):
            found = found.better(x, known, ridge)
        return found

    def better(self, x: Tensor, known: Tensor, ridge: float) -> Self:
        """After one step of EM on standardised rows x [n, d]."""
        total, square = torch.zeros_like(self.mean), torch.zeros_like(self.covariance)
        for i in range(0, len(x), CHUNK):
            filled, covariance = self.believed(x[i : i + CHUNK], known[i : i + CHUNK])
            total += filled.sum(0)
            square += filled.T @ filled + covariance.sum(0)
        mean = total / len(x)
        covariance = square / len(x) - mean[:, None] * mean
        diagonal = covariance.diagonal().diag()
        shrunk = (1 - ridge) * covariance + ridge * diagonal + LEAST * torch.eye(len(mean)).double()
        return type(self)(self.fields, self.own, self.centre, self.scale, mean, shrunk)

    def believed(self, x: Tensor, known: Tensor) -> Belief:
        """Conditional means and covariances of standardised rows x [n, d], of which ``known`` [n, d] is seen."""
        seen = known.to(x.dtype)
        both = seen[:, :, None] * seen[:, None]
        masked = self.covariance * both + torch.diag_embed(1 - seen)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(masked)) * both
        gain = inverse @ self.covariance  # [n, d, d]; rows of what is not seen are 0
        mean = self.mean + (((x - self.mean) * seen)[:, None] @ gain).squeeze(1)
        unseen = 1 - seen
        covariance = (self.covariance - self.covariance @ gain) * unseen[:, :, None] * unseen[:, None]
        return torch.where(known, x, mean), covariance

    def given(self, raw: np.ndarray) -> Belief:
        """Conditional means and covariances, by what is known of raw rows [n, fields]."""
        return self.believed(*standardised(design(self.fields, raw)[0], self.centre, self.scale))

    def shares(self, raw: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """How likely the bins or classes of each field are [n, bins] by what is known of raw rows; and how what is
        missing goes together: the correlation of fields [n, fields, fields]."""
        found = [np.zeros((len(raw), field.bins)) for field in self.fields]
        links = np.zeros((len(raw), len(self.fields), len(self.fields)))
        first = [int(np.flatnonzero(self.own == j)[0]) if (self.own == j).any() else -1 for j in range(len(found))]
        there = np.array([at >= 0 for at in first])
        for i in range(0, len(raw), CHUNK):
            mean, covariance = (part.numpy() for part in self.given(raw[i : i + CHUNK]))
            spread = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), LEAST))
            for j in range(len(self.fields)):
                mine = self.own == j
                found[j][i : i + CHUNK] = self.share(
                    j, mean[:, mine] * self.scale[mine] + self.centre[mine], spread[:, mine] * self.scale[mine]
                )
            link = (covariance / spread[:, :, None] / spread[:, None])[:, first][:, :, first]
            links[i : i + CHUNK] = link * there * there[:, None]
        return found, links

    def share(self, j: int, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
        """Of the bins or classes of field j [n, bins], by mean and spread [n, columns] of its columns."""
        field = self.fields[j]
        if not mean.shape[1]:
            base = field.counts[: field.bins] + 0.5
            return np.broadcast_to(base / base.sum(), (len(mean), field.bins))
        if not field.classes:
            low, high = np.append(-np.inf, field.edges[1:-1]), np.append(field.edges[1:-1], np.inf)
            found = ndtr((high - mean) / spread) - ndtr((low - mean) / spread)
        else:
            found = np.hstack([1 - mean, mean]) if mean.shape[1] < field.bins else mean
            found = np.maximum(found, 0.0)
        found = found + LEAST
        return found / found.sum(1, keepdims=True)


def design(fields: Sequence[Field], raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Raw rows [n, fields] as numbers [n, d], NaN where missing: scores, and 0 or 1 for classes; and whose each is."""
    columns, own = [], []
    for j, (field, v) in enumerate(zip(fields, raw.T, strict=True)):
        if not field.classes:
            columns.append(field.encode(v))
            own.append(j)
        elif field.bins <= MOST_CLASSES:
            for k in range(1 if field.bins == 2 else 0, field.bins):
                columns.append(np.where(np.isnan(v), np.nan, v == k))
                own.append(j)
    found = np.array(columns, np.float64).T if columns else np.zeros((len(raw), 0))
    return found, np.array(own, np.int64)


def standardised(v: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> tuple[Tensor, Tensor]:
    """Numbers [n, d] by centre and scale, 0 where missing; and where they are not."""
    there = ~np.isnan(v)
    return torch.from_numpy(np.where(there, (v - centre) / scale, 0.0)), torch.from_numpy(there)
