"""What each column of a frame is: numbers, classes, dates; ids, free text and constants, which are not modelled."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.spaces.tables.cells import Cells, factorised, plain
from ganvas.spaces.tables.columns import Column, Form
from ganvas.spaces.tables.fields import RESOLUTIONS, Field, Kind
from ganvas.spaces.tables.identifiers import Pattern
from ganvas.spaces.tables.library import pandas

KINDS = ("number", "category", "ordered", "boolean", "date", "id", "text")  # that a hint may say
FEW = 20  # cells: among fewer nothing is an id or free text
LONG = 1000  # characters: a column with a longer cell is free text
WORDY = 30  # characters, on average, of free text
PEEK = 100  # cells that are looked at before all are
ID_NAME = re.compile(r"(^|[_ ])(id|ids|uuid|guid|key|index|row_?names?|row_?number)$|[a-z]I[dD]$|^unnamed: 0$", re.I)
FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?", re.ASCII)
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
ERRORS = {"float32": 2.0**-23, "Float32": 2.0**-23, "float[pyarrow]": 2.0**-23, "float16": 2.0**-10}  # relative


@dataclass(frozen=True)
class Hint:
    """What a user or a metadata file says of a column: a ``kind`` of KINDS (None: find out), the strftime ``format``
    of dates in texts, the ``order`` of classes."""

    kind: str | None = None
    format: str = ""
    order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise InputError(f"no kind of column '{self.kind}'{nearest(self.kind, KINDS)}")


@dataclass(frozen=True)
class Found:
    """A column, its field if it is modelled, and a note for the report."""

    column: Column
    field: Field | None
    note: str = ""


def detect(series: Any, name: str, label: Any, hint: Hint) -> Found:
    """What the cells of one column (a pandas Series [n]) are. InputError that names a column that cannot be."""
    if isinstance(series.dtype, pandas().SparseDtype):
        series = series.sparse.to_dense()
    if series.dtype.kind == "c" or isinstance(series.dtype, pandas().IntervalDtype):
        raise InputError(f"column '{name}' is {series.dtype}, which is not supported; make it numbers or text")
    there = series[series.notna()]
    column = Column(name, label, "field", named(series.dtype))
    if column.dtype == "category":
        index = series.cat.categories
        column = replace(column, categories=Cells.of(list(index)), within=named(index.dtype))
        column = replace(column, ordered=bool(series.cat.ordered))
    check_text(name, (name, *column.categories.texts))
    if not len(there):
        return Found(replace(column, role="empty"), None, "all cells are missing and stay so")
    form, style = form_of(there, hint, name)
    if hint.kind == "id" or (hint.kind is None and is_id(there, name, form)):
        return identifier(there, column)
    if form == "class":
        return classed(series, there, column, hint)
    return measured(series, replace(column, form=form, style=style))


def named(dtype: Any) -> str:
    """The name of a dtype by which pandas makes it again, "object" for one that has none."""
    name = str(dtype)
    if name == "category":
        return name
    try:
        return name if pandas().api.types.pandas_dtype(name) == dtype else "object"
    except (TypeError, NotImplementedError):
        return "object"


def form_of(there: Any, hint: Hint, name: str) -> tuple[Form, str]:
    """(form, style) of cells that are not missing."""
    kind, dtype = there.dtype.kind, there.dtype
    if str(dtype) == "category" or kind == "b" or hint.kind in ("category", "ordered", "boolean", "text"):
        return "class", ""
    if kind in "Mm":
        return ("date" if kind == "M" else "duration"), ""
    if isinstance(dtype, pandas().PeriodDtype):
        return "period", ""
    if kind in "iuf":
        binary = hint.kind is None and bool(there.head(PEEK).isin([0, 1]).all()) and bool(there.isin([0, 1]).all())
        return ("class" if binary else "number"), ""
    if hint.format:
        return "date", hint.format
    words = not isinstance(dtype, np.dtype) or all(isinstance(v, str) for v in there)
    form, style = texts(there) if words else objects(there)
    if hint.kind in ("number", "date") and form != hint.kind:
        if hint.kind == "date":
            raise InputError(f"column '{name}' holds no dates in a usual format; say its format in the metadata")
        return "number", "s"
    return form, style


def objects(there: Any) -> tuple[Form, str]:
    """(form, style) of cells that are Python objects, some of them no texts."""
    kinds = {type(plain(v)) for v in there}
    if kinds <= {int, float}:
        return "number", "f" if float in kinds else "i"
    if kinds == {Decimal}:
        tails = {-int(v.as_tuple().exponent) if v.is_finite() else 0 for v in there}
        return "number", f"d{tails.pop()}" if len(tails) == 1 and min(tails) >= 0 else "d"
    if kinds == {datetime.date}:
        return "date", "date"
    if kinds <= {datetime.datetime, pandas().Timestamp} and all(v.tzinfo is None for v in there):
        return "date", "datetime"
    return "class", ""


def texts(there: Any) -> tuple[Form, str]:
    """(form, style) of texts: dates in one of the usual formats, numbers with as many decimals each, or classes."""
    first = [str(v) for v in there.head(PEEK)]
    if all(DATE.fullmatch(text) for text in first):
        for form in FORMATS:
            if pandas().to_datetime(there.astype(object), format=form, errors="coerce").notna().all():
                return "date", form
    if len(set(first)) > FEW and all(NUMBER.fullmatch(text) for text in first):
        distinct = [str(text) for text in there.unique()]
        tails = {len(text.partition(".")[2]) for text in distinct}
        if len(tails) == 1 and all(len(text) < 16 and NUMBER.fullmatch(text) for text in distinct):
            return "number", f"s{tails.pop()}"
    return "class", ""


def is_id(there: Any, name: str, form: Form) -> bool:
    """Whether cells are ids: all different, and by their name or their look no measurement and no words."""
    if len(there) < FEW or form not in ("number", "class") or str(there.dtype) == "category":
        return False
    if form == "number":
        if there.dtype.kind not in "iuf" or not there.is_unique:
            return False
        v = np.sort(there.to_numpy(np.float64))
        return bool(
            np.isfinite(v).all() and (v == np.round(v)).all() and ((np.diff(v) == 1).all() or ID_NAME.search(name))
        )
    first = [v for v in there.head(PEEK) if isinstance(v, str) and len(v) <= 64 and v.isprintable() and " " not in v]
    return len(first) == min(PEEK, len(there)) and bool(there.is_unique)


def identifier(there: Any, column: Column) -> Found:
    """A column of ids."""
    whole = there.dtype.kind in "iuf"
    pattern = Pattern.of_integers(there.to_numpy(np.float64)) if whole else Pattern.of_texts([str(v) for v in there])
    note = "ids: not modelled, made anew"
    column = replace(column, role="id", pattern=pattern)
    return Found(replace(column, dtype="object") if column.dtype == "category" else column, None, note)


def classed(series: Any, there: Any, column: Column, hint: Hint) -> Found:
    """A column of classes, or of free text, or a constant."""
    codes, found = factorised(series)
    category = column.dtype == "category"
    if hint.kind == "text" or (hint.kind is None and not category and wordy(len(there), found)):
        return Found(replace(column, role="text"), None, "free text: not modelled, left empty")
    used = np.bincount(codes[codes >= 0], minlength=len(found)) > 0
    values = [v for v, seen in zip(found, used, strict=True) if seen]
    check_text(column.name, Cells.of(values).texts)
    if hint.order:
        values = by_order(values, hint.order, column.name)
    elif not category:
        values = sorted(values, key=rank)
    cells = Cells.of(values)
    if len(values) == 1 and len(there) == len(series):
        return Found(replace(column, role="constant", cells=cells), None, f"always {cells.texts[0][:40]}")
    column = replace(column, cells=cells)
    ordered = hint.kind == "ordered" or (hint.kind is None and column.ordered) or bool(hint.order)
    kind: Kind = "ordered" if ordered else "boolean" if hint.kind != "category" and binary(cells) else "category"
    field = Field.of_classes(column.name, kind, cells.texts, column.read(series))
    return Found(column, field, told(there))


def check_text(name: str, texts: Iterable[str]) -> None:
    """InputError for a column with a text that no file can hold, because of half a surrogate pair."""
    for text in texts:
        if not text.isascii() and text != text.encode("utf-8", "ignore").decode():
            raise InputError(f"column {name!r} holds {text[:20]!r}, which is no valid Unicode; repair it")


def rank(value: Any) -> tuple[int, float, str]:
    """By what classes without an order of their own are sorted: numbers, then texts."""
    value = plain(value)
    return (0, float(value), "") if isinstance(value, bool | int | float) else (1, 0.0, str(value))


def told(there: Any) -> str:
    """A note about cells that are not restored as what they were."""
    if str(there.dtype) != "object":
        return "" if named(there.dtype) != "object" else f"the dtype {there.dtype} becomes object"
    known = (str, bool, int, float, Decimal, datetime.datetime, np.generic)
    odd = sorted(kind.__name__ for kind in set(map(type, there)) if not issubclass(kind, known))
    return f"cells of type {', '.join(odd)} become text" if odd else ""


def binary(cells: Cells) -> bool:
    """Whether classes are False and True, or 0 and 1."""
    return set(cells.types) <= set("bif") and {float(v) for v in cells.values()} <= {0.0, 1.0}


def wordy(count: int, found: list[Any]) -> bool:
    """Whether ``count`` cells with the distinct values ``found`` are free text: long, or hardly ever repeated."""
    lengths = [len(v) for v in found if isinstance(v, str)]
    if not lengths or len(lengths) < len(found):
        return False
    rare = count >= FEW and 2 * len(found) > count
    return max(lengths) > LONG or (rare and (len(found) == count or sum(lengths) / len(lengths) > WORDY))


def by_order(values: list[Any], order: tuple[str, ...], name: str) -> list[Any]:
    """Values in a given order. Raises InputError for one that it lacks."""
    place = {text: i for i, text in enumerate(order)}
    for value in values:
        if str(value) not in place:
            raise InputError(f"the order given for column '{name}' lacks {str(value)!r}; add it")
    return sorted(values, key=lambda value: place[str(value)])


def measured(series: Any, column: Column) -> Found:
    """A column of numbers or dates, or of one that never changes."""
    column = replace(column, wall=column.form == "date")
    raw = column.read(series)
    if column.wall and (raw[~np.isnan(raw)] % RESOLUTIONS[0]).any():  # not whole days by the clock
        column = replace(column, wall=False)
        raw = column.read(series)
    seen = raw[~np.isnan(raw)]
    lost = int(series.notna().sum()) - len(seen)
    note = f"{lost:,} cells are infinite or unreadable and count as missing" if lost else ""
    if not len(seen):
        raise InputError(f"column '{column.name}' has no value that can be used; leave it out or repair it")
    if len(seen) == len(raw) and seen.min() == seen.max():
        cell = series.iloc[0] if column.form == "number" else float(seen[0])
        form: Form = "class" if column.form == "number" else column.form
        cells = Cells.of([cell])
        return Found(replace(column, role="constant", form=form, cells=cells), None, f"always {series.iloc[0]}")
    kind: Kind = "date" if column.form == "date" else "number"
    return Found(column, Field.of_numbers(column.name, kind, raw, ERRORS.get(column.dtype, 0.0)), note)
