"""What the measures of tables ask of their rows, and how they choose among too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganvas.errors import InputError

Rows = NDArray[np.float64]  # [n, fields]; NaN is missing
Kind = TypeVar("Kind", bound=np.generic)
Flags = NDArray[np.bool_]  # [fields]


def check_tables(discrete: Sequence[bool], *tables: Rows) -> Flags:
    """``discrete`` as an array [fields], for tables [n, fields] that go with it.

    Raises InputError for tables of another width, without rows, or with infinite numbers.
    """
    flags = np.asarray(discrete, dtype=bool)
    for raw in tables:
        if raw.ndim != 2 or raw.shape[1:] != flags.shape or not raw.size:
            shapes = ", ".join(str(list(one.shape)) for one in tables)
            raise InputError(f"expected tables [n, {flags.size}] with rows and fields, not {shapes}; give raw matrices")
        infinite = np.isinf(np.fmax.reduce(raw, 0)) | np.isinf(np.fmin.reduce(raw, 0))
        if infinite.any():
            field = int(infinite.argmax())
            raise InputError(f"expected finite numbers or NaN, but field {field} has infinities; make them missing")
    return flags


def part(raw: NDArray[Kind], most: int, seed: int = 0) -> NDArray[Kind]:
    """``raw`` [n, …] itself, or ``most`` of its rows, chosen at random by ``seed``."""
    if len(raw) <= most:
        return raw
    return raw[np.random.default_rng(seed).choice(len(raw), most, replace=False)]


def codes(values: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Each of ``values`` [n] as its rank among the distinct ones [n], and their number; NaN is one value, the last."""
    distinct, ranks = np.unique(values, return_inverse=True)
    return ranks.reshape(-1), len(distinct)


def phi_square(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """χ²/n, 0 or more, of two columns of class numbers [n] from 0 on: how far they are from going their own ways."""
    classes = int(b.max()) + 1
    cells, counts = np.unique(a * classes + b, return_counts=True)
    expected = np.bincount(a)[cells // classes] * np.bincount(b)[cells % classes]
    return max(0.0, float((np.square(counts.astype(float)) / expected).sum()) - 1)
