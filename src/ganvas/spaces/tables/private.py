"""A table's space from noised counts alone: bounds, bins, class lists and how often each came.

Each count is of one column, so a row changes one count by one: Gaussian noise of deviation σ on all counts of a column
costs what one step of full-batch noise σ costs (Dwork & Roth 2014, appendix A). What is taken as public: the number
of rows, and the columns' names, types, decimals and formats.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from ganvas.errors import InputError
from ganvas.space import Data, Space
from ganvas.spaces.tables.cells import Cells
from ganvas.spaces.tables.columns import Column
from ganvas.spaces.tables.fields import EXACT, Field
from ganvas.spaces.tables.identifiers import Pattern
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.spans import step_of

OCTAVES = 64  # on each side of zero: how often a column's step is doubled to bound its values
CERTAIN = 0.95  # chance that no empty octave is taken for one with rows in it
SURE = 2.5  # deviations of the noise that a bin's count must exceed
CERTAINLY = 4.0  # … and that of missing values
LARGE = 4.0  # … and that a bin's share of the rows has
BINS = (16, 1024)  # fewest and most bins
ROWS = 20_000  # stand-ins at most
SPREAD = 16  # values in a bin's place, at most
STEP = 2.0**-20  # of numbers with all their decimals


def histograms(space: Space) -> int:
    """How often the rows are counted: twice for numbers and dates, once for classes. InputError for other spaces."""
    if not isinstance(space, Table):
        raise InputError("--epsilon is for tables: of pictures and vectors the space itself would have to be private")
    return sum(1 if field.classes else 2 for field in space.fields)


def privately(data: Data, noise: float, unseen: float, seed: int) -> Data:
    """The same rows in a space that is made from counts with ``noise``; ``unseen``: the chance that of any
    column a class of a single row is listed. A function of ``seed``, which must stay secret.

    Raises InputError for constraints that tell values, and for a column without a class that is frequent enough.
    """
    space = data.space
    assert isinstance(space, Table)
    classes = {field.name for field in space.fields if field.classes}
    for one in space.constraints:
        named = [space.fields[i].name for i in one.operands if isinstance(i, int)]
        if one.rows is not None or classes & {*named}:
            raise InputError(f"constraint '{one.text}' tells values of rows; with --epsilon compare numbers alone")
    seen, unseen = data.train.raw[data.train.index], unseen / max(len(classes), 1)
    raw = np.array(data.train.raw)
    fields, columns = [], {column.name: public(column) for column in space.plain.columns}
    for number, field in enumerate(space.fields):
        random = np.random.Generator(np.random.Philox(key=[seed, 0], counter=[0, 0, 3, number]))
        if field.classes:
            kept, made = class_list(field, seen[:, number], noise, unseen, random)
            columns[field.name] = listed(columns[field.name], kept)
            raw[:, number] = moved(raw[:, number], kept)
        else:
            made = measured(field, seen[:, number], noise, random)
        fields.append(made)
    plain = replace(space.plain, columns=tuple(columns.values()), rows=None)
    space = replace(space, fields=tuple(fields), plain=plain)
    train, held_out = (replace(rows, raw=raw) for rows in (data.train, data.held_out))
    return replace(data, space=space, train=train, held_out=held_out)


def public(column: Column) -> Column:
    """A column without what its ids told, or categories that it does not need."""
    if column.role not in ("id", "field"):
        return replace(column, categories=column.cells if column.dtype == "category" else column.categories)
    if column.role != "id":
        return column
    whole = column.pattern is not None and column.pattern.kind == "integer"
    return replace(column, pattern=Pattern("integer") if whole else Pattern("text", "", 8))


def listed(column: Column, kept: np.ndarray) -> Column:
    """A column with the ``kept`` classes alone, as its categories too."""
    cells = Cells(tuple(column.cells.texts[i] for i in kept), "".join(column.cells.types[i] for i in kept))
    return replace(column, cells=cells, categories=cells if column.dtype == "category" else column.categories)


def moved(raw: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Class numbers [n] in the list of ``kept`` ones; NaN for the others."""
    place = np.full(int(max(kept.max(initial=0), np.nanmax(raw, initial=0))) + 2, np.nan)
    place[kept] = np.arange(len(kept))
    return place[np.where(np.isnan(raw), -1, raw).astype(np.int64)]


