"""Data sets of Hugging Face's ``datasets``: from the hub by name, or from a folder that save_to_disk wrote."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.spaces.images.cache import key_of
from ganvas.spaces.images.columns import Columns, columns
from ganvas.spaces.images.folders import LARGEST_BYTES, TOO_LARGE
from ganvas.spaces.images.layout import told
from ganvas.spaces.images.pixels import UnreadableError
from ganvas.spaces.images.source import FOLDERS, TRAIN, Coded, Known, Source

PREFIX = "hf:"
PLAIN_KINDS = ("int", "uint", "float", "bool", "string")  # dtypes of columns that can be labels
Sets = Mapping[str, Any]  # split -> a datasets.Dataset


def is_saved(path: Path) -> bool:
    """Whether a folder was written by save_to_disk."""
    single = (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
    return single or (path / "dataset_dict.json").is_file()


def from_hub(spec: str) -> Source:
    """``hf:NAME`` or ``hf:NAME:CONFIGURATION`` by load_dataset. Raises InputError when it cannot be had."""
    name, _, configuration = spec.removeprefix(PREFIX).partition(":")
    loaded = attempt(f"{PREFIX}{name}", lambda d: d.load_dataset(name, configuration or None))
    return from_sets(spec, name.rpartition("/")[2], loaded)


def from_disk(path: Path) -> Source:
    """A folder written by save_to_disk."""
    return from_sets(str(path), path.name, attempt(str(path), lambda d: d.load_from_disk(str(path))))


def attempt(what: str, load: Any) -> Any:
    """``load`` called with the library, which is imported only now. Raises InputError when either fails."""
    try:
        library = importlib.import_module("datasets")
    except ImportError as error:
        raise InputError(f"{what} needs the library 'datasets'; install it with: pip install ganvas[hf]") from error
    try:
        return load(library)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{what} cannot be loaded: {' '.join(str(error).split())[:300]}") from error


def from_sets(where: str, name: str, loaded: Any) -> Source:
    """A source of one data set, or of a dictionary of splits."""
    sets = usable(where, dict(loaded) if isinstance(loaded, Mapping) else {"train": loaded})
    content = key_of("datasets", {split: data._fingerprint for split, data in sets.items()})
    return Source(name, content, lambda: open_sets(where, sets))


def usable(where: str, sets: Sets) -> Sets:
    """The splits that are used: train, test and validation; a single split of another name counts as train."""
    if len(sets) == 1:
        return {"train": next(iter(sets.values()))}
    found = {split: data for split, data in sets.items() if split.lower() in FOLDERS}
    if not any(FOLDERS[split.lower()] == TRAIN for split in found):
        raise InputError(f"{where} has no split 'train'; it has {', '.join(sets)}")
    return found


def open_sets(where: str, sets: Sets) -> Coded:
    """The pictures of the first column of pictures, as files, and the labels beside them."""
    features = next(iter(sets.values())).features
    pictures = [name for name, feature in features.items() if type(feature).__name__ == "Image"]
    if not pictures:
        raise InputError(f"{where} has no column of pictures; it has {', '.join(features)}")
    column = pictures[0]
    coded = {
        split: data.select_columns([column]).cast_column(column, type(features[column])(decode=False))
        for split, data in sets.items()
    }
    notes = [f"pictures are the column '{column}'; {', '.join(pictures[1:])} is not used"] if pictures[1:] else []
    made = labels(sets, features)
    counts = [len(data) for data in sets.values()]
    if sum(counts) < 2:
        raise InputError(f"{where} holds {sum(counts)} pictures; at least 2 are needed")
    known = Known(
        [f"{split}[{i}]" for split, data in sets.items() for i in range(len(data))],
        np.repeat(np.array([FOLDERS[split.lower()] for split in sets], np.int8), counts),
        made,
        {},
        notes + told(made),
    )

    def read() -> Iterator[bytes | UnreadableError]:
        for data in coded.values():
            for row in data:
                yield file_bytes(row[column])

    first = next(read())
    return Coded(where, known, len(first) * sum(counts) if isinstance(first, bytes) else 0, read)


def file_bytes(cell: Mapping[str, Any] | None) -> bytes | UnreadableError:
    """The file in a cell: its bytes, or those at its path."""
    if cell is None or (cell.get("bytes") is None and not cell.get("path")):
        return UnreadableError("the cell is empty")
    if cell.get("bytes") is not None:
        return bytes(cell["bytes"])
    try:
        path = Path(cell["path"])
        return UnreadableError(TOO_LARGE) if path.stat().st_size > LARGEST_BYTES else path.read_bytes()
    except OSError as error:
        return UnreadableError(error.strerror or str(error))


def labels(sets: Sets, features: Mapping[str, Any]) -> Columns:
    """All columns of classes (ClassLabel), and those of plain values, which are used only when they are named."""
    table: dict[str, list[object]] = {}
    classes = []
    for name, feature in features.items():
        cells = [cell for data in sets.values() for cell in data[name]] if is_label(feature) else []
        if type(feature).__name__ == "ClassLabel":
            classes.append(name)
            cells = [feature.names[cell] if cell is not None and cell >= 0 else "" for cell in cells]
        if is_label(feature):
            table[name] = cells
    made = columns(table, typed=True)
    chosen = [name for name in made.names if name in classes]
    return Columns(made.names, made.classes, made.values, chosen, made.left_out)


def is_label(feature: Any) -> bool:
    """Whether a column can be a label."""
    return type(feature).__name__ == "ClassLabel" or str(getattr(feature, "dtype", "")).startswith(PLAIN_KINDS)
