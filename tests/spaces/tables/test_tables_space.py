"""The space of tables: every kind of column there and back, rows as games see them, hostile tables."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from ganvas.errors import InputError
from ganvas.space import Data
from ganvas.spaces.tables import Table, tables

N = 60
RANDOM = np.random.default_rng(0)
DAYS = [datetime.date(1750, 1, 1) + datetime.timedelta(days=i) for i in range(N)]
COLUMNS: dict[str, tuple[str, Any]] = {
    "int8": ("number", pd.Series(RANDOM.integers(-9, 9, N).astype("int8"))),
    "uint64": ("number", pd.Series(RANDOM.integers(0, 50, N).astype("uint64"))),
    "float32": ("number", pd.Series(np.round(RANDOM.normal(size=N), 1).astype("float32"))),
    "float16": ("number", pd.Series(np.round(RANDOM.normal(size=N), 1).astype("float16"))),
    "hundreds": ("number", pd.Series(RANDOM.integers(1, 40, N) * 100)),
    "nullable": ("number", pd.Series([None if i % 5 == 0 else i % 7 * 3 for i in range(N)], dtype="Int64")),
    "Float64": ("number", pd.Series([None if i % 5 == 0 else i / 8 for i in range(N)], dtype="Float64")),
    "objects": ("number", pd.Series([None, 5, 6, 8] * 15, dtype=object)),
    "decimal": ("number", pd.Series([Decimal(i % 9) / 4 for i in range(N)], dtype=object)),
    "written": ("number", pd.Series([f"{i / 10:.2f}" for i in range(N)])),
    "duration": ("number", pd.Series(pd.to_timedelta(RANDOM.integers(0, 99, N), unit="s"))),
    "period": ("number", pd.Series(pd.PeriodIndex(["2000-01", None, "2001-05"] * 20, freq="M"))),
    "arrow int": ("number", pd.Series([None, 1, 2, 3, 7] * 12, dtype="int64[pyarrow]")),
    "arrow double": ("number", pd.Series([None, 1.5, 2, 3, 7] * 12, dtype="double[pyarrow]")),
    "bool": ("boolean", pd.Series([True, False, False] * 20)),
    "boolean": ("boolean", pd.Series([None, True, False] * 20, dtype="boolean")),
    "object bool": ("boolean", pd.Series([None, True, False] * 20, dtype=object)),
    "zero one": ("boolean", pd.Series([0, 1, 1] * 20)),
    "arrow bool": ("boolean", pd.Series([None, True, False] * 20, dtype="bool[pyarrow]")),
    "text": ("category", pd.Series(["a", "b", "c😀"] * 20)),
    "string": ("category", pd.Series(["a", None, "c"] * 20, dtype="string")),
    "mixed": ("category", pd.Series([1, "1", 2.5, "x", None, "x"] * 10, dtype=object)),
    "unused": ("category", pd.Series(pd.Categorical(["b", "a", None] * 20, categories=["z", "b", "a"]))),
    "int category": ("category", pd.Series(pd.Categorical([3, 1, 2] * 20))),
    "arrow text": ("category", pd.Series([None, "x", "y"] * 20, dtype="string[pyarrow]")),
    "dates category": ("category", pd.Series(pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01"] * 30)))),
    "ordered": ("ordered", pd.Series(pd.Categorical(["b", "a", "z"] * 20, categories=list("zbaq"), ordered=True))),
    "cut": ("ordered", pd.Series(pd.cut(RANDOM.normal(size=N), [-9, 0, 0.5, 9]))),
    "day": ("date", pd.Series(pd.date_range("1850-01-01", periods=N).as_unit("s"))),
    "nanoseconds": ("date", pd.Series(pd.date_range("1999-01-01", periods=N, freq="7h").as_unit("ns"))),
    "local day": ("date", pd.Series(pd.date_range("2020-03-01", periods=N, tz="Europe/Berlin"))),
    "zone": ("date", pd.Series(pd.date_range("2020-10-31 20:00", periods=N, freq="17min", tz="America/New_York"))),
    "date": ("date", pd.Series(DAYS, dtype=object)),
    "datetime": ("date", pd.Series([datetime.datetime(2000, 1, 1, i % 24) for i in range(N)], dtype=object)),
    "written day": ("date", pd.Series([None if i % 6 == 0 else f"{1 + i % 28:02d}.03.1899" for i in range(N)])),
    "constant": ("constant", pd.Series(["x"] * N)),
    "constant int8": ("constant", pd.Series([5] * N, dtype="int8")),
    "constant decimal": ("constant", pd.Series([Decimal("1.50")] * N, dtype=object)),
    "constant date": ("constant", pd.Series(pd.DatetimeIndex(["2020-01-01 05:00"] * N, tz="Asia/Tokyo"))),
    "nan": ("empty", pd.Series([np.nan] * N)),
    "none": ("empty", pd.Series([None] * N, dtype="Int64")),
    "no category": ("empty", pd.Series(pd.Categorical([None] * N, categories=["a"]))),
    "code": ("id", pd.Series([f"C{i:05d}" for i in range(N)])),
    "number": ("id", pd.Series(np.arange(100, 100 + N, dtype="int32"))),
}


def one(series: Any, name: str = "it") -> Data:
    """A data set of a column and one of plain numbers, nothing held out."""
    return tables(pd.DataFrame({"plain": np.arange(len(series)) % 5, name: series.array}), holdout=0.0)


def again(space: Table) -> Table:
    return Table.load(json.loads(json.dumps(space.config(), allow_nan=False)))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name: str) -> None:
    kind, series = COLUMNS[name]
    data = one(series, name)
    frame = pd.DataFrame({"plain": np.arange(N) % 5, name: series.array})
    space, raw = again(data.space), data.train.raw
    assert data.report["columns"][1]["kind"] == kind
    x = space.encode(raw)
    assert x.dtype == torch.float32
    assert torch.isfinite(x).all()
    assert torch.equal(space.head()(x), x)
    pd.testing.assert_frame_equal(space.frame(space.decode(x)), frame)
    made = space.frame(space.decode(space.head()(torch.randn(40, *space.shape))))
    assert (made.dtypes == frame.dtypes).all()
    assert (space.frame(raw[:0]).dtypes == frame.dtypes).all()
    assert np.array_equal(space.read(frame), raw, equal_nan=True)
    assert len(space.frame(np.full((3, raw.shape[1]), np.nan))) == 3


@pytest.mark.parametrize(
    ("cells", "kind", "note"),
    [
        ([f"some words, number {i}" for i in range(N)], "text", "left empty"),
        (["x" * 1_000_000, *["y😀"] * (N - 1)], "text", "left empty"),
        ([np.inf, -np.inf, 1.0, 2.0] * 15, "number", "30 cells are infinite"),
        ([[1], [2], [1]] * 20, "category", "type list become text"),
        ([b"a", b"b"] * 30, "category", "type bytes become text"),
    ],
)
def test_what_is_not_kept_is_said(cells: list[Any], kind: str, note: str) -> None:
    data = one(pd.Series(cells))
    assert data.report["columns"][1]["kind"] == kind
    assert note in data.report["columns"][1]["note"]
    frame = data.space.frame(data.train.raw)
    assert frame["it"].dtype == pd.Series(cells).dtype
    if kind == "text":
        assert frame["it"].isna().all()


@pytest.mark.parametrize("cells", [[1j] * N, pd.interval_range(0, N)], ids=["complex", "intervals"])
def test_a_column_that_cannot_be_is_named(cells: Any) -> None:
    with pytest.raises(InputError, match=r"column 'it' is .* not supported"):
        one(pd.Series(cells))
    with pytest.raises(InputError, match="column 'it' has no value that can be used"):
        one(pd.Series([np.inf] * 9))


def test_ten_thousand_categories_are_two_blocks_of_a_hundred() -> None:
    names = [f"name {i}" for i in range(10_000)]
    frame = pd.DataFrame({"who": names * 3, "x": np.arange(30_000) % 7})
    data = tables(frame, holdout=0.0)
    assert [token.outcomes for token in data.space.tokens] == [100, 100, 7]
    assert data.space.shape == (201,)
    back = data.space.decode(data.space.encode(data.train.raw[:10_000]))
    assert (back == data.train.raw[:10_000]).all()
    made = data.space.decode(data.space.head()(torch.randn(500, 201)))
    assert ((made[:, 0] >= 0) & (made[:, 0] < 10_000)).all()


def test_many_categories_with_missing_ones() -> None:
    names = [f"name {i}" for i in range(150)] + [None]
    data = tables(pd.DataFrame({"who": names * 4}), holdout=0.0)
    assert [token.outcomes for token in data.space.tokens] == [13, 13]  # 151 outcomes, 13² = 169
    raw = data.train.raw
    assert np.array_equal(data.space.decode(data.space.encode(raw)), raw, equal_nan=True)
    assert np.isnan(raw).sum() == 4
    beyond = torch.zeros(1, 26)
    beyond[0, [12, 25]] = 1  # number 168 is cut to the last outcome, missing
    assert np.isnan(data.space.decode(beyond)).all()


def test_tokens_blocks_and_what_the_head_does() -> None:
    frame = pd.DataFrame({"a": [1.5, None, 2.5, 3.5], "b": list("xyxz"), "c": [1, 2, 3, 5]})
    space = tables(frame, holdout=0.0).space
    told = [(t.field, t.part, t.start, t.width, t.outcomes, t.numeric) for t in space.tokens]
    assert told == [(0, 0, 0, 2, 4, True), (1, 0, 2, 3, 3, False), (2, 0, 5, 1, 4, True)]
    head = space.head()
    assert head.blocks == ((2, 3),)
    x = torch.tensor([[0.7, -1.0, 1.0, 3.0, 2.0, -9.0], [0.7, 1.0, 5.0, 3.0, 2.0, 0.3]], requires_grad=True)
    made = head(x)
    assert made.tolist() == pytest.approx(np.array([[0.7, 0, 0, 1, 0, -9], [0, 1, 1, 0, 0, 0.3]]))
    made[0, 2:5].dot(torch.tensor([1.0, 2.0, 4.0])).backward()
    p = torch.tensor([1.0, 3.0, 2.0]).softmax(0)
    weight = torch.tensor([1.0, 2.0, 4.0])
    assert torch.allclose(x.grad[0, 2:5], p * (weight - p @ weight))  # type: ignore[index]


def test_missing_values_come_at_their_rate_and_together() -> None:
    holes = RANDOM.random(2000) < 0.3
    frame = pd.DataFrame({"a": RANDOM.normal(size=2000), "b": RANDOM.choice(list("xyz"), 2000)})
    frame = frame.mask(np.stack([holes, holes], 1))
    data = tables(frame, holdout=0.0)
    x = data.space.encode(data.train.raw)
    assert (x[:, 1].numpy() == holes).all()
    assert (x[:, 5].numpy() == holes).all()
    assert (data.space.frame(data.space.decode(x)).isna().to_numpy() == holes[:, None]).all()
    assert data.report["columns"][0]["missing"] == holes.mean()


def test_duplicate_and_strange_names_of_columns_and_index() -> None:
    frame = pd.DataFrame([[1, "x", 2.5, True], [3, "y", 3.5, False]] * 5)
    for labels in ([["a", "a", "a (2)", "b"]], [[0, 1, 2, 3]], [[None, 1, "x", ("a", 1)]]):
        frame.columns = pd.Index(labels[0], name="names", tupleize_cols=False)
        frame.index = pd.Index([f"r{i}" for i in range(10)], name="row")
        made = again(tables(frame, holdout=0.0).space).frame(tables(frame, holdout=0.0).train.raw)
        if labels[0][3] != ("a", 1):
            pd.testing.assert_frame_equal(made, frame)
    frame.columns = pd.MultiIndex.from_product([["u", "v"], ["w", "x"]], names=["one", None])
    frame.index = pd.MultiIndex.from_product([range(5), range(2)], names=["i", "j"])
    data = tables(frame, holdout=0.0)
    made = again(data.space).frame(data.train.raw)
    pd.testing.assert_index_equal(made.columns, frame.columns)
    assert made.index.names == ["i", "j"]


def test_reading_other_frames() -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5] * 10, "b": list("xy") * 10, "c": [1, 2, 3, 4] * 5})
    space = tables(frame, holdout=0.0).space
    raw = space.read(pd.DataFrame({"b": ["y", "new", None], "a": [2.5, 9.0, np.inf]}))
    assert np.array_equal(raw, [[2.5, 1, np.nan], [9.0, np.nan, np.nan], [np.nan, np.nan, np.nan]], equal_nan=True)
    assert torch.isfinite(space.encode(raw)).all()
    with pytest.raises(InputError, match="none of the columns a, b, c"):
        space.read(pd.DataFrame({"z": [1]}))


def test_ids_are_made_anew_and_go_on() -> None:
    frame = pd.DataFrame({"key": [f"K-{i:04d}" for i in range(7, 57)], "v": [1, 2] * 25})
    space = tables(frame, holdout=0.0).space
    made = space.frame(np.ones((3, 1)), start=50)
    assert made["key"].tolist() == ["K-0057", "K-0058", "K-0059"]
    assert made.index.tolist() == [50, 51, 52]
    assert space.frame(np.ones((500, 1)))["key"].is_unique


def test_a_class_of_one_row_and_the_held_out_rows() -> None:
    frame = pd.DataFrame({"c": ["x"] * 99 + ["rare"], "v": np.arange(100) % 9, "t": [0, 1] * 50})
    for seed in range(5):
        data = tables(frame, target="t", seed=seed)
        assert (len(data.train), len(data.held_out)) == (90, 10)
        assert torch.isfinite(data.space.encode(data.train.raw)).all()
    with pytest.raises(InputError, match="target 'u' is no modelled column"):
        tables(frame, target="u")
    with pytest.raises(InputError, match=r"holdout=1\.5 is no share"):
        tables(frame, holdout=1.5)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame({"a": [1, 1]})])
def test_tables_with_nothing_to_learn(frame: Any) -> None:
    with pytest.raises(InputError, match=r"rows of|no column can be modelled"):
        tables(frame, holdout=0.0)


def test_pictures_and_the_report() -> None:
    frame = pd.DataFrame({"id": range(1, 31), "price😀": np.linspace(0, 1, 30), "c": list("xyz") * 10})
    data = tables(frame)
    assert data.report["summary"].startswith("30 rows of 3 columns: 1 number, 1 category; 27 to train on, 3 held out;")
    assert "id id: made anew" in data.report["summary"]
    sheet = data.space.show(data.train.raw, 3)
    assert sheet.width > 60
    assert sheet.height > data.space.show(data.train.raw, 2).height
    assert len(data.space.pictures(data.train.raw[:4])) == 4
    assert data.fingerprint == tables(frame).fingerprint != tables(frame, seed=1).fingerprint
