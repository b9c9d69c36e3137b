"""What users say of columns: a word each, or SDV's metadata, V1 and SINGLE_TABLE_V1, read and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganvas.errors import InputError
from ganvas.spaces.tables import Table, sdv, tables

FRAME = pd.DataFrame(
    {
        "guest": [f"G_{i:03d}" for i in range(40)],
        "mail": [f"a{i}@example.com" for i in range(20)] * 2,
        "size": ["small", "large", "medium", "small"] * 10,
        "day": ["03 Jan 2020", "04 Feb 2021", "05 Mar 2022", "06 Apr 2023"] * 10,
        "code": [3, 5, 7, 9] * 10,
        "flag": [True, False] * 20,
        "rate": np.arange(40) / 4,
    }
)
SINGLE: dict[str, Any] = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "guest",
    "columns": {
        "guest": {"sdtype": "id", "regex_format": "G_[0-9]{3}"},
        "mail": {"sdtype": "email", "pii": True},
        "size": {"sdtype": "categorical", "order": ["small", "medium", "large"]},
        "day": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
        "code": {"sdtype": "categorical"},
        "flag": {"sdtype": "boolean"},
        "rate": {"sdtype": "numerical", "computer_representation": "Float"},
    },
}
KINDS = ["id", "text", "ordered", "date", "category", "boolean", "number"]


def kinds(metadata: object) -> list[str]:
    return [column["kind"] for column in tables(FRAME, metadata=metadata).report["columns"]]


def test_both_versions_of_sdv_metadata_are_read(tmp_path: Path) -> None:
    several = {"METADATA_SPEC_VERSION": "V1", "tables": {"guests": SINGLE}, "relationships": []}
    (tmp_path / "m.json").write_text(json.dumps(several))
    for metadata in (SINGLE, several, tmp_path / "m.json", str(tmp_path / "m.json")):
        assert kinds(metadata) == KINDS
    data = tables(FRAME, metadata=SINGLE)
    fields = {field.name: field for field in data.space.fields}
    assert fields["size"].classes == ("small", "medium", "large")
    assert fields["day"].places == 86_400_000_000
    frame = data.space.frame(data.train.raw)
    pd.testing.assert_frame_equal(frame.drop(columns="mail"), FRAME.drop(columns="mail"))


def test_metadata_is_written_and_read_again() -> None:
    space = tables(FRAME, metadata=SINGLE).space
    assert isinstance(space, Table)
    for version in ("V1", "SINGLE_TABLE_V1"):
        written = json.loads(json.dumps(sdv(space, version, "guests")))
        assert written["METADATA_SPEC_VERSION"] == version
        assert kinds(written) == KINDS
    assert sdv(space)["tables"]["table"]["primary_key"] == "guest"
    columns = sdv(space, "SINGLE_TABLE_V1")["columns"]
    assert columns["guest"] == {"sdtype": "id", "regex_format": "G_[0-9]{3}"}
    assert columns["size"] == {"sdtype": "categorical", "order": ["small", "medium", "large"]}
    assert columns["day"] == {"sdtype": "datetime", "datetime_format": "%d %b %Y"}
    with pytest.raises(InputError, match="no version 'V9'"):
        sdv(space, "V9")


def test_a_word_for_a_column_is_enough() -> None:
    assert kinds({"code": "category", "mail": "text"})[1] == "text"
    assert kinds({"flag": "category"})[5] == "category"


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"nam": "id"}, "a column 'nam' that the table lacks; known: code, day"),
        ({"size": "categry"}, "no kind of column 'categry'; did you mean 'category'"),
        (SINGLE | {"METADATA_SPEC_VERSION": "V0"}, "version 'V0' is not known"),
        ({"METADATA_SPEC_VERSION": "V1", "tables": {"a": {}, "b": {}}}, "describes 2 tables"),
        ({"columns": {"size": {}}}, "has no sdtype"),
        ({"columns": {"size": {"sdtype": "categorical", "order": ["small"]}}}, "lacks 'large'"),
        ({"mail": "date"}, "column 'mail' holds no dates"),
        (3, "metadata is a int"),
        ("none.json", "none.json is missing"),
    ],
)
def test_metadata_that_is_wrong(metadata: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tables(FRAME, metadata=metadata)
