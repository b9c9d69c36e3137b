"""Where latents come from: the prior, and random numbers that are a function of (seed, index). Without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from ganvas.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

CHUNK, ROWS = 16, 2048  # samples made at a time outside training, and rows of tables: rounding does not depend on n


@dataclass(frozen=True)
class Prior:
    """Where latents come from: ``normal`` N(0, 1), ``uniform`` U(-1, 1), or ``truncated``: N(0, 1) with every
    component beyond ±``limit`` drawn again (Brock et al. 2019, BigGAN, arXiv:1809.11096, section 3.1). Latents of
    ``block`` samples in a row are drawn together: quicker, where samples are many and small."""

    size: int
    kind: Literal["normal", "uniform", "truncated"] = "normal"
    limit: float = 2.0
    block: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("normal", "uniform", "truncated"):
            raise InputError(f"no prior '{self.kind}'; known: normal, uniform, truncated")
        if self.kind == "truncated" and self.limit < 0.05:
            raise InputError(f"a prior truncated at {self.limit} leaves almost nothing; use 0.05 or more")

    def shape(self, draws: Tensor) -> Tensor:
        """Latents [n, size] of this prior from standard normal numbers ``draws`` [n, size], where they are."""
        import torch

        if self.kind == "uniform":
            return torch.erf(draws / 2**0.5)  # 2 Φ(a) - 1
        if self.kind == "truncated":  # N(0, 1) cut at ±limit by its quantiles
            u = torch.erf(draws / 2**0.5) * math.erf(self.limit / 2**0.5)
            return (torch.erfinv(u) * 2**0.5).clamp(-self.limit, self.limit)
        return draws

    def latents(
        self, seed: int, indices: Sequence[int], truncation: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Latents [n, size] float32 of samples number ``indices`` and a uniform number [n] each, for the label.

        A function of (seed, index) alone, by NumPy's Philox. ``truncation`` narrows a normal prior.
        """
        if truncation is not None and self.kind == "uniform":
            raise InputError("truncation needs a normal prior; this generator's is uniform")
        prior = self if truncation is None else replace(self, kind="truncated", limit=truncation)
        normal, uniform = numbers((seed, 1), indices, self.size, self.block)
        return prior._placed(normal), uniform

    def _placed(self, draws: np.ndarray) -> np.ndarray:
        """As ``shape``, of an array."""
        if self.kind == "normal":
            return draws
        from scipy.special import erf, erfinv

        u = erf(draws / np.float32(2**0.5))
        if self.kind == "uniform":
            return u
        cut = erfinv(u * np.float32(math.erf(self.limit / 2**0.5))) * np.float32(2**0.5)
        return cut.clip(-self.limit, self.limit)


def numbers(key: tuple[int, int], indices: Sequence[int], size: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal numbers [n, size] and a uniform one [n] for each of ``indices``: a function of (key, index, block).

    By NumPy's Philox, for ``block`` indices in a row at a time.
    """
    normal, uniform = np.empty((len(indices), size), np.float32), np.empty(len(indices))
    blocks, within = np.divmod(np.asarray(indices, np.int64), block)
    found, counts = np.unique(blocks, return_counts=True)
    places = np.split(np.argsort(blocks, kind="stable"), counts.cumsum())[:-1]
    random = np.random.Generator(philox := np.random.Philox(key=key))
    fresh = philox.state
    for number, rows in zip(found, places, strict=True):
        fresh["state"]["counter"][:] = (0, 0, 0, number)
        philox.state = fresh  # much quicker than a new one
        uniform[rows] = random.random(block)[within[rows]]
        normal[rows] = random.standard_normal((block, size), np.float32)[within[rows]]
    return normal, uniform
