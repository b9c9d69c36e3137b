"""Single cells, of classes and constants, as JSON holds them: their text, and a letter for their type."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import numpy as np

from ganvas.spaces.tables.library import pandas


@dataclass(frozen=True)
class Cells:
    """Some cells as ``texts``, and the type of each by its letter in ``types``."""

    texts: tuple[str, ...] = ()
    types: str = ""

    @classmethod
    def of(cls, values: Sequence[Any]) -> Self:
        """Cells of Python's or NumPy's values; those of unusual types become text."""
        return cls(tuple(text_of(v) for v in values), "".join(letter(v) for v in values))

    def values(self) -> list[Any]:
        """The cells again."""
        return [TYPES[kind](text) for text, kind in zip(self.texts, self.types, strict=True)]


def letter(value: Any) -> str:
    """The type of a cell: b bool, i int, f float, d Decimal, t time stamp, v interval, s text and all else."""
    kinds = {"b": bool, "i": int, "f": float, "d": Decimal, "t": datetime.datetime, "v": pandas().Interval}
    value = plain(value)
    return next((letter for letter, kind in kinds.items() if isinstance(value, kind)), "s")


def plain(value: Any) -> Any:
    """A NumPy value as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def text_of(value: Any) -> str:
    """A cell's text, from which its type restores it."""
    if letter(value) == "v":
        low, high = plain(value.left), plain(value.right)
        return f"{'[' if value.closed_left else '('}{low}, {high}{']' if value.closed_right else ')'}"
    return str(plain(value))


def interval(text: str) -> Any:
    """The pandas Interval of ``(0, 10]``."""
    closed = {"[]": "both", "[)": "left", "(]": "right", "()": "neither"}[text[0] + text[-1]]
    ends = text[1:-1].split(", ")
    for kind in (int, float, pandas().Timestamp):
        try:
            return pandas().Interval(*map(kind, ends), closed)
        except ValueError:
            continue
    raise ValueError(f"{text} is no interval")


TYPES: dict[str, Callable[[str], Any]] = {
    "b": lambda text: text == "True",
    "i": int,
    "f": float,
    "d": Decimal,
    "t": lambda text: pandas().Timestamp(text),
    "v": interval,
    "s": str,
}


def key(value: Any) -> tuple[str, Any]:
    """What a cell is known by: True, 1 and 1.0 are the same, "1" is not."""
    value = plain(value)
    number = isinstance(value, bool | int | float)
    return ("n", float(value) if math.fabs(value) < 2**53 else value) if number else ("s", text_of(value))


def classes(series: Any, cells: Cells) -> np.ndarray:
    """Class numbers [n] of a Series; NaN for missing and unknown cells."""
    codes, found = factorised(series)
    place = {key(v): float(i) for i, v in enumerate(cells.values())}
    known = np.array([place.get(key(v), np.nan) for v in found] + [np.nan])
    return known[codes]


def factorised(series: Any) -> tuple[np.ndarray, list[Any]]:
    """(number of its value [n], -1 where missing; the distinct values) of a Series; what has no hash becomes text."""
    if str(series.dtype) == "category":
        return np.asarray(series.cat.codes, np.int64), list(series.cat.categories)
    try:
        codes, found = pandas().factorize(series)
    except TypeError:
        codes, found = pandas().factorize(series.map(str, na_action="ignore"))
    return codes, list(found)
