"""Spans: what a column may be; which of its values, classes and bins lie in one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganvas.spaces.tables.fields import EXACT, Field

HUGE = 1e300  # stands for an endless bound
Piece = tuple[float, float]  # all numbers from the first to the second


@dataclass(frozen=True)
class Span:
    """What a column may be: some of its ``classes`` by number (None: all), numbers in one of the ``pieces`` (ascending;
    a single value is a piece of its own), and missing or not."""

    classes: frozenset[int] | None = None
    pieces: tuple[Piece, ...] = ((-np.inf, np.inf),)
    missing: bool = True

    @property
    def only(self) -> float | None:
        """The one value that is left, if it is one."""
        chosen = [low for low, high in self.pieces if low == high] if self.classes is None else list(self.classes)
        single = len(chosen) == 1 and (self.classes is not None or len(self.pieces) == 1)
        return float(chosen[0]) if single and not self.missing else None

    def both(self, other: Span) -> Span:
        """What lies in both."""
        classes = [s.classes for s in (self, other) if s.classes is not None]
        cut = [(max(a[0], b[0]), min(a[1], b[1])) for a in self.pieces for b in other.pieces]
        pieces = tuple(sorted(piece for piece in cut if piece[0] <= piece[1]))
        return Span(frozenset.intersection(*classes) if classes else None, pieces, self.missing and other.missing)

    def either(self, other: Span) -> Span:
        """What lies in one of them, or in both."""
        classes = None if self.classes is None or other.classes is None else self.classes | other.classes
        joined: list[Piece] = []
        for low, high in sorted(self.pieces + other.pieces):
            if joined and low <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(high, joined[-1][1])
            else:
                joined.append((low, high))
        return Span(classes, tuple(joined), self.missing or other.missing)


NOTHING = Span(frozenset(), (), False)


def between(field: Field, low: float, high: float, missing: bool = False) -> Span:
    """Values, or classes by number, from ``low`` to ``high`` that the column can hold."""
    if field.classes:
        return Span(frozenset(c for c in range(len(field.classes)) if low <= c <= high), missing=missing)
    low, high = float(at_least(field, np.array(low))), float(at_most(field, np.array(high)))
    return Span(pieces=((low, high),) if low <= high else (), missing=missing)


def other(span: Span, field: Field) -> Span:
    """All values but these: NOT IN, <>. As in SQL, missing ones are not among them."""
    if span.classes is not None:
        return Span(frozenset(range(len(field.classes))) - span.classes, missing=False)
    after = [-np.inf, *(float(at_least(field, np.array(high), True)) for _, high in span.pieces)]
    before = [*(float(at_most(field, np.array(low), True)) for low, _ in span.pieces), np.inf]
    gaps = tuple((a, b) for a, b in zip(after, before, strict=True) if a <= b and a < np.inf and b > -np.inf)
    return Span(pieces=gaps, missing=False)


def at_least(field: Field, v: np.ndarray, strictly: bool = False) -> np.ndarray:
    """The smallest value from ``v`` [n] on (above it: ``strictly``) that the column can hold [n]; NaN stays NaN."""
    return -at_most(field, -v, strictly)


def at_most(field: Field, v: np.ndarray, strictly: bool = False) -> np.ndarray:
    """The greatest value up to ``v`` [n] (below it: ``strictly``) that the column can hold [n]; NaN stays NaN."""
    if not field.classes and field.kind != "date" and field.places >= EXACT:
        return np.nextafter(v, -np.inf) if strictly else np.asarray(v, np.float64)
    step = step_of(field)
    steps = v / step
    with np.errstate(invalid="ignore"):
        on = np.abs(steps - np.round(steps)) <= 1e-6 + 1e-12 * np.abs(steps)
    steps = np.where(on, np.round(steps) - strictly, np.floor(steps))
    found: np.ndarray = steps * step
    return found if field.classes or field.kind == "date" else np.round(found, field.places)


def step_of(field: Field) -> float:
    """The distance between neighbouring values: 10^-places of a number, the resolution of a date."""
    if field.classes:
        return 1.0
    return float(max(field.places, 1)) if field.kind == "date" else 10.0**-field.places


def reach(field: Field, span: Span) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The least and the greatest value of the training range that a span allows; None when it allows none."""
    if field.classes:
        ends = [(float(c), float(c)) for c in (range(len(field.classes)) if span.classes is None else span.classes)]
    else:
        ends = list(span.both(Span(pieces=((float(field.value[0]), float(field.value[-1])),))).pieces)
    return (np.array(min(ends)[0]), np.array(max(ends)[1])) if ends else (None, None)


