"""What is asked of rows: ``income = '>50K' and age > 60``, read as SQL and turned into spans of each column."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.spaces.tables.columns import Column, zone_of
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.library import pandas
from ganvas.spaces.tables.spans import NOTHING, Piece, Span, at_least, at_most, between, other

if TYPE_CHECKING:
    from ganvas.spaces.tables.space import Table

GRAMMAR = (
    "conditions joined by 'and', of one column by 'or' too: column =, <>, <, <=, >, >= value; between a and b; "
    'in (a, b); is [not] null; not; a column named like a word of SQL as "when"'
)
LEAVES = {"eq", "neq", "lt", "lte", "gt", "gte", "between", "in", "is"}


def where(text: str, space: Table) -> dict[int, Span]:
    """The span of each column that a condition names, by number of the field.

    Raises InputError for a text that is none, an unknown column or class, and for what no row can satisfy.
    """
    try:
        sqlglot = importlib.import_module("sqlglot")
    except ImportError:
        raise InputError("--where needs sqlglot; pip install 'ganvas[tables]'") from None
    try:
        tree = sqlglot.parse_one(f"SELECT * FROM t WHERE {text}").args["where"].this  # noqa: S608 (read, never run)
    except Exception as error:  # its errors share no base that is promised
        reason = str(error).splitlines()[0].split(". Line")[0]
        raise InputError(f"--where {text!r} is not understood ({reason}); write {GRAMMAR}") from None
    found = condition(tree, space)
    for number, span in found.items():
        check(space.fields[number], span)
    return found


def condition(part: Any, space: Table, denied: bool = False) -> dict[int, Span]:
    """What a condition, or its denial, asks of each column that it names."""
    part = part.unnest()
    if part.key == "not":
        return condition(part.this, space, not denied)
    if part.key not in ("and", "or"):
        return leaf(part, space, denied)
    found = [condition(one, space, denied) for one in part.flatten()]
    numbers = sorted({number for one in found for number in one})
    if (part.key == "and") != denied:
        return {n: reduce(Span.both, (one[n] for one in found if n in one)) for n in numbers}
    if len(numbers) > 1:
        names = ", ".join(space.fields[number].name for number in numbers)
        raise InputError(f"--where: 'or' joins conditions on one column, not on {names}; ask for each on its own")
    return {numbers[0]: reduce(Span.either, (one[numbers[0]] for one in found))}


def leaf(part: Any, space: Table, denied: bool) -> dict[int, Span]:
    """What one comparison, or its denial, asks of its column."""
    if part.key not in LEAVES or part.this.unnest().key != "column" or not operands(part):
        raise InputError(f"--where: '{part.sql()}' is not understood; write {GRAMMAR}")
    number = named(part.this.unnest(), space.fields)
    field = space.fields[number]
    if part.key == "is" and part.expression.key == "null":
        return {number: Span(missing=False) if denied else replace(NOTHING, missing=True)}
    values = [literal(one, field, space.plain.column(field.name)) for one in operands(part)]
    if field.classes and field.kind != "ordered" and part.key not in ("eq", "neq", "in", "is"):
        raise InputError(f"the values of column {field.name} have no order; use =, <> or in (…)")
    key = {"neq": "eq", "is": "eq", "in": "eq"}.get(part.key, part.key)
    span = reduce(Span.either, (between(field, *ends) for ends in ends_of(key, values, field)))
    return {number: other(span, field) if denied != (part.key == "neq") else span}


def operands(part: Any) -> list[Any]:
    """The values of a condition."""
    if part.key == "between":
        return [part.args["low"], part.args["high"]]
    return list(part.expressions) if part.key == "in" else [part.expression]


def ends_of(key: str, values: list[float], field: Field) -> list[Piece]:
    """From where to where a comparison with ``values`` lets a number be."""
    first, last = values[0], values[-1]
    if key == "eq":
        return [(value, value) for value in values]
    if key == "between":
        return [(first, last)]
    if key[0] == "g":
        return [(float(at_least(field, np.array(first), key == "gt")), np.inf)]
    return [(-np.inf, float(at_most(field, np.array(first), key == "lt")))]


def named(column: Any, fields: Sequence[Field]) -> int:
    """The number of a field by its name; case counts only where it decides."""
    known = [field.name for field in fields]
    name = column.name
    close = [n for n in known if n.lower() == name.lower()]
    if name not in known and len(close) != 1:
        raise InputError(f"--where: no column '{name}' is modelled{nearest(name, known)}")
    return known.index(name if name in known else close[0])


def literal(value: Any, field: Field, column: Column) -> float:
    """A value as the raw table stores it. InputError for a class or number that the column cannot hold."""
    negative = value.key == "neg"
    text = str((value.this if negative else value).name) if value.key != "boolean" else str(value.this)
    text = f"-{text}" if negative else text
    if field.classes:
        same = [i for i, known in enumerate(field.classes) if known == text or known.lower() == text.lower()]
        exact = [i for i in same if field.classes[i] == text]
        if not same:
            raise InputError(f"column {field.name} has no value {text!r}{nearest(text, field.classes)}")
        return float((exact or same)[0])
    try:
        return float(text) if column.form == "number" else moment(text, column)
    except (ValueError, OverflowError):
        what, such = {"number": ("numbers", "12.5"), "duration": ("durations", "'3 days'")}.get(
            column.form, ("dates", "'2024-12-31'")
        )
        raise InputError(f"column {field.name} holds {what}, and {text!r} is none; write {such}") from None


def moment(text: str, column: Column) -> float:
    """A date or duration as the raw table stores it; one without a zone is by the clock of the column's."""
    pd = pandas()
    kind = pd.api.types.pandas_dtype(column.dtype)
    if column.form == "period":
        return float(pd.Period(text, freq=kind.freq).ordinal)
    if column.form == "duration":
        return float(pd.Timedelta(text) / pd.Timedelta(1, "us"))
    if column.style not in ("", "date", "datetime"):
        read = column.read(pd.Series([text], dtype=object))[0]
        if not np.isnan(read):
            return float(read)
    stamp, zone = pd.Timestamp(text), zone_of(kind)
    if zone is not None:
        stamp = stamp.tz_localize(zone) if stamp.tzinfo is None else stamp.tz_convert(zone)
        stamp = stamp.tz_localize(None) if column.wall else stamp.tz_convert(None)
    return float(stamp.tz_localize(None).to_datetime64().astype("datetime64[us]").astype(np.int64))


def check(field: Field, span: Span) -> None:
    """InputError when no value of the training data's range, nor a missing one, satisfies a span."""
    if span.missing and field.missing:
        return
    if field.classes:
        if span.classes is None or span.classes:
            return
        told = f"leaves no value for column {field.name}; its values: {', '.join(field.classes[:9])}"
    else:
        least, most = float(field.value[0]), float(field.value[-1])
        if any(low <= most and high >= least for low, high in span.pieces):
            return
        told = f"asks column {field.name} for what it never was; it went from {least:g} to {most:g}"
    if span.missing:
        raise InputError(f"column {field.name} had no missing values in training, so none can be made")
    raise InputError(f"--where {told}")
