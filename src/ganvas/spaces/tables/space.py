"""The space of tables: rows as numbers [n, fields], and as games see them: normal scores and one-hot blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from ganvas.errors import InputError
from ganvas.labels import Labels
from ganvas.space import plain
from ganvas.spaces.tables.constraints import Constraint
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.layout import Layout
from ganvas.spaces.tables.pictures import sheet

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST = 100  # outcomes of one one-hot block; a category with more is two blocks


@dataclass(frozen=True)
class Token:
    """One thing that is decided at a time: field number ``field``, or the first (``part`` 0) or second half of one.

    Its block of x begins at ``start`` and has ``width`` numbers: one-hot of the ``outcomes`` for classes; for numbers
    the normal score, and with missing values a flag, 1 where missing (the score is 0 then). ``outcomes`` is what a
    softmax decides between: classes, or bins, and missing, the last.
    """

    field: int
    part: int
    start: int
    width: int
    outcomes: int
    numeric: bool


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table. Raw rows are float64 [n, fields]: numbers, dates in microseconds since 1970, class numbers; NaN
    where missing. ``plain`` says how the whole frame is restored, ``target`` is the column to be predicted, if any,
    ``constraints`` are what every row keeps."""

    fields: tuple[Field, ...]
    plain: Layout
    target: str | None = None
    constraints: tuple[Constraint, ...] = ()
    labels: Labels | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(d,)."""
        return (sum(token.width for token in self.tokens),)

    @property
    def discrete(self) -> list[bool]:
        """Which fields are classes."""
        return [bool(field.classes) for field in self.fields]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """What is decided, in the order of the columns."""
        found: list[Token] = []
        start = 0
        for number, field in enumerate(self.fields):
            numeric = not field.classes
            halves = not numeric and field.outcomes > MOST
            outcomes = base(field) if halves else field.outcomes
            width = 1 + field.missing if numeric else outcomes
            for part in range(1 + halves):
                found.append(Token(number, part, start, width, outcomes, numeric))
                start += width
        return tuple(found)

    def encode(self, raw: np.ndarray) -> Tensor:
        """Raw rows [n, fields] -> float32 [n, d].

        What is missing in a column that had nothing missing in training becomes a score of 0, or a block of zeros.
        """
        import torch

        raw = np.asarray(raw, np.float64)
        x = np.zeros((len(raw), *self.shape), np.float32)
        for token in self.tokens:
            field, v = self.fields[token.field], raw[:, token.field]
            absent = np.isnan(v)
            if token.numeric:
                x[:, token.start] = np.where(absent, 0.0, field.encode(v))
                if token.width == 2:
                    x[:, token.start + 1] = absent
                continue
            known = ~absent | field.missing
            code = np.where(absent, field.bins, v)[known].astype(np.int64)
            if field.outcomes > MOST:
                code = code % token.width if token.part else code // token.width
            x[np.flatnonzero(known), token.start + code] = 1.0
        return torch.from_numpy(x)

    def decode(self, x: Tensor | np.ndarray) -> np.ndarray:
        """[n, d] -> raw rows [n, fields]: the largest of each block, scores as values of the range seen."""
        seen = plain(x).astype(np.float64)
        raw = np.zeros((len(seen), len(self.fields)))
        for token in self.tokens:
            field, block = self.fields[token.field], seen[:, token.start : token.start + token.width]
            if token.numeric:
                v = field.decode(block[:, 0])
                raw[:, token.field] = np.where(block[:, 1] > 0.5, np.nan, v) if token.width == 2 else v
                continue
            weight = token.width if field.outcomes > MOST and not token.part else 1
            raw[:, token.field] += block.argmax(1) * weight
        for number, field in enumerate(self.fields):
            if field.classes:
                code = np.minimum(raw[:, number], field.outcomes - 1)
                raw[:, number] = np.where(code == field.bins, np.nan, code)
        return raw

    def head(self) -> nn.Module:
        """What makes a network's output a valid row."""
        from ganvas.spaces.tables.head import Head

        blocks = [(token.start, token.width) for token in self.tokens if not token.numeric]
        return Head(blocks, [token.start + 1 for token in self.tokens if token.numeric and token.width == 2])

    def read(self, frame: Any) -> np.ndarray:
        """A pandas DataFrame with these columns, in any order -> raw rows [n, fields].

        Unknown categories count as missing; columns that are not there are missing throughout.
        """
        return self.plain.read(frame, self.fields)

    def frame(self, raw: np.ndarray, start: int = 0) -> Any:
        """Raw rows [n, fields] -> a pandas DataFrame like the source: its columns, dtypes, categories, index name.

        Ids are made anew, from number ``start`` on; free text stays empty.
        """
        return self.plain.frame(np.asarray(raw, np.float64), self.fields, start)

    def allowed(self, raw: np.ndarray) -> np.ndarray:
        """Which raw rows [n] keep all constraints."""
        keeps = np.ones(len(raw), bool)
        for constraint in self.constraints:
            keeps &= constraint.holds(raw)
        return keeps

    def show(self, raw: np.ndarray, columns: int) -> Image.Image:
        """A picture of raw rows as a table of text; the first ``columns``² of them, as many as pictures would be."""
        if not len(raw):
            raise InputError("no rows to show; give at least one")
        return sheet(self.frame(raw[: max(1, columns) ** 2]))

    def pictures(self, raw: np.ndarray) -> list[Image.Image]:
        """A picture of each raw row: its columns below each other."""
        frame = self.frame(raw)
        return [sheet(frame.iloc[[row]].T) for row in range(len(raw))]

    def config(self) -> dict[str, Any]:
        """Plain JSON from which ``Table.load`` makes the same space."""
        fields = [field.config() for field in self.fields]
        constraints = [constraint.config() for constraint in self.constraints]
        return {"fields": fields, "plain": self.plain.config(), "target": self.target, "constraints": constraints}

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The space that ``config`` describes."""
        fields = tuple(Field.load(one) for one in config["fields"])
        constraints = tuple(Constraint.load(one) for one in config["constraints"])
        return cls(fields, Layout.load(config["plain"]), config["target"], constraints)


def base(field: Field) -> int:
    """Outcomes of each half of a category with many classes: number = first half × base + second half."""
    return math.isqrt(field.outcomes - 1) + 1
