"""What every row keeps: ``low <= high``, ``price > 0``, ``0 <= share <= 1``, ``(city, state)``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.spaces.tables.fields import Field

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
FORMS = "'low <= high', 'price > 0', '0 <= share <= 1' or '(city, state)'"


@dataclass(frozen=True, eq=False)
class Constraint:
    """One constraint, as written in ``text``.

    A chain of comparisons: ``signs`` [k] between ``operands`` [k + 1], each the number of a field (int) or a value
    (float). Or, without signs, columns whose values come only together as in training: ``operands`` are their numbers
    and ``rows`` [m, columns] the combinations seen, NaN where missing.
    """

    text: str
    operands: tuple[int | float, ...]
    signs: tuple[str, ...] = ()
    rows: np.ndarray | None = None

    @property
    def pairs(self) -> list[tuple[str, int | float, int | float]]:
        """The comparisons of the chain: (sign, left, right)."""
        return (
            [] if self.rows is not None else list(zip(self.signs, self.operands[:-1], self.operands[1:], strict=True))
        )

    def holds(self, raw: np.ndarray) -> np.ndarray:
        """Which raw rows [n, fields] keep it: bool [n]. A comparison with a missing value holds."""
        if self.rows is not None:
            return self._together(raw[:, list(map(int, self.operands))])
        keeps = np.ones(len(raw), bool)
        values = [raw[:, one] if isinstance(one, int) else np.full(len(raw), one) for one in self.operands]
        for sign, left, right in zip(self.signs, values[:-1], values[1:], strict=True):
            keeps &= SIGNS[sign](left, right) | np.isnan(left) | np.isnan(right)
        return keeps

    def _together(self, values: np.ndarray) -> np.ndarray:
        assert self.rows is not None
        both = np.nan_to_num(np.concatenate([self.rows, values]), nan=np.inf)
        _, number = np.unique(both, axis=0, return_inverse=True)
        number = number.reshape(-1)
        return np.isin(number[len(self.rows) :], number[: len(self.rows)])

    def config(self) -> dict[str, Any]:
        """Plain JSON; a missing value is null."""
        rows = None if self.rows is None else [[None if v != v else v for v in row] for row in self.rows.tolist()]
        return {"text": self.text, "operands": list(self.operands), "signs": list(self.signs), "rows": rows}

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The constraint that ``config`` describes."""
        rows = None if config["rows"] is None else np.array(config["rows"], np.float64)
        return cls(config["text"], tuple(config["operands"]), tuple(config["signs"]), rows)


def parse(text: str, fields: Sequence[Field], raw: np.ndarray) -> Constraint:
    """The constraint a text means, for the columns of ``fields`` with the training rows ``raw`` [n, fields].

    Raises InputError for a text that means none, an unknown column, and one that training rows break.
    """
    inside = re.fullmatch(r"\s*\((.*)\)\s*", text)
    if inside:
        columns = [column(part, fields, text) for part in inside[1].split(",")]
        if len(columns) < 2:
            raise InputError(f"constraint '{text}' needs two columns at least, such as (city, state)")
        return Constraint(text, tuple(columns), (), np.unique(raw[:, columns], axis=0))
    parts = re.split(r"(<=|>=|<|>)", text)
    if len(parts) < 3 or len(parts) % 2 == 0:
        raise InputError(f"constraint '{text}' is not understood; write {FORMS}")
    names, signs = parts[::2], tuple(parts[1::2])
    known = [name_of(part) for part in names]
    near = next((field for field in fields if field.name in known), None)
    if near is None:
        raise InputError(f"constraint '{text}' names no modelled column{nearest(known[0], [f.name for f in fields])}")
    constraint = Constraint(text, tuple(operand(part, fields, near, text) for part in names), signs)
    broken = int((~constraint.holds(raw)).sum())
    if broken:
        raise InputError(f"constraint '{text}' is broken by {broken:,} of {len(raw):,} rows; repair them or drop it")
    return constraint


def name_of(part: str) -> str:
    """A column's name as written, without spaces around it and without quotes."""
    return part.strip().strip("`\"'")


def column(part: str, fields: Sequence[Field], text: str) -> int:
    """The number of the field that is named."""
    names = [field.name for field in fields]
    if name_of(part) not in names:
        raise InputError(f"constraint '{text}': no column '{name_of(part)}' is modelled{nearest(name_of(part), names)}")
    return names.index(name_of(part))


def operand(part: str, fields: Sequence[Field], near: Field, text: str) -> int | float:
    """The number of a field (int) or a value (float) as ``near``, the column compared with, stores it."""
    name = name_of(part)
    if any(field.name == name for field in fields):
        number = column(part, fields, text)
        if fields[number].kind == "category":
            raise InputError(f"constraint '{text}': the values of column '{name}' have no order; use (a, b)")
        return number
    if name in near.classes:
        return float(near.classes.index(name))
    try:
        if near.kind == "date":
            return float(np.datetime64(name, "us").astype(np.int64))
        return float(name)
    except ValueError:
        return column(part, fields, text)
