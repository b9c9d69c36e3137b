"""One modelled column of a table: its outcomes, how often each came, and the curve from numbers to normal scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
from scipy.special import ndtr, ndtri

Kind = Literal["number", "category", "ordered", "boolean", "date"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BINS = 128  # of a number, at most
PIECES = 8  # of the curve in a bin, as a rule
END = 4.0  # normal scores of the training data lie within ±END
FURTHEST = 8.0  # … and of other data within ±FURTHEST
GRID = 100_000  # normal scores of knots are multiples of 1 / GRID: short in JSON
GAP = 5e-10  # normal scores between two values where the curve jumps
EXACT = 15  # places of a number that no fewer decimals give exactly: it is not rounded
RESOLUTIONS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)  # of dates, in microseconds
NONE = np.empty(0)


@dataclass(frozen=True, eq=False)
class Field:
    """One modelled column. Raw values are float64 [n], NaN where missing.

    ``kind`` says what they are: numbers, dates (microseconds since 1970), or class numbers. ``classes`` names the
    classes, ordered ones in their order. ``missing``: missing values were seen in training; they are one more outcome.
    ``places`` are the decimals of a number (0: whole; negative: whole hundreds …; EXACT: all), of a date the
    resolution in microseconds. Numbers and dates have a curve, linear between the knots ``gauss`` [m] (normal scores,
    strictly ascending) and ``value`` [m] (never descending; flat pieces are spikes, that is repeated values).
    ``edges`` [bins + 1] are those knots in ``gauss`` that part the bins. ``counts`` [outcomes] says how often each bin
    or class, then the missing value, came in training.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...]
    missing: bool
    places: int
    gauss: np.ndarray
    value: np.ndarray
    edges: np.ndarray
    counts: np.ndarray

    @classmethod
    def of_classes(cls, name: str, kind: Kind, classes: tuple[str, ...], raw: np.ndarray) -> Self:
        """A column of class numbers ``raw`` [n]."""
        there = ~np.isnan(raw)
        counts = np.bincount(raw[there].astype(np.int64), minlength=len(classes))
        absent = int((~there).sum())
        counts = np.append(counts, absent) if absent else counts
        return cls(name, kind, classes, absent > 0, 0, NONE, NONE, NONE, counts)

    @classmethod
    def of_numbers(cls, name: str, kind: Kind, raw: np.ndarray, error: float = 0.0) -> Self:
        """A column of numbers or dates ``raw`` [n], one at least not missing; ``error``: how far, relatively, they
        may be from what was meant (2^-24 for numbers once stored as float32)."""
        seen, rows = np.unique(raw[~np.isnan(raw)], return_counts=True)
        places = resolution(seen) if kind == "date" else decimals(seen, error)
        gauss, value, edges, counts = curve(seen, rows)
        absent = len(raw) - int(rows.sum())
        counts = np.append(counts, absent) if absent else counts
        return cls(name, kind, (), absent > 0, places, gauss, value, edges, counts)

    @property
    def bins(self) -> int:
        """Bins of a number or date, or the number of classes."""
        return len(self.classes) or len(self.edges) - 1

    @property
    def outcomes(self) -> int:
        """What can be: the bins, and missing."""
        return self.bins + self.missing

    def encode(self, v: np.ndarray) -> np.ndarray:
        """Numbers or dates [n] -> normal scores [n]; NaN stays NaN.

        Linear between the knots; a spike is at the middle of its flat piece (its mid rank's score); beyond the range
        seen it goes straight on with the scale of the data, up to ±FURTHEST.
        """
        value, low, middle, high, scale = self._inverse
        at = np.clip(np.searchsorted(value, v, side="right") - 1, 0, len(value) - 1)
        after = np.minimum(at + 1, len(value) - 1)
        part = np.clip((v - value[at]) / np.where(after > at, value[after] - value[at], 1.0), 0.0, 1.0)
        g = np.where(v == value[at], middle[at], high[at] + part * (low[after] - high[at]))
        beyond = np.maximum(v - value[-1], 0.0) - np.maximum(value[0] - v, 0.0)
        end = np.where(beyond > 0, middle[-1], middle[0])
        return np.where(np.isnan(v), np.nan, np.clip(np.where(beyond, end + beyond / scale, g), -FURTHEST, FURTHEST))

    def decode(self, g: np.ndarray) -> np.ndarray:
        """Normal scores [n] -> numbers or dates [n] in the range seen, rounded as they were; NaN stays NaN."""
        v = np.interp(np.asarray(g, np.float64), self.gauss, self.value)
        if self.kind == "date":
            v = np.round(v / self.places) * self.places
        elif self.places < EXACT:
            v = np.round(v, self.places)
        kept: np.ndarray = np.clip(v, self.value[0], self.value[-1])
        return kept

    def bin(self, g: np.ndarray) -> np.ndarray:
        """Which bin normal scores [n] (no NaN) lie in: int64 [n]."""
        return np.searchsorted(self.edges[1:-1], g, side="right")

    @cached_property
    def _inverse(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
        """The curve's distinct values with lowest, middle and highest score of each, and the scale beyond the ends."""
        value, first, count = np.unique(self.value, return_index=True, return_counts=True)
        low, high = self.gauss[first], self.gauss[first + count - 1]
        middle = np.where(count > 1, ndtri((ndtr(low) + ndtr(high)) / 2), low)
        centre = np.interp([-1.0, 1.0], self.gauss, self.value)
        scale = float(centre[1] - centre[0]) / 2 or float(value[-1] - value[0]) / (2 * END) or 1.0
        return value, low, middle, high, scale

    def config(self) -> dict[str, Any]:
        """Plain JSON."""
        plain = {"name": self.name, "kind": self.kind, "classes": list(self.classes), "missing": self.missing}
        arrays = {"gauss": self.gauss, "value": self.value, "edges": self.edges, "counts": self.counts}
        return plain | {"places": self.places} | {name: array.tolist() for name, array in arrays.items()}

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The field that ``config`` describes."""
        arrays = {name: np.array(config[name], np.float64) for name in ("gauss", "value", "edges")}
        counts = np.array(config["counts"], np.int64)
        return cls(**(config | arrays | {"classes": tuple(config["classes"]), "counts": counts}))


def decimals(seen: np.ndarray, error: float) -> int:
    """The fewest decimals, from whole millions on, that give every number exactly; EXACT when nine are too few."""
    for places in range(-6, 10):
        with np.errstate(over="ignore"):
            off = np.abs(np.round(seen, places) - seen)
        if (off <= error * np.abs(seen)).all():
            return 0 if places < 0 and len(seen) < 3 else places
    return EXACT


def resolution(seen: np.ndarray) -> int:
    """The coarsest usual unit that all dates are multiples of, in microseconds."""
    return next((unit for unit in RESOLUTIONS if not (seen % unit).any()), 1)


def partition(rows: np.ndarray) -> np.ndarray:
    """The bin of each of m ascending values that came ``rows`` [m] times: [m], ascending by at most 1.

    Up to BINS values have a bin each. Else a value with more than 1 / BINS of the rows has its own, and the others
    share bins of about as many rows; where that makes too many bins, they are larger.
    """
    if len(rows) <= BINS:
        return np.arange(len(rows))
    size = rows.sum() / BINS
    while True:
        alone = rows > size
        run = np.cumsum(alone | np.append(False, alone[:-1]))
        run -= run[0]
        total = np.bincount(run, rows)
        pieces = np.maximum(np.round(total / size), 1)
        pieces[run[alone]] = 1
        if pieces.sum() <= BINS:
            break
        size *= 1.05
    before = np.cumsum(total) - total
    within = (np.cumsum(rows) - rows / 2 - before[run]) / total[run]
    part = np.floor(within * pieces[run])
    return np.cumsum(np.append(False, (np.diff(run) != 0) | (np.diff(part) != 0)))


def curve(seen: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(gauss, value, edges, counts of the bins) of ascending values ``seen`` [m] that came ``rows`` [m] times.

    A value's score is Φ^-1 of its rank's share, so the curve is the inverse distribution function over normal scores.
    Values with more than a quarter of their bin are flat pieces with a jump on both sides.
    """
    number = partition(rows)
    counts = np.bincount(number, rows).astype(np.int64)
    repeat = len(seen) < 3 or (rows.sum() >= 2 * len(seen) and len(seen) <= BINS)
    flat = (4 * rows > counts[number]) & ((rows > 1) | repeat)
    end = np.cumsum(rows).astype(np.float64)
    start, middle = end - rows, end - rows / 2
    opens = np.append(True, np.diff(number) > 0)  # the first value of its bin
    jump = np.append(False, flat[1:] | flat[:-1])  # the curve jumps to this value
    join = opens & ~jump & ~flat
    join[0] = False
    weight = rows[:-1] / (rows[:-1] + rows[1:])
    between = np.append(seen[0], seen[:-1] + weight * np.diff(seen))
    inner = chosen(number, flat, middle / end[-1]) | (~flat & (jump | np.append(jump[1:], False)))
    parts = (  # rows before the knot, its value, whether it stands after a jump, whether it is an edge
        (start[jump], seen[jump], True, opens[jump]),
        (end[flat], seen[flat], False, np.zeros(int(flat.sum()), bool)),
        (start[1:][jump[1:] & ~flat[:-1]], seen[:-1][jump[1:] & ~flat[:-1]], False, False),
        (start[join], between[join], False, True),
        (middle[inner], seen[inner], False, False),
        (start[:1][flat[:1]], seen[:1][flat[:1]], False, True),
    )
    at, value, after, edge = (
        np.concatenate([np.broadcast_to(np.asarray(part[k]), part[0].shape) for part in parts]) for k in range(4)
    )
    order = np.lexsort((after, at))
    after, edge = after[order], edge[order]
    edge[[0, -1]] = True
    gauss = scores(at[order] / end[-1], after)
    return gauss, value[order].astype(np.float64), gauss[edge], counts


def chosen(number: np.ndarray, flat: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Which values [m] that are not flat pieces get a knot: about evenly over the scores of each bin, and the ends."""
    g = ndtri(share)
    first = np.flatnonzero(np.append(True, np.diff(number) > 0))
    last = np.append(first[1:], len(number)) - 1
    flats = np.bincount(number, flat)[number]
    slots = np.maximum(PIECES - 1 - 4 * flats, 0)
    width = np.maximum(g[last] - g[first], 1e-12)[number]
    slot = number * PIECES + np.floor((g - g[first][number]) / width * slots).clip(0, PIECES - 1)
    inner = ~flat & (slots > 0) & np.append(True, np.diff(slot) != 0)
    inner[[0, -1]] = ~flat[[0, -1]]
    return inner


def scores(share: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Normal scores of ascending shares, strictly ascending themselves; one ``after`` a jump is GAP above the last."""
    plain = np.clip(np.round(ndtri(share[~after]) * GRID), -END * GRID, END * GRID)
    steps = np.arange(len(plain))
    plain = np.maximum.accumulate(plain - steps) + steps
    g: np.ndarray = plain[np.cumsum(~after) - 1] / GRID + GAP * after
    return g
