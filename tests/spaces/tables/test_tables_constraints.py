"""What users say that every row keeps."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ganvas.errors import InputError
from ganvas.spaces.tables import Table, tables

ROWS = pd.DataFrame(
    {
        "low": [1.0, 2.0, np.nan, 4.0] * 5,
        "high": [2.0, 2.0, 3.0, 9.0] * 5,
        "city": ["Rome", "Paris", "Lyon", None] * 5,
        "state": ["Italy", "France", "France", None] * 5,
        "size": pd.Categorical(["S", "M", "S", "M"] * 5, categories=["S", "M", "L"], ordered=True),
        "born": pd.to_datetime(["1899-05-01", "1950-01-01", "2000-01-01", "2001-01-01"] * 5),
    }
)


@pytest.mark.parametrize(
    ("text", "changes", "kept"),
    [
        ("low <= high", {"low": [3.0, 2.0, np.nan], "high": [2.0, 2.0, 1.0]}, [False, True, True]),
        ("high >= low", {"low": [3.0, 2.0, 1.0], "high": [2.0, 2.0, 1.0]}, [False, True, True]),
        ("0 < low <= high < 10", {"low": [0.0, 2.0, 1.0], "high": [2.0, 2.0, 10.0]}, [False, True, False]),
        ("low > 0", {"low": [-1.0, 0.0, 0.1]}, [False, False, True]),
        ("size <= M", {"size": [0, 1, np.nan]}, [True, True, True]),
        ("born > 1850-01-01", {"born": [-5e15, -3e15, 0.0]}, [False, True, True]),
        ("(city, state)", {"city": [2, 1, np.nan], "state": [1, 1, np.nan]}, [True, False, True]),
    ],
)
def test_constraints(text: str, changes: dict[str, list[float]], kept: list[bool]) -> None:
    data = tables(ROWS, constraints=[text], holdout=0.0)
    assert data.space.allowed(data.train.raw).all()
    space = Table.load(json.loads(json.dumps(data.space.config(), allow_nan=False)))
    raw = data.train.raw[:3].copy()
    names = [field.name for field in space.fields]
    for name, values in changes.items():
        raw[:, names.index(name)] = values
    assert space.allowed(raw).tolist() == kept
    assert [one.text for one in space.constraints] == [text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("low < high", "is broken by 5 of 20 rows"),
        ("low", "is not understood; write 'low <= high'"),
        ("lo <= 3", "names no modelled column; did you mean 'low'"),
        ("low <= hig", "no column 'hig' is modelled; did you mean 'high'"),
        ("city <= state", "the values of column 'city' have no order"),
        ("(city)", "needs two columns"),
        ("(city, stat)", "no column 'stat' is modelled; did you mean 'state'"),
    ],
)
def test_constraints_that_are_wrong(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tables(ROWS, constraints=[text], holdout=0.0)
