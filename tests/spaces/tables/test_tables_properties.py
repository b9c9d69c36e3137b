"""Any table at all: random schemas, there and back with the same dtypes, or refused by the name of a column."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ganvas.errors import InputError
from ganvas.spaces.tables import Table, tables

YEAR_1, YEAR_9000 = datetime.datetime(1, 1, 2), datetime.datetime(9000, 1, 1)
NEAR, FAR = datetime.datetime(1800, 1, 2), datetime.datetime(2200, 1, 1)
SPAN = st.timedeltas(datetime.timedelta(-9999), datetime.timedelta(9999))
ANYTHING = (
    st.booleans() | st.integers(-9, 9) | st.text(max_size=2) | st.floats() | st.binary(max_size=2) | st.tuples(SPAN)
)
NAMED = st.sampled_from(["b", "a", "😀"])
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "float16": st.floats(width=16),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "Int8": st.none() | st.integers(-128, 127),
    "UInt16": st.none() | st.integers(0, 9),
    "Float64": st.none() | st.floats(allow_nan=False),
    "int32[pyarrow]": st.none() | st.integers(-(2**31), 2**31 - 1),
    "double[pyarrow]": st.none() | st.floats(allow_nan=False),
    "bool": st.booleans(),
    "boolean": st.none() | st.booleans(),
    "str": st.none() | st.text(max_size=4),
    "string": st.none() | st.text(st.characters(codec="ascii"), max_size=3),
    "object": st.none() | ANYTHING,
    "decimals": st.none() | st.decimals(-99, 99, places=2),
    "days": st.none() | st.dates(),
    "written days": st.none() | st.dates(datetime.date(1000, 1, 1)).map(str),
    "written numbers": st.none() | st.decimals(-99, 99, places=3).map(str),
    "category": st.none() | NAMED,
    "ordered": st.none() | NAMED,
    "datetime64[s]": st.none() | st.datetimes(YEAR_1, YEAR_9000).map(lambda day: day.replace(microsecond=0)),
    "datetime64[us]": st.none() | st.datetimes(YEAR_1, YEAR_9000),
    "datetime64[ns]": st.none() | st.datetimes(NEAR, FAR),
    "datetime64[us, Europe/Berlin]": st.none() | st.datetimes(NEAR, FAR),
    "timedelta64[us]": st.none() | SPAN,
    "period[D]": st.none() | st.dates(NEAR.date(), FAR.date()).map(str),
}
MAKE: dict[str, Callable[[list[Any]], Any]] = {
    "decimals": lambda cells: pd.Series([None if v is None else Decimal(v) for v in cells], dtype=object),
    "days": lambda cells: pd.Series(cells, dtype=object),
    "written days": lambda cells: pd.Series(cells, dtype="str"),
    "written numbers": lambda cells: pd.Series(cells, dtype="str"),
    "ordered": lambda cells: pd.Series(pd.Categorical(cells, ["😀", "a", "unused", "b"], ordered=True)),
    "datetime64[us, Europe/Berlin]": lambda cells: pd.Series(
        pd.to_datetime(pd.Series(cells, dtype="datetime64[us]"), utc=True).astype("datetime64[us, Europe/Berlin]")
    ),
    "period[D]": lambda cells: pd.Series(pd.PeriodIndex(cells, freq="D")),
}


@st.composite
def frames(draw: st.DrawFn) -> Any:
    """A DataFrame of up to 40 rows of any of the kinds, under any labels; one column always can be learnt from."""
    rows = draw(st.integers(2, 40))
    found = []
    for kind in draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5)):
        cells = draw(st.lists(CELLS[kind], min_size=rows, max_size=rows))
        found.append(MAKE[kind](cells) if kind in MAKE else pd.Series(cells, dtype=kind))
    frame = pd.concat([*found, pd.Series(np.arange(rows) % 2)], axis=1)
    labels = st.sampled_from(["a", "a", "b", "the price", "😀", ""]) | st.integers(0, 3)
    frame.columns = pd.Index(draw(st.lists(labels, min_size=frame.shape[1], max_size=frame.shape[1])), dtype=object)
    frame.index.name = draw(st.sampled_from([None, "row"]))
    return frame


def there_and_back(frame: Any, share: float) -> None:
    """Raise unless a table keeps its columns and dtypes through its space, or is refused by column."""
    try:
        data = tables(frame, holdout=share)
    except InputError as error:
        if "column" not in str(error):
            raise
        return
    space = Table.load(json.loads(json.dumps(data.space.config(), allow_nan=False)))
    x = space.encode(data.train.raw)
    assert torch.isfinite(x).all()
    x = x[data.train.index]
    assert torch.equal(space.head()(x), x)
    made = space.frame(space.decode(space.head()(torch.randn(20, *space.shape))))
    again = space.frame(space.decode(x))
    for other in (made, again, space.frame(data.train.raw[:0])):
        assert list(other.columns) == list(frame.columns)
        assert other.index.name == frame.index.name
        kept = (other.dtypes.to_numpy() == frame.dtypes.to_numpy()).all()
        assert kept, (other.dtypes, frame.dtypes)
    whole = space.decode(x)
    known = data.train.raw[data.train.index]
    discrete = np.array(space.discrete)
    assert np.array_equal(whole[:, discrete], known[:, discrete], equal_nan=True)
    assert np.array_equal(np.isnan(whole), np.isnan(known))


QUICK = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@QUICK
@given(frames(), st.sampled_from([0.0, 0.3]))
def test_any_table(frame: Any, share: float) -> None:
    there_and_back(frame, share)


@pytest.mark.slow
@settings(QUICK, max_examples=500)
@given(frames(), st.sampled_from([0.0, 0.3]))
def test_any_table_five_hundred_times(frame: Any, share: float) -> None:
    there_and_back(frame, share)
