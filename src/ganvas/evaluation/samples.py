"""Sets of samples, wherever they come from: a run, rows of data, a folder, an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas import names
from ganvas.errors import InputError
from ganvas.space import Data, Rows, Space
from ganvas.spaces.images.members import npz_file

STEP = 256  # samples held in memory at a time
Chunk = tuple[np.ndarray, np.ndarray | None]  # raw samples [m, …], stored labels [m, c]


@dataclass(frozen=True)
class Samples:
    """``count`` samples that can be read piece by piece.

    Attributes:
        name: what to call them.
        count: how many.
        space: what they are; None for features.
        read: rows from … to … -> raw samples [m, …] and their stored labels [m, c] or None.
        key: what names them for the cache of features; () when they are made.
        given: features [n, d] that need no extractor.
    """

    name: str
    count: int
    space: Space | None
    read: Callable[[int, int], Chunk]
    key: tuple[str | int, ...] = ()
    given: Tensor | None = None

    def chunks(self) -> Iterator[Chunk]:
        """All samples, in order."""
        for start in range(0, self.count, STEP):
            yield self.read(start, min(start + STEP, self.count))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes when samples have exactly one column of labels and it is one of classes, else none."""
        labels = self.space.labels if self.space else None
        return labels.columns[0].classes if labels and len(labels.columns) == 1 else ()


def part(data: Data, split: str, most: int | None = None, seed: int = 0) -> Samples:
    """The ``train`` or ``held-out`` rows of data, or ``most`` of them chosen at random, in a fixed order."""
    rows = data.train if split == "train" else data.held_out
    plain = Rows(rows.raw, rows.labels, rows.index)  # without mirrored copies
    chosen = np.arange(len(plain))
    if most is not None and most < len(plain):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(plain))[:most])
    key: tuple[str | int, ...] = (data.fingerprint, split, *map(str, data.origin.values()), len(chosen), seed)
    return Samples(f"{data.name} ({split})", len(chosen), data.space, lambda a, b: plain.read(chosen[a:b]), key)


def halves(samples: Samples, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two halves of the samples, at random."""
    order = np.random.default_rng(seed).permutation(samples.count)
    return order[: samples.count // 2], order[samples.count // 2 :]


def at(place: str | Path, like: Space | None = None, size: str | None = None, split: str | None = None) -> Samples:
    """The samples at a path or of a built-in name: all of them, or a ``split``.

    An .npz may hold ``samples`` (pictures, or vectors [n, d]) or ``features`` [n, d]. ``like`` says what vectors are.
    Raises InputError when there is nothing to read.
    """
    if Path(place).suffix.lower() == ".npz" and (found := vectors(Path(place), like)) is not None:
        return found
    options = {"size": size} if size is not None else {}
    if split is None:
        return replace(part(loaded(place, options | {"holdout": 0.0}), "train"), name=str(place))
    chosen = replace(part(loaded(place, options), split), name=f"{place} ({split})")
    if not chosen.count:
        raise InputError(f"{place} has no samples in the split '{split}'; leave --split out to take all")
    return chosen


def loaded(place: str | Path, options: dict[str, Any]) -> Data:
    """The data at a path or of a built-in name. InputError says what to do about pictures of several sizes."""
    try:
        return names.data(str(place), **options)
    except InputError as error:
        if "--size" in str(error):
            raise InputError(
                f"{place} holds pictures of several sizes; bring them to one size first (how they are resized changes "
                "the figures, so it is yours to choose)"
            ) from error
        raise


def vectors(file: Path, like: Space | None) -> Samples | None:
    """The vectors in an .npz file: ``features`` [n, d], or ``samples`` [n, d]; None when it holds pictures.

    Raises InputError for a file that cannot be read, and for what are no finite numbers [n, d].
    """
    if not file.is_file():
        raise InputError(f"no file {file}; give a run, a folder of pictures or an .npz")
    stored = npz_file(file)
    name = "features" if "features" in stored else "samples"
    if name not in stored or (name == "samples" and len(stored[name].shape) != 2):
        return None
    shape, kind = stored[name].shape, stored[name].dtype
    if len(shape) != 2 or kind.kind not in "fiu" or shape[0] < 2:
        raise InputError(f"{file}: {name} {list(shape)} {kind}; features are numbers [n, d], n >= 2")
    values = stored[name].whole()
    if not (np.abs(values) <= np.finfo(np.float32).max).all():
        raise InputError(f"{file}: {name} holds NaN, infinity or numbers beyond float32; take those rows out")
    if name == "samples" and like is not None and len(like.shape) == 1:
        return Samples(file.name, len(values), like, lambda a, b: (values[a:b], None))
    given = torch.from_numpy(values.astype(np.float32))
    return Samples(file.name, len(values), None, lambda a, b: (values[a:b], None), given=given)
