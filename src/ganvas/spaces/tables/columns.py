"""One column of the source: how its cells become raw numbers, and raw numbers cells of the same kind again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, Self

import numpy as np

from ganvas.errors import InputError
from ganvas.spaces.tables.cells import Cells, classes, key, letter
from ganvas.spaces.tables.fields import EXACT
from ganvas.spaces.tables.identifiers import Pattern
from ganvas.spaces.tables.library import pandas

Role = Literal["field", "id", "text", "constant", "empty"]
Form = Literal["number", "class", "date", "duration", "period"]
NONE = Cells()
LARGEST = 1e150  # a number beyond counts as infinite, and so as missing


@dataclass(frozen=True)
class Column:
    """A column named ``name`` here and ``label`` in the frame (JSON; a list for several levels).

    ``role``: modelled as a field, made anew (id), left empty (text), always the one of ``cells`` (constant), or empty
    as it was. ``dtype`` is its name in pandas, ``form`` how cells are numbers, ``cells`` what the classes were; a
    "category" has all its ``categories``, of the dtype ``within``, in order if ``ordered``. ``style`` of a date is the
    strftime format of its texts, or "date" or "datetime" for Python's objects; of a number kept as objects their type
    (i, f, d or s) and, where all have as many, their decimals. ``wall``: dates count in the clock time of their zone.
    """

    name: str
    label: Any
    role: Role
    dtype: str
    form: Form = "class"
    cells: Cells = NONE
    categories: Cells = NONE
    within: str = "object"
    ordered: bool = False
    style: str = ""
    wall: bool = False
    pattern: Pattern | None = None

    def read(self, series: Any) -> np.ndarray:
        """Cells (a pandas Series [n]) -> float64 [n]; what is missing, infinite or unknown is NaN.

        Raises InputError that names the column when the cells are of another kind.
        """
        try:
            if self.form == "class":
                return classes(series, self.cells)
            if self.form == "date":
                return dates(series, self.style, self.wall)
            if self.form == "duration":
                return stamps(series.astype("timedelta64[us]"))
            if self.form == "period":
                return np.where(series.isna(), np.nan, series.array.asi8.astype(np.float64))
            return numbers(series)
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            told = " ".join(str(error).split())[:200]
            raise InputError(f"column '{self.name}' cannot be read as {self.dtype} ({told}); repair it") from error

    def write(self, raw: np.ndarray, places: int = 0) -> Any:
        """float64 [n] -> cells: a pandas Series [n] of this dtype (one that can hold missing ones, if there are)."""
        if self.form == "class":
            return self._classes(raw)
        if self.form == "number":
            return self._numbers(raw, places)
        if self.form == "date":
            return self._dates(raw)
        if self.form == "duration":
            return ticks(raw, "timedelta64[us]").astype(self.dtype)
        kind = pandas().api.types.pandas_dtype(self.dtype)
        return pandas().Series(pandas().PeriodIndex.from_ordinals(whole(raw), freq=kind.freq)).mask(np.isnan(raw))

    def fill(self, count: int, start: int) -> Any:
        """``count`` cells of a column that is not modelled: new ids from number ``start`` on, the constant, nothing."""
        if self.role == "id" and self.pattern is not None:
            return cast(self.pattern.make(count, start), self.dtype)
        if self.role == "constant" and self.form != "class":
            return self.write(np.full(count, float(self.cells.texts[0])))
        if self.role == "constant" or self.dtype == "category":
            return self._classes(np.full(count, 0.0 if self.role == "constant" else np.nan))
        return cast(np.full(count, None, object), self.dtype)

    def _classes(self, raw: np.ndarray) -> Any:
        codes = np.where(np.isnan(raw), -1, raw).astype(np.int64)
        if self.dtype == "category":
            categories = self.categories.values()
            place = {key(v): i for i, v in enumerate(categories)}
            moved = np.array([place[key(v)] for v in self.cells.values()] + [-1], np.int64)
            kind = pandas().CategoricalDtype(pandas().Index(categories, dtype=self.within), self.ordered)
            return pandas().Series(pandas().Categorical.from_codes(moved[codes], dtype=kind))
        values = np.full(len(self.cells.texts) + 1, None, object)
        values[:-1] = self.cells.values()
        return cast(values[codes], self.dtype)

    def _numbers(self, raw: np.ndarray, places: int) -> Any:
        if not self.style:
            return numeric(raw, self.dtype)
        digits = self.style[1:] or str(max(places, 0))
        form = "r" if places >= EXACT else f".{digits}f"
        return cast([None if v != v else made(v, self.style[0], form) for v in raw.tolist()], self.dtype)

    def _dates(self, raw: np.ndarray) -> Any:
        stamped = ticks(raw, "datetime64[us]")
        if self.style in ("date", "datetime"):
            made = stamped.dt.date if self.style == "date" else stamped.dt.to_pydatetime()
            return pandas().Series(np.asarray(made, object), dtype=object).mask(np.isnan(raw), None)
        if self.style:
            return cast(stamped.dt.strftime(self.style).to_numpy(object, na_value=None), self.dtype)
        kind = pandas().api.types.pandas_dtype(self.dtype)
        zone = zone_of(kind)
        if zone is not None and self.wall:
            never = np.zeros(len(raw), bool)
            stamped = stamped.dt.tz_localize(zone, ambiguous=never, nonexistent="shift_forward")
        elif zone is not None:
            stamped = stamped.dt.tz_localize("UTC").dt.tz_convert(zone)
        return stamped.astype(kind)

    def config(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def load(cls, config: dict[str, Any]) -> Self:
        """The column that ``config`` describes."""
        cells, categories = (Cells(tuple(config[k]["texts"]), config[k]["types"]) for k in ("cells", "categories"))
        pattern = Pattern(**config["pattern"]) if config["pattern"] else None
        return cls(**(config | {"cells": cells, "categories": categories, "pattern": pattern}))


def made(v: float, style: str, form: str) -> Any:
    """A number as the object of a ``style``; as text of a ``form``, "r" for all its decimals."""
    if style in "if":
        return round(v) if style == "i" else v
    text = repr(v) if form == "r" else format(v, form)
    return Decimal(text) if style == "d" else text


def numbers(series: Any) -> np.ndarray:
    """float64 [n] of numbers; NaN for what is none, or infinite."""
    if series.dtype == object:
        series = pandas().Series([v if letter(v) == "s" else float(v) for v in series], series.index, object)
    v = pandas().to_numeric(series, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(v) <= LARGEST, v, np.nan)


def dates(series: Any, style: str, wall: bool) -> np.ndarray:
    """Microseconds since 1970 [n] of dates, in universal time or, with ``wall``, in that of their clocks."""
    if series.dtype.kind != "M":
        form = None if style in ("", "date", "datetime") else style
        series = pandas().to_datetime(series.astype(object), format=form, errors="coerce")
    if zone_of(series.dtype) is not None:
        series = series.dt.tz_localize(None) if wall else series.dt.tz_convert(None)
    return stamps(series.astype("datetime64[us]"))


def stamps(series: Any) -> np.ndarray:
    """float64 [n] of dates or durations in microseconds."""
    return np.where(series.isna(), np.nan, series.to_numpy().view(np.int64).astype(np.float64))


def ticks(raw: np.ndarray, kind: str) -> Any:
    """A Series of dates or durations in microseconds from float64 [n]."""
    return pandas().Series(np.where(np.isnan(raw), np.iinfo(np.int64).min, whole(raw)).view(kind))


def whole(raw: np.ndarray) -> np.ndarray:
    """int64 [n]; 0 for NaN."""
    return np.round(np.clip(np.nan_to_num(raw), -(2.0**63), np.nextafter(2.0**63, 0))).astype(np.int64)


def zone_of(kind: Any) -> str | None:
    """The time zone of a dtype, of pandas' own or Arrow's."""
    zone = getattr(getattr(kind, "pyarrow_dtype", kind), "tz", None)
    return None if zone is None else str(zone)


def cast(values: Any, dtype: str) -> Any:
    """Cells (objects [n], None where missing) as a Series of ``dtype``, or of a kin that can hold missing ones."""
    kind = pandas().api.types.pandas_dtype(dtype)
    series = pandas().Series(values, dtype=object)
    if isinstance(kind, np.dtype) and kind.kind in "iub" and series.isna().any():
        return series if kind.kind == "b" else series.astype("float64")
    return series.astype(kind)


def numeric(raw: np.ndarray, dtype: str) -> Any:
    """float64 [n] as a Series of a numeric ``dtype``; integers are rounded and kept in its range."""
    kind = pandas().api.types.pandas_dtype(dtype)
    if kind.kind not in "iu":
        with np.errstate(over="ignore"):
            return pandas().Series(raw).astype(kind)
    limits, absent = np.iinfo(f"{kind.kind}{kind.itemsize}"), np.isnan(raw)
    if absent.any() and isinstance(kind, np.dtype):
        return pandas().Series(raw)
    top = float(limits.max) if float(limits.max) <= limits.max else np.nextafter(float(limits.max), 0)
    series = pandas().Series(np.round(np.clip(np.nan_to_num(raw), float(limits.min), top)).astype(limits.dtype))
    nullable = "UInt64" if kind.kind == "u" else "Int64"
    return (series.astype(nullable).mask(absent) if absent.any() else series).astype(kind)
