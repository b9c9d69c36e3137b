"""What the names in a folder or archive say: splits, classes, and the columns of metadata files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ganvas.errors import InputError
from ganvas.spaces.images.columns import Columns, columns
from ganvas.spaces.images.source import FOLDERS, TRAIN, UNUSED, Known

PICTURES = frozenset(  # what Pillow decodes
    """avif bmp gif ico jfif jp2 jpe jpeg jpg pbm pgm png pnm ppm tga tif tiff webp""".split()  # noqa: SIM905
)
TABLES = ("metadata.csv", "metadata.jsonl")
FILE_COLUMNS = ("file_name", "filename", "file", "path")
Row = tuple[str, dict[str, object]]


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture; hidden files and those of macOS archives are not."""
    parts = name.split("/")
    hidden = any((part.startswith(".") and part.strip(".")) or part == "__MACOSX" for part in parts)
    return not hidden and parts[-1].rpartition(".")[2].lower() in PICTURES and "." in parts[-1]


def is_table(name: str) -> bool:
    """Whether a file holds labels."""
    return name.rpartition("/")[2].lower() in TABLES


def arrange(names: Sequence[str], tables: Mapping[str, bytes], ignored: int, where: str) -> Known:
    """Splits, labels and notes of the pictures ``names``. Raises InputError when there are fewer than two."""
    if len(names) < 2:
        found = "no pictures" if not names else "only one picture"
        kinds = ", ".join(sorted(PICTURES))
        beside = f" among {ignored} other files" if ignored else ""
        raise InputError(f"{where} holds {found}{beside}; give a folder or archive with pictures ({kinds})")
    inner = without_common_folder(names, tables)
    shift = len(names[0]) - len(inner[0])
    splits, rest, notes = split(inner)
    if tables:
        rows = [row for name, data in sorted(tables.items()) for row in read_table(name, data, shift, where)]
        known_columns, problems, more = match(inner, rows, where)
        return Known(list(names), splits, known_columns, problems, notes + more, ignored)
    found_columns, more = classes(rest, splits)
    return Known(list(names), splits, found_columns, {}, notes + more, ignored)


def without_common_folder(names: Sequence[str], tables: Iterable[str]) -> list[str]:
    """The names without the folders that all pictures and tables share."""
    inner, beside = list(names), list(tables)
    while (top := inner[0].split("/")[0] + "/") and all(name.startswith(top) for name in [*inner, *beside]):
        if top[:-1].lower() in FOLDERS:
            break
        inner, beside = [n[len(top) :] for n in inner], [n[len(top) :] for n in beside]
    return inner


def split(names: Sequence[str]) -> tuple[np.ndarray, list[str], list[str]]:
    """Split [N] of each picture by its top folder, the names below it, and notes.

    There are splits when one top folder is ``train``; pictures outside the known splits are then not used.
    """
    tops = [name.split("/")[0].lower() if "/" in name else "" for name in names]
    if not any(FOLDERS.get(top) == TRAIN for top in set(tops)):
        return np.zeros(len(names), np.int8), list(names), []
    splits = np.array([FOLDERS.get(top, UNUSED) for top in tops], np.int8)
    outside = int((splits == UNUSED).sum())
    notes = [f"{outside:,} pictures outside train, val and test are not used"] if outside else []
    return (
        splits,
        [name.partition("/")[2] if s != UNUSED else name for name, s in zip(names, splits, strict=True)],
        notes,
    )


def classes(names: Sequence[str], splits: np.ndarray) -> tuple[Columns, list[str]]:
    """The column "class" by first-level folders; none when no picture, or not every one, lies in a folder."""
    tops = [name.split("/")[0] if "/" in name else "" for name in names]
    used = splits != UNUSED
    inside = np.array([bool(top) for top in tops])
    if not inside[used].any():
        return Columns(), []
    if not inside[used].all():
        loose = int((~inside[used]).sum())
        return Columns(), [f"no labels: {loose:,} pictures lie outside the sub-folders"]
    first = next(top for top, ok in zip(tops, used, strict=True) if ok)
    made = columns({"class": [top if ok else first for top, ok in zip(tops, used, strict=True)]}, typed=True)
    return made, told(made)


def told(made: Columns) -> list[str]:
    """Notes on the columns that are left out."""
    return [f"no label '{name}': {why}" for name, why in made.left_out.items()]


def read_table(name: str, data: bytes, shift: int, where: str) -> list[Row]:
    """(picture's name below the common folder, its cells) of each line of a metadata file."""
    folder = name[: len(name) - len(name.rpartition("/")[2])][shift:]
    try:
        text = data.decode("utf-8-sig")
        if name.lower().endswith(".csv"):
            lines: list[dict[str, object]] = [dict(line) for line in csv.DictReader(io.StringIO(text), strict=True)]
        else:
            lines = [dict(json.loads(line)) for line in text.splitlines() if line.strip()]
    except (UnicodeDecodeError, csv.Error, ValueError, TypeError) as error:
        raise InputError(f"{where}: {name} cannot be read ({error}); write it as UTF-8 with a header line") from error
    if not lines:
        return []
    key = next((k for k in lines[0] if k.lower() in FILE_COLUMNS), None)
    if key is None:
        raise InputError(f"{where}: {name} has no column file_name; it has {', '.join(map(str, lines[0]))}")
    for number, line in enumerate(lines):
        if line.keys() != lines[0].keys() or (name.lower().endswith(".csv") and None in line.values()):
            raise InputError(f"{where}: {name} row {number + 1} has other columns than the first; repair it")
    return [(folder + str(line.pop(key)).strip().replace("\\", "/").removeprefix("./"), line) for line in lines]


def match(names: Sequence[str], rows: Sequence[Row], where: str) -> tuple[Columns, dict[int, str], list[str]]:
    """The columns of a metadata file in the order of ``names``; pictures without a row are a problem each."""
    by_name = dict(rows)
    problems = {i: "no row in the metadata" for i, name in enumerate(names) if name not in by_name}
    if len(problems) == len(names):
        told_name = rows[0][0] if rows else ""
        raise InputError(f"{where}: no picture has a row in the metadata; it names '{told_name}', we see '{names[0]}'")
    filled = [by_name.get(name) for name in names]
    default = next(row for row in filled if row is not None)
    heads = list(default)
    if any(list(row) != heads for _, row in rows):
        raise InputError(f"{where}: the metadata files have different columns; give them the same")
    made = columns({head: [(row or default)[head] for row in filled] for head in heads})
    missing = len(by_name.keys() - set(names))
    notes = [f"{missing:,} rows of the metadata name no picture"] if missing else []
    return made, problems, notes + told(made)
