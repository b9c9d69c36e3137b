"""What every place that holds pictures offers, before one of them is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganvas.spaces.images.columns import Columns
from ganvas.spaces.images.pixels import UnreadableError

TRAIN, TEST, VALIDATION, UNUSED = 0, 1, 2, -1
FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "test": TEST,
    "testing": TEST,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
}


@dataclass(frozen=True)
class Known:
    """What is known of the N pictures of a source, in its order.

    ``splits`` [N] int8 says which part each belongs to; ``problems`` names pictures that are skipped whatever they
    hold, and why; ``notes`` are sentences for the report; ``ignored`` counts files that are no pictures.
    """

    names: list[str]
    splits: np.ndarray
    columns: Columns = field(default_factory=Columns)
    problems: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ignored: int = 0


@dataclass(frozen=True)
class Coded:
    """Picture files whose bytes ``read`` gives in the order of ``known.names``, or why they cannot be had.

    ``total_bytes`` is what they weigh together.
    """

    where: str
    known: Known
    total_bytes: int
    read: Callable[[], Iterator[bytes | UnreadableError]]


@dataclass(frozen=True)
class Plain:
    """Pictures that are arrays already: ``blocks`` gives them in order as uint8 or uint16 [b, h, w, c].

    ``mapped`` is the whole [N, h, w, c] when the file can be used where it lies.
    """

    where: str
    known: Known
    shape: tuple[int, int, int]
    blocks: Callable[[], Iterator[np.ndarray]]
    mapped: np.ndarray | None = None


@dataclass(frozen=True)
class Source:
    """A place with pictures: ``content`` is the hash of all it holds, ``open`` looks inside (not needed when its
    pictures are in the cache). A ``mappable`` one may need no cache."""

    name: str
    content: str
    open: Callable[[], Coded | Plain]
    mappable: bool = False


@dataclass(frozen=True)
class Taken:
    """What decoding took: row r of the pixels is picture ``kept[r]`` of the source; ``report`` tells the rest."""

    kept: np.ndarray
    report: dict[str, Any]
