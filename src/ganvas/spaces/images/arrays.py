"""Pictures that are arrays: which array holds what, which axis is which, and what the numbers mean."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.spaces.images.columns import Columns, columns
from ganvas.spaces.images.layout import told
from ganvas.spaces.images.members import Stored, idx_file, npy_file, npz_file
from ganvas.spaces.images.source import TEST, TRAIN, Known, Plain

Part = tuple[Stored, Stored | None]  # pictures and their labels
ALONE = ("images", "samples")  # arrays that are all of the data
KEYS = (*((name, "labels", TRAIN) for name in ALONE), ("x_train", "y_train", TRAIN), ("x_test", "y_test", TEST))
EXPECTED = "images or samples (and labels), or x_train, x_test (and y_train, y_test)"
MOST_CHANNELS_FIRST = 4  # [n, c, h, w] is understood up to here


@dataclass(frozen=True)
class Reading:
    """How stored numbers become pixels: the ``kind`` (uint8 or uint16), whether channels come first, and for
    floats the range ``low`` to 1."""

    shape: tuple[int, int, int]
    kind: type[np.unsignedinteger[Any]] = np.uint8
    channels_first: bool = False
    low: float | None = None

    def pixels(self, block: np.ndarray) -> np.ndarray:
        """Stored numbers [b, …] -> uint8 or uint16 [b, h, w, c]."""
        if self.low is not None:
            block = np.round((block.astype(np.float64) - self.low) * (255 / (1 - self.low)))
        elif block.dtype == np.bool_:
            block = block * np.uint8(255)
        if self.channels_first:
            block = np.moveaxis(block, 1, 3)
        return np.ascontiguousarray(block.reshape(-1, *self.shape), self.kind)


def open_npy(path: Path) -> Plain:
    """The pictures of a .npy file. One of uint8 or uint16 is used where it lies, without a copy."""
    stored = npy_file(path)
    plain = assemble(str(path), [(stored, None)], [TRAIN])
    native = stored.dtype.isnative and stored.dtype in (np.uint8, np.uint16) and not stored.by_columns
    if not native or stored.shape[1:3] != plain.shape[:2]:
        return plain
    needed = stored.offset + math.prod(stored.shape) * stored.dtype.itemsize
    if path.stat().st_size < needed:
        raise InputError(f"{path} is cut off: it has {path.stat().st_size:,} bytes of {needed:,}; copy it again")
    mapped = np.load(path, mmap_mode="r", allow_pickle=False).reshape(-1, *plain.shape)
    return Plain(plain.where, plain.known, plain.shape, plain.blocks, mapped)


def open_npz(path: Path) -> Plain:
    """The pictures and labels of a .npz file."""
    found = npz_file(path)
    parts = [(found[x], found.get(y), split) for x, y, split in KEYS if x in found]
    if not parts:
        raise InputError(f"{path} has the arrays {', '.join(sorted(found)) or '(none)'}; expected are {EXPECTED}")
    if any(name in found for name in ALONE):
        parts = parts[:1]
    return assemble(str(path), [(x, y) for x, y, _ in parts], [split for _, _, split in parts])


def is_idx(path: Path) -> bool:
    """Whether a file's name is that of an IDX file."""
    return re.search(r"[-.]idx\d?([-.]u?byte)?(\.gz)?$", path.name.lower()) is not None


def idx_pairs(path: Path) -> list[tuple[Path, Path | None, int]]:
    """(pictures, labels, split) of one IDX file, or of those in a folder: train-images… and t10k-images…."""
    folder = path if path.is_dir() else path.parent
    beside = {f.name.lower(): f for f in sorted(folder.iterdir()) if is_idx(f)}
    names = [n for n in beside if re.search(r"images[-.]idx[34]", n)] if path.is_dir() else [path.name.lower()]
    pairs = []
    for name in names:
        twin = re.sub(r"images([-.])idx[34]", r"labels\1idx1", name)
        test = path.is_dir() and ("t10k" in name or "test" in name)
        pairs.append((beside[name], beside.get(twin) if twin != name else None, TEST if test else TRAIN))
    if len({split for *_, split in pairs}) < len(pairs):
        raise InputError(f"{path} holds several sets: {', '.join(names)}; give one of these files")
    return sorted(pairs, key=lambda pair: pair[2])


def open_idx(path: Path) -> Plain:
    """The pictures of IDX files; in a folder train-images… and t10k-images…, the hold-out."""
    pairs = idx_pairs(path)
    parts: list[Part] = [(idx_file(x), idx_file(y) if y else None) for x, y, _ in pairs]
    return assemble(str(path), parts, [split for _, _, split in pairs])