def class_list(
    field: Field, raw: np.ndarray, noise: float, unseen: float, random: np.random.Generator
) -> tuple[np.ndarray, Field]:
    """The classes whose noised count exceeds what noise on a single row reaches with the chance ``unseen``, and a field
    of them. Stability-based histogram: Korolova et al. 2009; with Gaussian noise, e.g. arXiv:1911.09564, section 3."""
    counts = np.bincount(raw[~np.isnan(raw)].astype(np.int64), minlength=len(field.classes))
    told = counts + random.normal(0.0, noise, len(counts)) * (counts > 0)
    absent = float(np.isnan(raw).sum() + random.normal(0.0, noise))
    kept = np.flatnonzero(told > 1 + noise * ndtri(1 - unseen))
    if not len(kept):
        raise InputError(
            f"no class of column '{field.name}' is frequent enough to be listed; leave it out or raise --epsilon"
        )
    share = np.append(told[kept], absent if absent > CERTAINLY * noise else 0.0)
    standins = np.repeat([*range(len(kept)), np.nan], amounts(share))
    return kept, Field.of_classes(field.name, field.kind, tuple(field.classes[i] for i in kept), standins)


def measured(field: Field, raw: np.ndarray, noise: float, random: np.random.Generator) -> Field:
    """A number's or date's field from two noised histograms: of octaves for its bounds, of bins between them."""
    step = STEP if field.kind != "date" and field.places >= EXACT else step_of(field)
    there = raw[~np.isnan(raw)]
    low, high = octaves(there / step, noise, random)
    bins = int(np.clip(len(raw) / (LARGE * noise) if noise else BINS[1], *BINS))
    edges = np.linspace(low, high, min(bins, int(high - low)) + 1)
    counts = np.histogram((there / step).clip(low, np.nextafter(high, low)), edges)[0]
    counts = counts + random.normal(0.0, noise, len(counts))
    absent = float(len(raw) - len(there) + random.normal(0.0, noise))
    share = np.where(counts > SURE * noise, counts, 0.0)
    if not share.any():
        share[:] = 1.0
    values = []
    for count, start, end in zip(amounts(share), edges[:-1], edges[1:], strict=True):
        places = max(1, min(int(count), SPREAD, int(end - start)))
        values.append(np.floor(start + (end - start) * ((np.arange(count) % places) + 0.5) / places))
    holes = amounts(np.array([share.sum(), absent if absent > CERTAINLY * noise else 0.0]))[1]
    standins = np.append(np.concatenate(values) * step, np.full(holes, np.nan))
    made = Field.of_numbers(field.name, field.kind, standins)
    return replace(made, places=field.places)


def octaves(steps: np.ndarray, noise: float, random: np.random.Generator) -> tuple[float, float]:
    """Bounds, powers of two or zero, of numbers [n] in units of their step."""
    size = np.abs(steps)
    octave = np.where(size < 1, 0.0, np.sign(steps) * (1 + np.floor(np.log2(np.maximum(size, 1.0)))))
    counts = np.bincount((octave.clip(-OCTAVES, OCTAVES) + OCTAVES).astype(np.int64), minlength=2 * OCTAVES + 1)
    told = counts + random.normal(0.0, noise, len(counts))
    found = np.flatnonzero(told > noise * ndtri(CERTAIN ** (1 / len(counts)))) - OCTAVES
    first, last = (int(found[0]), int(found[-1])) if len(found) else (0, 0)
    low = -(2.0**-first) if first < 0 else 0.0 if first == 0 else 2.0 ** (first - 1)
    high = 2.0**last if last > 0 else 1.0 if last == 0 else -(2.0 ** (-last - 1)) + 1
    return low, high


def amounts(share: np.ndarray) -> np.ndarray:
    """Whole numbers of stand-ins for noised counts, 1 at least, none for those of 0 or less: int64."""
    share = share.clip(0)
    whole = np.round(share * min(1.0, ROWS / max(share.sum(), 1.0)))
    return np.maximum(whole, share > 0).astype(np.int64)
