"""Where tables come from: files, Arrow, stand-ins for polars, Hugging Face data sets."""

from __future__ import annotations

import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from ganvas.errors import InputError
from ganvas.files import is_table
from ganvas.spaces.tables import tables
from ganvas.spaces.tables.reading import open_source

FRAME = pd.DataFrame(
    {
        "price": [1.25, 2.5, None, 4.75] * 10,
        "zip": ["00123", "10115", "04109", "80331"] * 10,
        "count": pd.Series([1, 2, None, 4] * 10, dtype="Int64"),
        "when": pd.to_datetime(["2020-01-01", "2021-06-30", "2022-01-01", "2020-01-01"] * 10),
        "kind": pd.Categorical(["a", "b", "a", "c"] * 10),
    }
)


class Polars:
    """What we use of a polars DataFrame: it hands itself over as an Arrow stream."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)


class Old:
    """A library that knows pandas only."""

    def to_pandas(self) -> pd.DataFrame:
        return FRAME


def test_csv_files(tmp_path: Path) -> None:
    for name, sign in (("a.csv", ","), ("b.csv", ";"), ("c.tsv", "\t"), ("d.csv.gz", ",")):
        path = tmp_path / name
        FRAME.to_csv(path, index=False, sep=sign)
        frame, held = open_source(path)
        assert held is None
        assert frame["zip"].tolist()[:2] == ["00123", "10115"]
        assert frame["price"].tolist()[3] == 4.75
        data = tables(str(path))
        assert data.name == name[0]
        assert [c["kind"] for c in data.report["columns"]] == ["number", "category", "number", "date", "category"]
        made = data.space.frame(data.train.raw)
        pd.testing.assert_frame_equal(made, frame)
        assert data.origin["source"] == str(path)
        json.dumps(data.origin)


def test_csv_files_that_are_odd(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("name,x\nMüller,1\nMeyer,2\n".encode("latin-1") * 1)
    assert open_source(tmp_path / "latin.csv")[0]["name"][0] == "Müller"
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    (tmp_path / "torn.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n")[:-9])
    for name in ("empty.csv", "cut.parquet", "torn.csv.gz"):
        with pytest.raises(InputError, match=f"{name} cannot be read"):
            tables(tmp_path / name)
    with pytest.raises(InputError, match="no file"):
        tables(tmp_path / "none.csv")
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match="no table that is known"):
        tables(tmp_path / "a.txt")
    assert [is_table(name) for name in ("A.CSV", "b.tsv.gz", "c.parquet", "d.png")] == [True, True, True, False]


def test_arrow_parquet_and_feather(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(FRAME)
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.feather")
    for source in (table, tmp_path / "a.parquet", tmp_path / "a.feather", Polars(table), Old()):
        data = tables(source)
        pd.testing.assert_frame_equal(data.space.frame(data.train.raw), FRAME)


def test_arrow_alone_keeps_whole_numbers_and_booleans_with_holes() -> None:
    table = pa.table({"n": [1, 2, None, 4] * 5, "b": [True, None, False, True] * 5, "t": ["x", "y", None, "x"] * 5})
    data = tables(Polars(table))
    frame = data.space.frame(data.train.raw)
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "boolean", "str"]
    assert frame["n"].isna().sum() == frame["b"].isna().sum() == frame["t"].isna().sum() == 5
    twice = pa.Table.from_arrays([pa.array([1, 2] * 9), pa.array(list("xy") * 9)], names=["a", "a"])
    assert tables(twice).space.frame(np.zeros((2, 2))).columns.tolist() == ["a", "a"]


def test_dictionaries_lists_and_what_is_no_table() -> None:
    assert len(tables({"a": [1, 2, 3] * 4, "b": list("xyz") * 4}).train) == 11
    assert len(tables([{"a": 1}, {"a": 2}, {"a": 4}] * 4).train) == 11
    with pytest.raises(InputError, match="a float is no table"):
        tables(1.0)


def test_hugging_face_data_sets_with_their_own_split() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"x": datasets.Value("int32"), "y": datasets.ClassLabel(names=["no", "yes"])})
    train = datasets.Dataset.from_dict({"x": [1, 2, 3, 5] * 5, "y": [0, 1, 0, 1] * 5}, features=features)
    test = datasets.Dataset.from_dict({"x": [1, 2], "y": [0, 1]}, features=features)
    data = tables(datasets.DatasetDict({"train": train, "test": test}))
    assert (len(data.train), len(data.held_out)) == (20, 2)
    frame = data.space.frame(data.train.raw)
    assert frame["y"].tolist()[:2] == ["no", "yes"]
    assert str(frame["x"].dtype) == "int32"
    assert len(tables(train).held_out) == 2


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(InputError, match=r"the library 'pandas'; install it with: pip install 'ganvas\[tables\]'"):
        tables("a.csv" if Path("a.csv").exists() else {"a": [1]})
