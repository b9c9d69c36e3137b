"""Where tables come from: pandas, polars, Arrow, Hugging Face data sets, CSV, Parquet and Feather files."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.files import TABLES, is_table
from ganvas.spaces.tables.library import pandas, pyarrow

PEEK = 1000  # lines of a CSV file that are looked at to find codes such as 00123
TRAIN, TEST = ("train", "training"), ("test", "testing", "validation", "valid", "val")


def open_source(source: Any) -> tuple[Any, np.ndarray | None]:
    """A table as a pandas DataFrame [n], and which rows [n] its own test split has (None: it has none).

    Raises InputError that says what is wrong with it.
    """
    if isinstance(source, str | Path):
        return from_file(Path(source).expanduser()), None
    if isinstance(source, Mapping) and any(str(split).lower() in TRAIN for split in source):
        return from_splits(source)
    return from_object(source), None


def from_splits(splits: Mapping[str, Any]) -> tuple[Any, np.ndarray | None]:
    """The training split, and the test split (else the validation split) to be held out, of a data set's splits."""
    lower = {str(name).lower(): data for name, data in splits.items()}
    train = next(lower[name] for name in TRAIN if name in lower)
    test = next((lower[name] for name in TEST if name in lower), None)
    if test is None:
        return from_object(train), None
    frames = from_object(train), from_object(test)
    return pandas().concat(frames, ignore_index=True), np.repeat([False, True], [len(frame) for frame in frames])


def from_object(source: Any) -> Any:
    """A table in memory as a DataFrame: pandas' own, or whatever hands itself over as an Arrow stream (polars, Arrow,
    DuckDB …), a Hugging Face data set, a dictionary of columns, a list of dictionaries."""
    pd = pandas()
    if isinstance(source, pd.DataFrame):
        return source
    if isinstance(source, Mapping | list):
        return pd.DataFrame(source)
    if callable(getattr(source, "__arrow_c_stream__", None)):
        return from_arrow(pyarrow().table(source))
    if callable(getattr(source, "with_format", None)):
        return from_set(source)
    if callable(getattr(source, "to_pandas", None)):
        return source.to_pandas()
    raise InputError(f"a {type(source).__name__} is no table; give a DataFrame, an Arrow table, or the path of a file")


def from_set(source: Any) -> Any:
    """A Hugging Face data set as a DataFrame; classes by their names."""
    frame = from_arrow(source.with_format("arrow")[:])
    for name, feature in source.features.items():
        names = getattr(feature, "names", None)
        if names:
            codes = frame[name].fillna(-1).astype("int64")
            frame[name] = pandas().Categorical.from_codes(codes.where(codes >= 0, -1), names)
    return frame


def from_arrow(table: Any) -> Any:
    """An Arrow table as a DataFrame; whole numbers and booleans with missing values become nullable ones."""
    pd, pa = pandas(), pyarrow()
    names = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    nullable = {pa.type_for_alias(name.lower()): pd.api.types.pandas_dtype(name) for name in names}
    nullable[pa.bool_()] = pd.BooleanDtype()
    names = table.column_names
    frame = table.rename_columns([str(i) for i in range(len(names))]).to_pandas() if twice(names) else table.to_pandas()
    if twice(names):
        frame.columns = names
        return frame
    for field in table.schema:
        if field.type in nullable and field.name in frame.columns and table.column(field.name).null_count:
            column = table.column(field.name).to_pandas(types_mapper=nullable.get)
            frame[field.name] = column.array
    return frame


def twice(names: list[str]) -> bool:
    """Whether a name comes more than once."""
    return len(set(names)) < len(names)


def from_file(path: Path) -> Any:
    """A file as a DataFrame. Raises InputError when it is none that is known, missing or damaged."""
    if not path.is_file():
        raise InputError(f"no file {path}; give the path of a table: {', '.join(TABLES)}")
    ending = path.name.lower()
    if not is_table(path):
        raise InputError(f"{path} is no table that is known; give one of {', '.join(TABLES)}")
    try:
        if ".csv" in ending or ".tsv" in ending:
            return from_csv(path)
        if ending.endswith((".parquet", ".pq")):
            return from_arrow(pyarrow("parquet").read_table(path))
        return from_arrow(pyarrow("feather").read_table(path))
    except InputError:
        raise
    except (OSError, ValueError, EOFError) as error:  # of pandas, pyarrow and gzip alike
        told = " ".join(str(error).split())[:200]
        raise InputError(f"{path} cannot be read ({told}); repair it or save it again") from error


def from_csv(path: Path) -> Any:
    """A CSV file; the separator is a tab, or the most frequent of , ; and tab in its first line. Codes with leading
    zeros stay text."""
    pd = pandas()
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", errors="replace") as file:
        first = file.readline()
    sign = max(",;\t", key=first.count) if ".tsv" not in path.name.lower() else "\t"
    options: dict[str, Any] = {"sep": sign, "low_memory": False}
    try:
        head = pd.read_csv(path, nrows=PEEK, dtype=str, **options)
    except UnicodeDecodeError:
        options["encoding"] = "latin-1"
        head = pd.read_csv(path, nrows=PEEK, dtype=str, **options)
    codes = [name for name in head if head[name].dropna().str.fullmatch(r"0\d+").any()]
    return pd.read_csv(path, dtype=dict.fromkeys(codes, str), **options)