def inside(v: np.ndarray, field: Field, span: Span) -> np.ndarray:
    """Which values [n], NaN where missing, a span allows."""
    if field.classes:
        fits = np.ones(len(v), bool) if span.classes is None else np.isin(v, list(span.classes))
    else:
        fits = np.any([np.zeros(len(v), bool), *((v >= low) & (v <= high) for low, high in span.pieces)], 0)
    return np.where(np.isnan(v), span.missing, fits)


def listed(v: np.ndarray, field: Field) -> Span:
    """The span of these values [n], NaN where missing."""
    there, missing = np.unique(v[~np.isnan(v)]), bool(np.isnan(v).any())
    if field.classes:
        return Span(frozenset(map(int, there)), missing=missing)
    return Span(pieces=tuple((float(one), float(one)) for one in there), missing=missing)


def absent(field: Field, span: Span, n: int = 1) -> np.ndarray:
    """Whether a missing value is allowed [n, 1], or [n, 0] when there was none in training."""
    return np.full((n, int(field.missing)), float(span.missing))


def classes(field: Field, span: Span) -> np.ndarray:
    """Allowed classes, then missing, float32 [outcomes]."""
    chosen = range(len(field.classes)) if span.classes is None else span.classes
    flags = np.isin(np.arange(len(field.classes)), list(chosen)).astype(np.float32)
    return np.append(flags, absent(field, span)).astype(np.float32)


def nearest_in(
    v: np.ndarray, span: Span, least: np.ndarray | float = -np.inf, most: np.ndarray | float = np.inf
) -> np.ndarray:
    """The nearest value [n] that a span allows between ``least`` and ``most``; as it is when there is none, or NaN."""
    best, far = v.copy(), np.full(len(v), np.inf)
    for low, high in span.pieces:
        bottom, top = np.maximum(low, least), np.minimum(high, most)
        moved = np.clip(v, bottom, top)
        nearer = (bottom <= top) & (np.abs(moved - v) < far)
        best, far = np.where(nearer, moved, best), np.where(nearer, np.abs(moved - v), far)
    return best


def score(field: Field, v: np.ndarray, side: int) -> np.ndarray:
    """Normal scores [n] a quarter of a step below (``side`` -1) or above (1) values [n], so that rounding stays in."""
    found: np.ndarray = field.encode((v + 0.25 * side * step_of(field)).clip(-HUGE, HUGE))
    return found


def ends(field: Field, span: Span) -> tuple[float, float]:
    """Least and greatest normal score that a span allows."""
    low, high = (span.pieces[0][0], span.pieces[-1][1]) if span.pieces else (-np.inf, np.inf)
    return float(score(field, np.array([low]), -1)[0]), float(score(field, np.array([high]), 1)[0])


def bins(field: Field, span: Span, least: np.ndarray | None = None, most: np.ndarray | None = None) -> np.ndarray:
    """Share of each bin [n, bins] that a span allows between ``least`` and ``most`` [n] (none: [1, bins]): 0 … 1."""
    least = np.full(1, -np.inf) if least is None else least
    most = np.full(1, np.inf) if most is None else most
    found = np.zeros((len(least), field.bins))
    for low, high in span.pieces:
        bottom, top = np.maximum(low, least), np.minimum(high, most)
        cut = share(field, score(field, bottom, -1)[:, None], score(field, top, 1)[:, None])
        found += np.where((bottom <= top)[:, None], cut, 0.0)
    values = [low for low, high in span.pieces if low == high]
    if values and not found.any():  # of numbers with all decimals a value is no share at all
        found[:, np.unique(field.bin(field.encode(np.array(values))))] = 1.0
    return found.clip(0, 1)


def share(field: Field, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of each bin [n, bins] between normal scores ``low`` and ``high`` [n, 1]; a spike is in or out."""
    below, above = field.edges[:-1], field.edges[1:]
    middle = field.encode(field.decode((below + above) / 2))
    flat = field.decode(below + 1e-8) == field.decode(above - 1e-8)
    inside = (middle >= low) & (middle <= high)
    cut = (np.minimum(above, high) - np.maximum(below, low)).clip(0) / np.maximum(above - below, 1e-12)
    return np.where(flat, inside, cut)
