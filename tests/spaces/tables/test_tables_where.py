"""Conditions on rows, read as SQL: the span of each column in closed form, and what is said when there is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganvas.errors import InputError
from ganvas.spaces.tables import Table, tables
from ganvas.spaces.tables.spans import Span, at_least, at_most, nearest_in
from ganvas.spaces.tables.where import where

ENDLESS = math.inf
N = 24
FRAME = pd.DataFrame(
    {
        "age": np.arange(N) + 20,
        "Price": np.arange(N) / 4,
        "free": np.random.default_rng(0).normal(size=N),
        "hundreds": np.arange(N) * 100,
        "kids": pd.Series([None, 0, 1, 2] * 6, dtype="Int64"),
        "city": ["Rome", "Paris", "rome", "Lyon's"] * 6,
        "size": pd.Categorical(list("SML") * 8, list("SML"), ordered=True),
        "flag": [True, False, None] * 8,
        "the name": list("abc") * 8,
        "when": pd.date_range("1500-01-01", periods=N),
        "local": pd.date_range("2020-06-01 12:00", periods=N, freq="7h", tz="America/New_York"),
        "day": pd.date_range("2020-03-01", periods=N, tz="Europe/Berlin"),
        "written": [f"{1 + i:02d}.03.1899" for i in range(N)],
        "wait": pd.to_timedelta(np.arange(N) * 90, unit="s"),
        "month": pd.period_range("2000-01", periods=N, freq="M"),
    }
)
SPACE = tables(FRAME, metadata={"age": "number"}, holdout=0.0).space
assert isinstance(SPACE, Table)
DAY, HOUR = 86_400_000_000, 3_600_000_000


def day(text: str) -> float:
    return float(np.datetime64(text, "us").astype(np.int64))


def asked(text: str) -> dict[str, Span]:
    return {SPACE.fields[number].name: span for number, span in where(text, SPACE).items()}


def only(*pieces: tuple[float, float], missing: bool = False) -> Span:
    return Span(pieces=pieces, missing=missing)


def some(*classes: int, missing: bool = False) -> Span:
    return Span(frozenset(classes), missing=missing)


CONDITIONS: dict[str, tuple[str, Span]] = {
    "age = 30": ("age", only((30, 30))),
    "AGE > 30": ("age", only((31, ENDLESS))),
    "age >= 30.5": ("age", only((31, ENDLESS))),
    "age < 30": ("age", only((-ENDLESS, 29))),
    "age <= 30.5": ("age", only((-ENDLESS, 30))),
    "age between 25 and 30": ("age", only((25, 30))),
    "age > 25 and (age < 30)": ("age", only((26, 29))),
    "age <> 30": ("age", only((-ENDLESS, 29), (31, ENDLESS))),
    "age not between 25 and 30": ("age", only((-ENDLESS, 24), (31, ENDLESS))),
    "age not in (25, 30)": ("age", only((-ENDLESS, 24), (26, 29), (31, ENDLESS))),
    "age < 25 or age > 30": ("age", only((-ENDLESS, 24), (31, ENDLESS))),
    "not (age >= 25 and age <= 30)": ("age", only((-ENDLESS, 24), (31, ENDLESS))),
    "not not age = 25": ("age", only((25, 25))),
    "age in (30, 25, 27) and age > 25": ("age", only((27, 27), (30, 30))),
    "age < 25 or age < 30": ("age", only((-ENDLESS, 29))),
    "price > 1.25": ("Price", only((1.26, ENDLESS))),
    "price > 1.249": ("Price", only((1.25, ENDLESS))),
    "price >= -1": ("Price", only((-1, ENDLESS))),
    "free > 0.25": ("free", only((np.nextafter(0.25, 1), ENDLESS))),
    "free <= 0.25": ("free", only((-ENDLESS, 0.25))),
    "hundreds >= 250": ("hundreds", only((300, ENDLESS))),
    "kids is null": ("kids", Span(frozenset(), (), True)),
    "kids is not null": ("kids", Span(missing=False)),
    "not kids is null": ("kids", Span(missing=False)),
    "kids is null or kids = 2": ("kids", only((2, 2), missing=True)),
    "kids <> 1": ("kids", only((-ENDLESS, 0), (2, ENDLESS))),
    "city = 'Rome'": ("city", some(2)),
    "city = 'PARIS'": ("city", some(1)),
    "city in ('Paris', 'Lyon''s')": ("city", some(0, 1)),
    "city <> 'Paris'": ("city", some(0, 2, 3)),
    "city = 'Paris' or city = 'rome'": ("city", some(1, 3)),
    "size >= 'M'": ("size", some(1, 2)),
    "size < 'L' and size <> 'S'": ("size", some(1)),
    "flag = true": ("flag", some(1)),
    "flag is false": ("flag", some(0)),
    "\"the name\" = 'a'": ("the name", some(0)),
    "\"when\" >= '1500-01-05'": ("when", only((day("1500-01-05"), ENDLESS))),
    "\"when\" > '1500-01-05 06:00'": ("when", only((day("1500-01-06"), ENDLESS))),
    "local = '2020-06-01 19:00'": ("local", only((day("2020-06-01") + 23 * HOUR,) * 2)),
    "local = '2020-06-01 23:00+00:00'": ("local", only((day("2020-06-01") + 23 * HOUR,) * 2)),
    "day < '2020-03-10'": ("day", only((-ENDLESS, day("2020-03-09")))),
    "written <= '05.03.1899'": ("written", only((-ENDLESS, day("1899-03-05")))),
    "written <= '1899-03-05'": ("written", only((-ENDLESS, day("1899-03-05")))),
    "wait > '3 minutes'": ("wait", only((181e6, ENDLESS))),
    "month = '2001-03'": ("month", only((374, 374))),
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_is_a_span(text: str) -> None:
    name, span = CONDITIONS[text]
    assert asked(text) == {name: span}


def test_conditions_on_several_columns() -> None:
    found = asked("age > 30 and city = 'Paris' and (price < 2 or price > 3)")
    assert found == {"age": only((31, ENDLESS)), "city": some(1), "Price": only((-ENDLESS, 1.99), (3.01, ENDLESS))}
    denied = asked("not (age <= 30 or city <> 'Paris')")
    assert denied == {"age": only((31, ENDLESS)), "city": some(1)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age >", "--where 'age >' is not understood"),
        ("when > '1500-01-01'", 'a column named like a word of SQL as "when"'),
        ("age > 30 or city = 'Paris'", "'or' joins conditions on one column, not on age, city"),
        ("city like 'P%'", "'city LIKE 'P%'' is not understood; write conditions"),
        ("flag", "'flag' is not understood"),
        ("1 < 2", "'1 < 2' is not understood"),
        ("age in ()", "not understood"),
        ("agee > 30", "no column 'agee' is modelled; did you mean 'age'"),
        ("city = 'Pariss'", "column city has no value 'Pariss'; did you mean 'Paris'"),
        ("city > 'Paris'", "the values of column city have no order"),
        ("age > 'x'", "column age holds numbers, and 'x' is none"),
        ("age > price", "column age holds numbers, and 'price' is none"),
        ("\"when\" > 'x'", "column when holds dates, and 'x' is none; write '2024-12-31'"),
        ("wait > 'x'", "column wait holds durations, and 'x' is none"),
        ("age > 99", "asks column age for what it never was; it went from 20 to 43"),
        ("age = 30.5", "asks column age for what it never was"),
        ("age > 30 and age < 25", "asks column age for what it never was"),
        ("age is null", "column age had no missing values in training"),
        ("city = 'Paris' and city = 'Rome'", "leaves no value for column city; its values: Lyon's, Paris, Rome"),
    ],
)
def test_conditions_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        where(text, SPACE)


def test_the_steps_of_a_column() -> None:
    values = np.array([1.25, 1.251, 1.2499999999999, -1.251, np.nan])
    price = next(field for field in SPACE.fields if field.name == "Price")
    for function, strictly, wanted in [
        (at_least, False, [1.25, 1.26, 1.25, -1.25]),
        (at_least, True, [1.26, 1.26, 1.26, -1.25]),
        (at_most, False, [1.25, 1.25, 1.25, -1.26]),
        (at_most, True, [1.24, 1.25, 1.24, -1.26]),
    ]:
        found = function(price, values, strictly)
        assert np.array_equal(found, [*wanted, np.nan], equal_nan=True)


def test_the_nearest_value_of_a_span() -> None:
    span = only((0, 1), (3, 3), (5, 9))
    v: Any = np.array([-1.0, 0.5, 1.9, 2.1, 4.4, 20.0, np.nan])
    assert np.array_equal(nearest_in(v, span), [0, 0.5, 1, 3, 5, 9, np.nan], equal_nan=True)
    assert np.array_equal(nearest_in(v, span, least=4.0), [5, 5, 5, 5, 5, 9, np.nan], equal_nan=True)
    assert np.array_equal(nearest_in(v, span, most=-2.0), v, equal_nan=True)
    assert Span().only is None
    assert only((3, 3)).only == 3
    assert only((3, 3), missing=True).only is None
    assert some(2).only == 2
