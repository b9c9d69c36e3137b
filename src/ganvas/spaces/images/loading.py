"""Data sets of pictures: from a place to rows to train on and rows held out."""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.space import Data
from ganvas.spaces.images.cache import Entry, Pixels, folder, key_of, stored
from ganvas.spaces.images.columns import columns
from ganvas.spaces.images.decoding import plain_report, take_coded, take_plain
from ganvas.spaces.images.hub import PREFIX
from ganvas.spaces.images.pixels import Policy
from ganvas.spaces.images.places import find
from ganvas.spaces.images.rows import Wishes, data
from ganvas.spaces.images.source import Coded, Known, Plain, Source, Taken

Size = int | str | Sequence[int] | None


def images(
    path: str | Path,
    *,
    size: Size = None,
    crop: str = "centre",
    flip: bool = False,
    holdout: float | None = None,
    seed: int = 0,
    labels: object = None,
    cache: str | Path | None = None,
) -> Data:
    """Pictures from a folder, a .zip or .tar archive, .npz, .npy or IDX files, or ``hf:NAME``.

    Decoded once into a memory-mapped file in the cache folder; loading again takes a moment.

    Args:
        path: a folder (class sub-folders or metadata.csv give labels, train/ and test/ give the split) or a file.
        size: 64, "48x64" or (48, 64), height first; None takes pictures as they are, when all share one size.
        crop: how others become that size: "centre" cuts the longer side, "stretch" distorts, "pad" adds a border.
        flip: train on left-right mirrored pictures too.
        holdout: the share that is never trained on, drawn anew from all pictures. None: the data's own test split
            (else its validation split), and 0.1 when it has none.
        seed: of the hold-out.
        labels: column names, a list or "a,b"; False or "none" for none; None for all that the data offers.
        cache: the cache folder; default $GANVAS_CACHE, else ~/.cache/ganvas.

    Returns:
        Data whose raw pictures are [N, h, w, c], uint8 or uint16.

    Raises:
        InputError: one line that names the file or option and says what to do.
    """
    wishes, policy, place = Wishes(flip, holdout, seed, labels), Policy.of(size, crop), folder(cache)
    source = find(path, place)
    fingerprint = key_of("images", source.content, policy.size, policy.crop if policy.size else None)
    entry = read(source, policy, place, fingerprint)
    hub = str(path).startswith(PREFIX) and not Path(path).exists()
    origin = {"source": str(path) if hub else str(Path(path).expanduser().absolute()), "size": plain(size)}
    origin |= {"crop": crop, "flip": flip, "holdout": holdout, "seed": seed, "labels": plain(labels)}
    return data(source.name, entry, wishes, fingerprint, origin)


def digits(*, size: Size = None, holdout: float | None = None, seed: int = 0, labels: object = None) -> Data:
    """1,797 handwritten digits, 8×8 grey, from scikit-learn's files; nothing is downloaded.

    Args:
        size: enlarge them to this size.
        holdout: the share that is never trained on (default 0.1).
        seed: of the hold-out.
        labels: False for none; by default the class "0" … "9".
    """
    wishes, policy = Wishes(False, holdout, seed, labels), Policy.of(size, "centre")
    found = importlib.util.find_spec("sklearn")  # found, not imported: the file is all that is needed
    if found is None or found.origin is None:
        raise InputError("digits come with scikit-learn; install it with: pip install scikit-learn")
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if not file.is_file():
        raise InputError(f"this scikit-learn has no {file}; install another version: pip install -U scikit-learn")
    with gzip.open(file, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.float32)
    grey = np.round(table[:, :-1].reshape(-1, 8, 8, 1) * np.float32(255 / 16)).astype(np.uint8)
    pixels = np.stack([policy.apply_array(picture) for picture in grey])
    known = Known([], np.zeros(len(grey), np.int8), columns({"class": table[:, -1].astype(int).tolist()}, typed=True))
    resized = pixels.shape != grey.shape
    opened = Plain("digits", known, (8, 8, 1), lambda: iter(()))
    entry = described(pixels, opened, Taken(np.arange(len(pixels)), plain_report(opened, resized)))
    origin = {"source": "digits", "size": plain(size), "holdout": holdout, "seed": seed, "labels": plain(labels)}
    return data("digits", entry, wishes, key_of("digits", pixels.tobytes().hex()), origin)


def plain(option: object) -> Any:
    """An option as JSON has it."""
    return list(option) if isinstance(option, tuple) else option


BUILT_IN = (digits,)  # data that needs no file


def read(source: Source, policy: Policy, cache: Path, key: str) -> Entry:
    """The pictures of a source from the cache, where they are decoded to first; a suitable .npy is used in place."""
    if source.mappable:
        opened = source.open()
        if isinstance(opened, Plain) and opened.mapped is not None and policy.size in (None, opened.shape[:2]):
            rows = np.arange(len(opened.mapped))
            return described(opened.mapped, opened, Taken(rows, plain_report(opened, False)))

    def build(pixels: Pixels) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        opened = source.open()
        if isinstance(opened, Plain):  # noqa: SIM108 - one line hides it
            taken = take_plain(opened, policy, pixels)
        else:
            taken = take_coded(opened, policy, pixels)
        entry = described(np.empty(0), opened, taken)
        return entry.labels, entry.splits, entry.about

    return stored(cache, key, build)


def described(pixels: np.ndarray, opened: Coded | Plain, taken: Taken) -> Entry:
    """``pixels`` with what is known of the pictures that were taken."""
    known = opened.known
    values = known.columns.values[taken.kept] if known.columns.names else np.empty((len(taken.kept), 0))
    about = {"where": opened.where, "report": taken.report, "columns": known.columns.config()}
    return Entry(pixels, values, known.splits[taken.kept], about)
