"""What is told about each picture, as columns of numbers: classes get a number, continuous values stay."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganvas.errors import InputError, nearest

MANY = 20  # a column of whole numbers with more different values than this is continuous


@dataclass(frozen=True)
class Columns:
    """Columns ``names``, their ``classes`` (empty: continuous) and ``values`` [N, k] float64.

    ``chosen`` are used unless the user names others; ``left_out`` says why further columns cannot be used.
    """

    names: list[str] = field(default_factory=list)
    classes: list[list[str]] = field(default_factory=list)
    values: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    chosen: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def choose(self, labels: object) -> list[int]:
        """Numbers of the columns to use: all usual ones (None, True), none (False, "none"), or those named.

        Raises InputError for a column that is not there or cannot be used.
        """
        if labels is False or labels == "none":
            return []
        if labels is None or labels is True:
            return [self.names.index(name) for name in self.chosen]
        if not isinstance(labels, str | list | tuple):
            raise InputError(f"labels={labels!r} is not understood; give column names as a,b,c, or none")
        wanted = [w.strip() for w in labels.split(",")] if isinstance(labels, str) else [str(w) for w in labels]
        for name in wanted:
            if name in self.left_out:
                raise InputError(f"label column '{name}' cannot be used: {self.left_out[name]}")
            if name not in self.names:
                raise InputError(f"no label column '{name}'{nearest(name, self.names)}")
        return [self.names.index(name) for name in dict.fromkeys(wanted)]

    def config(self) -> dict[str, Any]:
        """Plain JSON of all but the values."""
        return {"names": self.names, "classes": self.classes, "chosen": self.chosen, "left_out": self.left_out}


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key by which "2" < "10" and "a2" < "a10"."""
    parts = re.split(r"(\d+)", text, flags=re.ASCII)
    return [(0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(parts) if p]


def columns(table: Mapping[str, Sequence[object]], typed: bool = False) -> Columns:
    """Columns from cells, all of one length.

    A column of numbers is continuous when it has a fraction or more than MANY different values; when the cells are
    ``typed`` (they come from arrays or folder names) floats are continuous, whole numbers and texts are classes.
    Classes stand in natural order. A column is left out when a cell is empty, when all cells are equal, and when it
    has classes that hardly repeat.
    """
    names, classes, values, left_out = [], [], [], {}
    for name, cells in table.items():
        kinds, numbers, problem = column(list(cells), typed)
        if problem:
            left_out[name] = problem
            continue
        names.append(name)
        classes.append(kinds)
        values.append(numbers)
    stacked = np.stack(values, 1) if values else np.empty((0, 0))
    return Columns(names, classes, stacked, list(names), left_out)


def column(cells: list[object], typed: bool) -> tuple[list[str], np.ndarray, str]:
    """(classes, numbers [N], why it cannot be used) of one column."""
    none = np.empty(0)
    texts = [str(cell).strip() if cell is not None else "" for cell in cells]
    if "" in texts:
        return [], none, f"it is empty for {texts.count(''):,} of {len(texts):,} pictures; fill it in"
    numbers = as_numbers(texts)
    if numbers is not None and continuous(cells, numbers, typed):
        return [], numbers, "" if numbers.std() > 0 else "all its values are equal"
    if typed and isinstance(cells[0], float):
        return [], none, "not all its values are finite numbers"
    if numbers is not None and not (typed and isinstance(cells[0], str)):
        texts = [f"{number:.0f}" for number in numbers]
    kinds = sorted(set(texts), key=natural)
    if len(kinds) == 1:
        return [], none, f"all its values are '{kinds[0]}'"
    if len(kinds) > max(MANY, len(texts) // 2):
        return [], none, f"{len(kinds)} different values in {len(texts)} pictures are no classes"
    number_of = {kind: i for i, kind in enumerate(kinds)}
    return kinds, np.array([number_of[text] for text in texts], np.float64), ""


def as_numbers(texts: list[str]) -> np.ndarray | None:
    """The cells as finite numbers [N], or None when one is not."""
    try:
        numbers = np.array([float(text) for text in texts])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def continuous(cells: list[object], numbers: np.ndarray, typed: bool) -> bool:
    """Whether a column of numbers is continuous."""
    if typed:
        return isinstance(cells[0], float)
    return bool((numbers % 1 != 0).any()) or len(np.unique(numbers)) > MANY
