"""Parquet files larger than memory: fitted on a sample of their rows, encoded in blocks into a memory-mapped file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.spaces.images.cache import Pixels, content_of, folder, key_of, stored
from ganvas.spaces.tables.library import pyarrow
from ganvas.spaces.tables.reading import from_arrow
from ganvas.spaces.tables.space import Table

LARGE_BYTES = 2**30  # a file whose values take more than this, decoded, is streamed
SAMPLE = 200_000  # rows that columns are fitted on
BLOCK = 65_536  # rows read at a time
Fit = Callable[[Any], tuple[Table, dict[str, Any]]]  # a DataFrame of training rows -> the space and its report


def is_large(path: str | Path) -> bool:
    """Whether a path is that of a Parquet file too large to be read at once."""
    path = Path(path).expanduser()
    if not path.name.lower().endswith((".parquet", ".pq")) or not path.is_file():
        return False
    about = opened(path).metadata
    decoded = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
    return max(decoded, 8 * about.num_rows * about.num_columns) > LARGE_BYTES


def rows_in(path: Path) -> int:
    """How many rows a Parquet file has."""
    return int(opened(path).metadata.num_rows)


def streamed(path: Path, train: np.ndarray, settings: list[Any], fit: Fit) -> tuple[Table, dict[str, Any], np.ndarray]:
    """(space, report, raw rows [N, fields] mapped from the cache) of a large Parquet file.

    ``fit`` sees up to SAMPLE of the rows ``train``, chosen at random; ``settings`` (JSON) are all it depends on.
    """
    cache = folder()
    content = content_of(cache, path, [(path.name, path.stat())], lambda: hashed(path))
    key = key_of("table", content, settings, SAMPLE)

    def build(pixels: Pixels) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        space, report = fit(sample(path, train))
        for block in blocks(path):
            pixels.write(space.read(from_arrow(block)))
        about = {"space": space.config(), "report": report}
        return np.empty((pixels.count, 0)), np.zeros(pixels.count, np.int8), about

    entry = stored(cache, key, build)
    return Table.load(entry.about["space"]), entry.about["report"], entry.pixels


def sample(path: Path, train: np.ndarray) -> Any:
    """Up to SAMPLE of the rows ``train`` (ascending) as a DataFrame, the same ones each time."""
    if len(train) > SAMPLE:
        train = np.sort(np.random.Generator(np.random.Philox(key=[0, 4])).choice(train, SAMPLE, replace=False))
    parts, start = [], 0
    for block in blocks(path):
        first, last = np.searchsorted(train, [start, start + len(block)])
        parts.append(block.take(train[first:last] - start))
        start += len(block)
    return from_arrow(pyarrow().concat_tables(parts))


def blocks(path: Path) -> Iterator[Any]:
    """The file as Arrow tables of BLOCK rows."""
    file = opened(path)
    for batch in file.iter_batches(batch_size=BLOCK):
        yield pyarrow().Table.from_batches([batch])


def opened(path: Path) -> Any:
    """A Parquet file. Raises InputError when it is damaged."""
    parquet = pyarrow("parquet")
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({' '.join(str(error).split())[:200]}); save it again") from error


def hashed(path: Path) -> str:
    """The hash of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
