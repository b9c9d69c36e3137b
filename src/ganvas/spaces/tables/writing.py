"""A table as the bytes of a file: CSV, Parquet or Feather, by the ending of its name."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

from ganvas.errors import InputError
from ganvas.files import TABLES, is_table
from ganvas.spaces.tables.library import pandas, pyarrow


def written(frame: Any, path: Path) -> bytes:
    """What a file of this name holds for a DataFrame. An index that only counts is left out of CSV.

    Raises InputError for an ending that no table has, and when the table cannot be stored so.
    """
    name = path.name.lower()
    if not is_table(name):
        raise InputError(f"{path} is no name of a table; end it with one of {', '.join(TABLES)}")
    counting = isinstance(frame.index, pandas().RangeIndex) and frame.index.name is None
    if ".csv" in name or ".tsv" in name:
        text = frame.to_csv(sep="\t" if ".tsv" in name else ",", index=not counting).encode()
        return gzip.compress(text, mtime=0) if name.endswith(".gz") else text
    pa, buffer = pyarrow(), io.BytesIO()
    try:
        table = pa.Table.from_pandas(frame, preserve_index=None if counting else True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(f"{path.suffix} cannot hold this table ({error}); write .csv") from None
    if name.endswith((".parquet", ".pq")):
        pyarrow("parquet").write_table(table, buffer)
    else:
        pyarrow("feather").write_feather(table, buffer)
    return buffer.getvalue()
