"""The pictures that a user brings, as a run stores its own: from files, held-out rows, or samples of the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganvas.errors import InputError
from ganvas.evaluation.origin import data_of
from ganvas.exploring.latent import needs_pictures, numbers
from ganvas.run import Run
from ganvas.spaces.images.arrays import ALONE, understand
from ganvas.spaces.images.layout import is_picture
from ganvas.spaces.images.members import npz_file
from ganvas.spaces.images.pixels import Policy, UnreadableError, decode
from ganvas.spaces.images.space import Images

MOST = 256  # pictures at once
LARGEST = 1 << 28  # bytes of a picture's file
KINDS = 'a picture, a folder of pictures, an .npz, "real:0,1,2" (held-out samples) or "seeds:0,1,2" (made ones)'


@dataclass(frozen=True)
class Targets:
    """Raw pictures [n, h, w, c] as the run's space stores them, what to call them, their stored labels [n, columns]."""

    raw: np.ndarray
    names: list[str]
    labels: np.ndarray | None = None


def read(run: Run, source: str, option: str = "--pictures") -> Targets:
    """The pictures that ``source`` names, brought to the size and channels of the run's own.

    Others are cropped to the middle and resized, as ``ganvas train`` does with --size. Raises InputError when there are
    none, too many, or one cannot be read.
    """
    needs_pictures(run, "inversion")
    kind, _, which = source.partition(":")
    if kind in ("real", "seeds"):
        return (held_out if kind == "real" else made)(run, numbers(which, f"{option} {kind}:", MOST))
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(f"{option} {source}: there is no such file or folder; give {KINDS}")
    if path.suffix.lower() == ".npz" and path.is_file():
        return stored(space_of(run), path)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file() and is_picture(file.name))
        if not 1 <= len(files) <= MOST:
            raise InputError(f"{option} {source} holds {len(files)} pictures; 1 to {MOST} can be taken at once")
        return Targets(np.concatenate([picture(space_of(run), file) for file in files]), [file.name for file in files])
    return Targets(picture(space_of(run), path), [path.name])


def space_of(run: Run) -> Images:
    """The run's space of pictures."""
    assert isinstance(run.space, Images)
    return run.space


def picture(space: Images, path: Path) -> np.ndarray:
    """One picture file [1, h, w, c] in the channels and size of a space. Raises InputError when it cannot be read."""
    mode = space.mode if space.bits == 8 else "I;16"
    if mode == "N" or (space.bits == 16 and space.channels > 1):
        raise InputError(f"{path}: no picture file holds {space.channels} channels of {space.bits} bits; give an .npz")
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} has {path.stat().st_size:,} bytes; {LARGEST:,} are the most, make it smaller")
        made = decode(path.read_bytes(), Policy((space.height, space.width)), mode).array
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnreadableError as error:
        raise InputError(f"{path} cannot be read ({error}); save it again as PNG") from None
    return np.array(made)[None]


def stored(space: Images, path: Path) -> Targets:
    """The pictures of an .npz file: the array samples or images, such as ``ganvas generate`` writes."""
    found = npz_file(path)
    name = next((name for name in ALONE if name in found), None)
    if name is None:
        raise InputError(f"{path} has the arrays {', '.join(sorted(found)) or '(none)'}; expected is samples or images")
    array = found[name]
    if array.shape and not 1 <= array.shape[0] <= MOST:
        raise InputError(f"{array.name} holds {array.shape[0]} pictures; 1 to {MOST} can be taken at once")
    reading, _ = understand(array, [array])
    policy = Policy((space.height, space.width))
    raw = np.stack([policy.apply_array(one) for block in array.blocks() for one in reading.pixels(block)])
    if raw.dtype.itemsize * 8 != space.bits or raw.shape[3] != space.channels:
        raise InputError(
            f"{array.name} has {raw.shape[3]} channels of {8 * raw.dtype.itemsize} bits, the run's pictures "
            f"{space.channels} of {space.bits}; convert them"
        )
    return Targets(raw, [f"{path.name}[{i}]" for i in range(len(raw))])


def held_out(run: Run, which: list[int]) -> Targets:
    """Samples that were never trained on, and their labels where the run was told labels of that kind."""
    data = data_of(run)
    if data is None:
        raise InputError(f"the data that {run.path} was trained on is not there, or has changed; give picture files")
    rows = data.held_out
    if max(which) >= len(rows):
        raise InputError(f"--pictures real:{max(which)}: there are {len(rows)} held-out samples, numbered from 0")
    raw, labels = rows.read(np.array(which))
    ours, theirs = run.space.labels, data.space.labels
    same = ours is not None and theirs is not None and ours.columns == theirs.columns
    return Targets(raw, [f"held-out {i}" for i in which], labels if same else None)


def made(run: Run, which: list[int]) -> Targets:
    """Samples of the run itself, and the labels they were made with."""
    raw, labels = run.samples(which)
    return Targets(raw, [f"sample {i}" for i in which], labels)