def assemble(where: str, parts: Sequence[Part], splits: Sequence[int]) -> Plain:
    """One source of several arrays of pictures that share shape and kind."""
    first = parts[0][0]
    for pictures, _ in parts:
        if pictures.shape[1:] != first.shape[1:] or pictures.dtype != first.dtype:
            raise InputError(f"{where}: {first.name} and {pictures.name} differ in shape or kind; make them alike")
    counts = [pictures.shape[0] if pictures.shape else 0 for pictures, _ in parts]
    if first.shape and sum(counts) < 2:
        raise InputError(f"{where} holds {sum(counts)} pictures; at least 2 are needed")
    reading, notes = understand(first, [pictures for pictures, _ in parts])
    made, more = labelled(where, parts)
    known = Known([], np.repeat(np.array(splits, np.int8), counts), made, {}, notes + more)

    def blocks() -> Iterator[np.ndarray]:
        for pictures, _ in parts:
            for block in pictures.blocks():
                yield reading.pixels(block)

    return Plain(where, known, reading.shape, blocks)


def understand(first: Stored, parts: Sequence[Stored]) -> tuple[Reading, list[str]]:
    """What the axes and numbers mean, and notes that say so. Raises InputError when it is not clear."""
    shape, first_axis = axes(first)
    if first.dtype == np.uint8 or first.dtype == np.bool_:
        return Reading(shape, np.uint8, first_axis), []
    if first.dtype.kind == "u" and first.dtype.itemsize == 2:
        return Reading(shape, np.uint16, first_axis), []
    if first.dtype.kind != "f":
        raise InputError(
            f"{first.name} is {first.dtype}; pictures are uint8, uint16, bool, or floats: use .astype('uint8')"
        )
    low, high = extent(parts)
    if low < -1 or high > 1 or low == high:
        raise InputError(f"{first.name} has floats from {low:g} to {high:g}; scale them to [0, 1] or [-1, 1]")
    start = -1.0 if low < 0 else 0.0
    return Reading(shape, np.uint8, first_axis, start), [f"floats in [{start:g}, 1] were read as 8-bit"]


def axes(stored: Stored) -> tuple[tuple[int, int, int], bool]:
    """(h, w, c) and whether the channels come first, from [n, h, w], [n, h, w, c] or a clear [n, c, h, w]."""
    shape = stored.shape
    if len(shape) == 3 and min(shape[1:]) > 0:
        return (shape[1], shape[2], 1), False
    if len(shape) != 4 or min(shape[1:]) < 1:
        raise InputError(f"{stored.name} has shape {shape}; pictures are [n, h, w] or [n, h, w, c]")
    if shape[1] <= MOST_CHANNELS_FIRST < min(shape[2:]):
        return (shape[2], shape[3], shape[1]), True
    return (shape[1], shape[2], shape[3]), False


def extent(parts: Sequence[Stored]) -> tuple[float, float]:
    """Smallest and largest value. Raises InputError that names the first picture with a NaN or infinite pixel."""
    low, high = math.inf, -math.inf
    for stored in parts:
        start = 0
        for block in stored.blocks():
            bad = ~np.isfinite(block.reshape(len(block), -1)).all(1)
            if bad.any():
                raise InputError(f"{stored.name}[{start + int(bad.argmax())}] has NaN or infinite pixels; repair it")
            low, high = min(low, float(block.min())), max(high, float(block.max()))
            start += len(block)
    return low, high


def labelled(where: str, parts: Sequence[Part]) -> tuple[Columns, list[str]]:
    """The label columns of the arrays [n] or [n, k] that stand beside the pictures."""
    given = [labels for _, labels in parts if labels is not None]
    if not given:
        return Columns(), []
    if len(given) < len(parts):
        return Columns(), ["no labels: not every array of pictures has them"]
    arrays = [label_array(pictures, labels) for pictures, labels in parts if labels is not None]
    if len({array.shape[1] for array in arrays}) > 1:
        raise InputError(f"{where}: the arrays of labels have different numbers of columns; make them alike")
    made = columns(table(np.concatenate(arrays)), typed=True)
    return made, told(made)


def label_array(pictures: Stored, labels: Stored) -> np.ndarray:
    """Labels [n, k] as stored."""
    if labels.dtype.kind not in "iufbU" or len(labels.shape) not in (1, 2) or labels.shape[0] != pictures.shape[0]:
        raise InputError(
            f"{labels.name} is {labels.dtype} {labels.shape}; labels are numbers or texts, one row for each of the "
            f"{pictures.shape[0]:,} pictures: [n] or [n, k]"
        )
    return labels.whole().reshape(labels.shape[0], -1)


def table(values: np.ndarray) -> Mapping[str, list[object]]:
    """Columns of Python values: "class" for one of classes, "label" for one of numbers, label0 … for several."""
    one = "label" if values.dtype.kind == "f" else "class"
    names = [one] if values.shape[1] == 1 else [f"label{i}" for i in range(values.shape[1])]
    return {name: column.tolist() for name, column in zip(names, values.T, strict=True)}
