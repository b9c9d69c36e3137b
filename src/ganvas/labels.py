"""What is known of each sample: class columns, continuous columns, and how often each combination occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas.errors import InputError, nearest

if TYPE_CHECKING:
    from torch import Tensor

ROWS_KEPT = 4096  # label rows kept to describe the training distribution when a column is continuous


@dataclass(frozen=True)
class Column:
    """One label column: ``classes`` names its values, or is empty for a continuous one with ``mean`` and ``std``."""

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0

    @property
    def width(self) -> int:
        """Numbers the column takes in an encoded condition."""
        return len(self.classes) or 1

    def parse(self, value: object) -> float:
        """A class name, a class number or (continuous) a number, as the data stores it. InputError if unknown."""
        text = str(value).strip()
        if text in self.classes:
            return float(self.classes.index(text))
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not self.classes and np.isfinite(number):
            return number
        if self.classes and number in range(len(self.classes)):
            return number
        if not self.classes:
            raise InputError(f"label {self.name}={text!r} is not a number; give a number, as in the data")
        raise InputError(f"no label {text!r} in column '{self.name}'{nearest(text, self.classes)}")


@dataclass(frozen=True)
class Labels:
    """The label columns and the training distribution: distinct ``rows`` [m, c] and their ``weights`` [m]."""

    columns: tuple[Column, ...]
    rows: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, names: Sequence[str], classes: Sequence[Sequence[str]], values: np.ndarray) -> Labels:
        """Describe stored labels ``values`` [n, c]: class numbers, or floats where a column has no classes."""
        values = np.asarray(values, np.float64)
        columns = tuple(
            Column(name, tuple(kinds)) if kinds else Column(name, (), float(v.mean()), float(v.std()) or 1.0)
            for name, kinds, v in zip(names, classes, values.T, strict=True)
        )
        if all(classes):
            rows, counts = np.unique(values, axis=0, return_counts=True)
            return cls(columns, rows, counts / counts.sum())
        chosen = np.random.Generator(np.random.Philox(key=[0, 0])).permutation(len(values))[:ROWS_KEPT]
        return cls(columns, values[np.sort(chosen)], np.full(len(chosen), 1 / len(chosen)))

    @property
    def width(self) -> int:
        """Length c of an encoded condition."""
        return sum(column.width for column in self.columns)

    def encode(self, values: np.ndarray) -> Tensor:
        """Stored labels [n, columns] -> conditions [n, width] float32: one-hot blocks and standardised numbers."""
        import torch

        return torch.from_numpy(self.conditions(values))

    def conditions(self, values: np.ndarray) -> np.ndarray:
        """As ``encode``, an array."""
        parts = []
        for column, v in zip(self.columns, np.asarray(values).T, strict=True):
            if column.classes:
                parts.append(np.eye(column.width, dtype=np.float32)[v.astype(np.int64)])
            else:
                parts.append(((v - column.mean) / column.std).astype(np.float32)[:, None])
        return np.concatenate(parts, 1)

    def draw(self, u: np.ndarray) -> np.ndarray:
        """Labels [n, columns] from the training distribution by uniform numbers ``u`` [n] in [0, 1)."""
        index = np.searchsorted(np.cumsum(self.weights), u, side="right")
        return self.rows[np.minimum(index, len(self.rows) - 1)]

    def parse(self, label: object) -> np.ndarray:
        """A label as a user writes it, ``7``, ``"cat"``, ``"blond,1"`` or ``"hair=blond,smile=1"`` -> [columns]."""
        if isinstance(label, dict):
            given = {str(k): v for k, v in label.items()}
        elif len(self.columns) == 1:
            text = str(label)
            given = {self.columns[0].name: text.removeprefix(f"{self.columns[0].name}=")}
        else:
            parts = [str(p) for p in label] if isinstance(label, list | tuple) else str(label).split(",")
            names = [column.name for column in self.columns]
            pairs = [p.split("=", 1) if "=" in p else [n, p] for n, p in zip(names, parts, strict=False)]
            given = {k.strip(): v for k, v in pairs}
        return self._row(given, label)

    def _row(self, given: dict[str, Any], label: object) -> np.ndarray:
        names = [column.name for column in self.columns]
        for name in given:
            if name not in names:
                raise InputError(f"no label column '{name}'{nearest(name, names)}")
        if missing := [n for n in names if n not in given]:
            raise InputError(f"label {label!r} lacks {', '.join(missing)}; write " + ",".join(f"{n}=…" for n in names))
        return np.array([column.parse(given[column.name]) for column in self.columns])

    def names(self, values: np.ndarray) -> list[str]:
        """Stored labels [n, columns] as text: class names, numbers, ``a,b`` for several columns."""
        return [
            ",".join(c.classes[int(v)] if c.classes else f"{v:g}" for c, v in zip(self.columns, row, strict=True))
            for row in np.asarray(values)
        ]

    def stored(self, values: np.ndarray) -> np.ndarray:
        """Labels [n, columns] as files hold them: whole numbers if all are classes, and [n] of a single column."""
        found = values.astype(np.int64) if all(column.classes for column in self.columns) else values
        return found[:, 0] if found.shape[1] == 1 else found

    def config(self) -> dict[str, Any]:
        """Plain JSON from which ``Labels.load`` makes the same labels."""
        columns = [{"name": c.name, "classes": list(c.classes), "mean": c.mean, "std": c.std} for c in self.columns]
        return {"columns": columns, "rows": self.rows.tolist(), "weights": self.weights.tolist()}

    @classmethod
    def load(cls, config: dict[str, Any]) -> Labels:
        """The labels that ``config`` describes."""
        columns = tuple(Column(c["name"], tuple(c["classes"]), c["mean"], c["std"]) for c in config["columns"])
        rows = np.array(config["rows"], np.float64).reshape(-1, len(columns))
        return cls(columns, rows, np.array(config["weights"], np.float64))


def chosen(labels: Labels | None, u: np.ndarray, label: object) -> np.ndarray | None:
    """Stored labels [n, columns] of samples to be made: ``label`` for all, a list [n], or an array of stored ones.

    None draws them from the training distribution by uniform numbers ``u`` [n]. Raises InputError for an unknown label.
    """
    if labels is None:
        if label is not None:
            raise InputError("this generator was trained without labels; leave the label out")
        return None
    if label is None:
        return labels.draw(u)
    if isinstance(label, np.ndarray):
        return label
    if isinstance(label, list) and len(label) == len(u):
        return np.stack([labels.parse(one) for one in label])
    return np.repeat(labels.parse(label)[None], len(u), 0)
