"""Polars data frames, the real ones, are read as the pandas frames they stand for."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl

from ganvas.spaces.tables import Table, tables


def test_a_polars_frame_is_read_as_its_pandas_twin() -> None:
    random = np.random.default_rng(0)
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(i)) for i in random.integers(0, 400, 200)]
    frame = pl.DataFrame(
        {
            "whole": random.integers(0, 500, 200),
            "real": [None if i % 7 == 0 else float(i) / 8 for i in range(200)],
            "kind": pl.Series(random.choice(["a", "b", "c"], 200), dtype=pl.Categorical),
            "flag": random.random(200) < 0.3,
            "day": days,
        }
    )
    one, two = tables(frame), tables(frame.to_pandas())
    assert isinstance(one.space, Table)
    assert [(f.name, f.kind, f.missing) for f in one.space.fields] == [
        ("whole", "number", False),
        ("real", "number", True),
        ("kind", "category", False),
        ("flag", "boolean", False),
        ("day", "date", False),
    ]
    np.testing.assert_array_equal(one.train.raw, two.train.raw)
