"""Parquet files larger than memory: fitted on a sample, encoded in blocks, kept in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganvas.errors import InputError
from ganvas.spaces.tables import streaming, tables


def test_large_files_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 5000
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=rows).round(2), "c": random.choice(list("abc"), rows)})
    frame["n"] = pd.Series(random.integers(0, 9, rows), dtype="Int64").mask(random.random(rows) < 0.2)
    path = tmp_path / "big.parquet"
    frame.to_parquet(path, row_group_size=700)
    whole = tables(path)
    assert not isinstance(whole.train.raw, np.memmap)
    for name, value in (("LARGE_BYTES", 1000), ("SAMPLE", 2000), ("BLOCK", 512)):
        monkeypatch.setattr(streaming, name, value)
    data = tables(path, target="c")
    assert isinstance(data.train.raw, np.memmap)
    assert data.train.raw.shape == (rows, 3)
    assert (data.train.index == whole.train.index).all()
    pd.testing.assert_frame_equal(data.space.frame(data.train.raw), frame)
    assert data.space.fields[0].counts.sum() == 2000
    monkeypatch.setattr(streaming, "sample", None)  # the second time all comes from the cache
    again = tables(path, target="c")
    assert again.fingerprint == data.fingerprint
    assert again.space.config() == data.space.config()


def test_the_sample_of_a_large_file_is_of_training_rows_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pd.DataFrame({"x": np.arange(3000)}).to_parquet(tmp_path / "a.parquet", row_group_size=400)
    monkeypatch.setattr(streaming, "BLOCK", 333)
    train = np.arange(0, 3000, 2)
    assert (streaming.sample(tmp_path / "a.parquet", train)["x"] == train).all()
    monkeypatch.setattr(streaming, "SAMPLE", 100)
    some = streaming.sample(tmp_path / "a.parquet", train)["x"]
    assert len(some) == 100
    assert some.is_monotonic_increasing
    assert (some % 2 == 0).all()
    assert 1000 < some.mean() < 2000


def test_no_more_than_a_block_or_the_sample_is_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, held = 20_000, list[int]()
    pd.DataFrame({"x": np.arange(rows) % 50, "y": np.arange(rows) / 4}).to_parquet(tmp_path / "a.parquet")
    for name, value in (("LARGE_BYTES", 1000), ("SAMPLE", 900), ("BLOCK", 700)):
        monkeypatch.setattr(streaming, name, value)
    whole = streaming.from_arrow

    def noted(table: Any) -> Any:
        held.append(len(table))
        return whole(table)

    monkeypatch.setattr(streaming, "from_arrow", noted)
    data = tables(tmp_path / "a.parquet")
    assert max(held) == 900
    assert sum(held) == rows + 900
    assert len(data.train) + len(data.held_out) == rows
    assert isinstance(data.train.raw, np.memmap)
    assert (data.train.read(np.arange(5))[0] == data.train.raw[data.train.index[:5]]).all()


def test_other_settings_are_other_entries_and_other_contents_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"x": np.arange(600) % 50, "y": np.arange(600) % 7})
    frame.to_parquet(path)
    monkeypatch.setattr(streaming, "LARGE_BYTES", 100)
    first = tables(path)
    assert tables(path, metadata={"y": "category"}).space.config() != first.space.config()
    frame["x"] = frame["x"].to_numpy()[::-1]
    frame.to_parquet(path)
    assert tables(path).fingerprint != first.fingerprint
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        tables(path)
