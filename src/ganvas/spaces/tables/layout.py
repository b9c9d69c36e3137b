"""The whole frame: all columns in order, modelled or not, and its index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.spaces.tables.columns import Column
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.identifiers import Pattern
from ganvas.spaces.tables.library import pandas


@dataclass(frozen=True)
class Layout:
    """All ``columns`` in order; ``axis`` names the levels of their labels and ``index`` those of the index (None: no
    name). ``rows`` is the pattern of the index, or None when it only counts; ``labels`` the dtype of the labels."""

    columns: tuple[Column, ...]
    axis: tuple[str | None, ...] = (None,)
    index: tuple[str | None, ...] = (None,)
    rows: Pattern | None = None
    labels: str = "object"

    @classmethod
    def of(cls, frame: Any, columns: Iterable[Column]) -> Self:
        """The layout of a DataFrame whose columns are described already."""
        axis = tuple(None if name is None else str(name) for name in frame.columns.names)
        index = tuple(None if name is None else str(name) for name in frame.index.names)
        return cls(tuple(columns), axis, index, rows_of(frame.index), str(frame.columns.dtype))

    def read(self, frame: Any, fields: Sequence[Field]) -> np.ndarray:
        """A DataFrame [n] -> raw rows [n, fields]; columns that are not there are NaN. InputError when none is."""
        numbers = {name: i for i, name in enumerate(names_of(frame))}
        known = {column.name: column for column in self.columns}
        raw = np.full((len(frame), len(fields)), np.nan)
        if not any(field.name in numbers for field in fields):
            raise InputError(f"none of the columns {', '.join(f.name for f in fields[:9])} is in this table; give them")
        for i, field in enumerate(fields):
            if field.name in numbers:
                raw[:, i] = known[field.name].read(frame.iloc[:, numbers[field.name]])
        return raw

    def frame(self, raw: np.ndarray, fields: Sequence[Field], start: int) -> Any:
        """Raw rows [n, fields] -> a DataFrame; ids and the index go on from number ``start``."""
        pd = pandas()
        numbers = {field.name: i for i, field in enumerate(fields)}
        made = {}
        for column in self.columns:
            i = numbers.get(column.name)
            made[column.name] = column.fill(len(raw), start) if i is None else column.write(raw[:, i], fields[i].places)
        frame = pd.DataFrame(made, index=range(len(raw)))
        labels = [tuple(c.label) if isinstance(c.label, list) else c.label for c in self.columns]
        if len(self.axis) > 1:
            frame.columns = pd.MultiIndex.from_tuples(labels, names=self.axis)
        else:
            plain = all(isinstance(label, str) for label in labels) or self.labels in ("int64", "float64", "bool")
            frame.columns = pd.Index(labels, dtype=self.labels if plain else "object", name=self.axis[0])
        frame.index = self._index(len(raw), start)
        return frame

    def _index(self, count: int, start: int) -> Any:
        pd = pandas()
        if len(self.index) > 1:
            return pd.MultiIndex.from_arrays([range(start, start + count)] * len(self.index), names=self.index)
        if self.rows is None:
            return pd.RangeIndex(start, start + count, name=self.index[0])
        return pd.Index(self.rows.make(count, start).tolist(), name=self.index[0])

    def column(self, name: str) -> Column:
        """The column of a name. InputError for an unknown one."""
        known = {column.name: column for column in self.columns}
        if name not in known:
            raise InputError(f"no column '{name}'{nearest(name, known)}")
        return known[name]

    def config(self) -> dict[str, Any]:
        """Plain JSON."""
        rows = None if self.rows is None else vars(self.rows)
        columns = [column.config() for column in self.columns]
        names = {"axis": list(self.axis), "index": list(self.index), "labels": self.labels}
        return {"columns": columns, "rows": rows} | names

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The layout that ``config`` describes."""
        columns = tuple(Column.load(one) for one in config["columns"])
        rows = Pattern(**config["rows"]) if config["rows"] else None
        return cls(columns, tuple(config["axis"]), tuple(config["index"]), rows, config["labels"])


def names_of(frame: Any) -> list[str]:
    """A name of its own for each column: its label as text, and its number where several have the same."""
    names: dict[str, None] = {}
    for text in map(text_of, frame.columns):
        name, number = text, 1
        while name in names:
            number += 1
            name = f"{text} ({number})"
        names[name] = None
    return list(names)


def text_of(label: Any) -> str:
    """A label as text; of several levels joined by a slash."""
    return "/".join(map(str, label)) if isinstance(label, tuple) else str(label)


def label_of(label: Any) -> Any:
    """A label as JSON has it."""
    if isinstance(label, tuple):
        return [label_of(one) for one in label]
    label = label.item() if isinstance(label, np.generic) else label
    finite = isinstance(label, str | int | float | None) and label == label
    return label if finite else str(label)


def rows_of(index: Any) -> Pattern | None:
    """The pattern of an index of whole numbers or texts; None for one that counts from 0, and for others."""
    pd = pandas()
    if isinstance(index, pd.RangeIndex | pd.MultiIndex) or not len(index):
        return None
    if index.dtype.kind in "iu":
        return Pattern.of_integers(index.to_numpy(np.float64))
    texts = [v for v in index if isinstance(v, str)]
    return Pattern.of_texts(texts) if len(texts) == len(index) else None
