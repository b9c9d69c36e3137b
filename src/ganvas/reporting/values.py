"""Figures as a report needs them: checked, flattened, and written for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Points = tuple[np.ndarray, np.ndarray]  # x [n], y [n]


def finite(value: object) -> bool:
    """Whether this is a number, not NaN or infinite (True and False are no numbers)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def points(pairs: Sequence[tuple[object, object]]) -> Points:
    """The pairs of finite numbers as two arrays [n]."""
    kept = [(x, y) for x, y in pairs if finite(x) and finite(y)]
    both = np.array(kept, dtype=np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def number(value: float | None) -> str:
    """A figure for readers: whole numbers with commas, others to three digits, a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int) or 100 <= abs(value) < 1e12:
        return f"{value:,.0f}"
    return f"{value:#.3g}" if value else "0"


def percent(share: float) -> str:
    """A share for readers, in whole percent."""
    return f"{round(100 * share)} %"


def span(seconds: float) -> str:
    """A duration for readers."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def flat(values: object, name: str = "") -> dict[str, object]:
    """Nested dictionaries as one: ``{"a": {"b": 1}}`` -> ``{"a.b": 1}``."""
    if not isinstance(values, dict):
        return {name: values}
    found: dict[str, object] = {}
    for key, value in values.items():
        found |= flat(value, f"{name}.{key}" if name else str(key))
    return found


def plain(value: object) -> str:
    """Any JSON value as a reader writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(one) for one in value)
    return str(value)
