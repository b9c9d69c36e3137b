"""From what a user names, a path or ``hf:NAME``, to a source of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ganvas.errors import InputError
from ganvas.spaces.images import arrays, folders, hub
from ganvas.spaces.images.cache import content_of
from ganvas.spaces.images.layout import PICTURES
from ganvas.spaces.images.source import Coded, Plain, Source
from ganvas.watching import watching

HASHED_BYTES = 4 * 2**20  # at once
KINDS = "a folder of pictures, .zip, .tar(.gz/.xz/.bz2), .npz, .npy, an IDX file, or hf:NAME"


def find(place: str | Path, cache: Path) -> Source:
    """The source at a path, or on the hub. An existing path wins. Raises InputError when there is none."""
    path = Path(place).expanduser()
    if not path.exists() and str(place).startswith(hub.PREFIX):
        return hub.from_hub(str(place))
    if not path.exists():
        raise InputError(f"there is no file or folder {path}; give {KINDS}")
    if path.is_dir():
        return in_folder(path, cache)
    return in_file(path, cache)


def in_folder(path: Path, cache: Path) -> Source:
    """A folder: a saved data set, IDX files, or pictures."""
    if hub.is_saved(path):
        return hub.from_disk(path)
    name = path.resolve().name or "pictures"
    if pairs := arrays.idx_pairs(path):
        files = [file for pictures, labels, _ in pairs for file in (pictures, labels) if file]
        stats = [(file.name, file.stat()) for file in files]
        content = content_of(cache, path, stats, lambda: digest([file_digest(file) for file in files]))
        return Source(name, content, lambda: arrays.open_idx(path))
    listing = folders.folder_listing(path)
    content = content_of(cache, path, listing, lambda: digest(folders.folder_content(path, listing)))
    return Source(name, content, lambda: folders.open_folder(path, listing))


def in_file(path: Path, cache: Path) -> Source:
    """A file: an archive, arrays, or IDX."""
    ending = path.suffix.lower()
    openers: list[tuple[bool, Callable[[Path], Coded | Plain]]] = [
        (folders.is_archive(path), folders.open_archive),
        (ending == ".npz", arrays.open_npz),
        (ending == ".npy", arrays.open_npy),
        (arrays.is_idx(path), arrays.open_idx),
    ]
    opener = next((opener for fits, opener in openers if fits), None)
    if opener is None and ending[1:] in PICTURES:
        raise InputError(f"{path} is one picture; give the folder it lies in, with at least two")
    if opener is None:
        raise InputError(f"{path}: files that end in '{ending}' are not understood; give {KINDS}")
    files = [path] + [labels for _, labels, _ in arrays.idx_pairs(path) if labels] if arrays.is_idx(path) else [path]
    stats = [(file.name, file.stat()) for file in files]
    content = content_of(cache, path, stats, lambda: digest([file_digest(file) for file in files]))
    return Source(path.name.split(".")[0] or path.name, content, lambda: opener(path), ending == ".npy")


def file_digest(path: Path) -> bytes:
    """The hash of a file's bytes. Raises InputError when it cannot be read."""
    try:
        whole = hashlib.blake2b(digest_size=16)
        with open(path, "rb") as file, watching(f"checking {path.name}", path.stat().st_size, "B") as tell:
            while data := file.read(HASHED_BYTES):
                whole.update(data)
                tell(file.tell())
        return whole.digest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def digest(parts: Iterable[bytes]) -> str:
    """One hash of many bytes, in order."""
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(part)
    return whole.hexdigest()
