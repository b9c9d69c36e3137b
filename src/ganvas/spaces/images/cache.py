"""Decoded pictures on disk: memory-mapped, keyed by content and settings, whole or not there at all.

<cache>/<key>/pixels.npy labels.npy splits.npy about.json     one data set; the folder appears by one rename
<cache>/<key>.<host>.<process>.<random>.part/                 being written; removed once its process is dead
<cache>/index/<path's hash>.json                              sizes and times of files -> the hash of their content
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from ganvas.errors import InputError

VARIABLE = "GANVAS_CACHE"  # the environment variable that names the folder
FORMAT = 1  # of an entry; part of its key
ABANDONED_SECONDS = 86_400  # after which a part of another machine is removed
FRESH_NS = 2_000_000_000  # files changed this recently may change again without a new time


@dataclass(frozen=True)
class Entry:
    """A data set from the cache: ``pixels`` [N, h, w, c] mapped, ``labels`` [N, k], ``splits`` [N], the rest."""

    pixels: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    about: dict[str, Any]


class Pixels:
    """Writes blocks [b, h, w, c] to one .npy file of unknown length; the header is completed at the end."""

    def __init__(self, path: Path) -> None:
        self.cache = path.parent.parent
        self.file = open(path, "wb")  # noqa: SIM115 - closed by close()
        self.shape: tuple[int, ...] | None = None
        self.kind = np.dtype(np.uint8)
        self.count = 0

    def write(self, block: np.ndarray) -> None:
        """Append a block; all have the shape and kind of the first."""
        if self.shape is None:
            self.shape, self.kind = block.shape[1:], block.dtype
            self._header()
        if block.shape[1:] != self.shape or block.dtype != self.kind:
            raise ValueError(f"a block of {block.shape[1:]} {block.dtype} among {self.shape} {self.kind}")
        with writable(self.cache):
            self.file.write(np.ascontiguousarray(block).data)
        self.count += len(block)

    def restart(self) -> None:
        """Forget all that was written."""
        self.file.seek(0)
        self.file.truncate()
        self.shape, self.count = None, 0

    def close(self) -> None:
        """Complete the file and flush it to the disk."""
        self.file.seek(0)
        self._header()
        _sync(self.file.fileno(), self.file.flush)
        self.file.close()

    def _header(self) -> None:
        """NumPy leaves room in the header for the first axis to grow, so its length stays the same."""
        shape = (self.count, *(self.shape or (0, 0, 0)))
        described = {"descr": npy.dtype_to_descr(self.kind), "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(self.file, described)


def folder(cache: str | Path | None = None) -> Path:
    """The cache folder: the argument, else $GANVAS_CACHE, else ~/.cache/ganvas."""
    return Path(cache or os.environ.get(VARIABLE) or Path.home() / ".cache" / "ganvas").expanduser()


def key_of(*parts: object) -> str:
    """A hash of plain values, 32 hexadecimal digits."""
    return hashlib.blake2b(json.dumps([FORMAT, *parts]).encode(), digest_size=16).hexdigest()


def stored(cache: Path, key: str, build: Callable[[Pixels], tuple[np.ndarray, np.ndarray, dict[str, Any]]]) -> Entry:
    """The entry ``key``. When it is missing or damaged ``build`` writes its pixels and returns labels, splits, about.

    Raises InputError when the folder cannot be written. Two processes may build the same entry at once.
    """
    if (found := load(cache / key)) is not None:
        return found
    with writable(cache):
        cache.mkdir(parents=True, exist_ok=True)
        clear_abandoned(cache)
        part = cache / f"{key}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.part"
        part.mkdir()
    try:
        with writable(cache):
            pixels = Pixels(part / "pixels.npy")
        with contextlib.closing(pixels.file):
            labels, splits, about = build(pixels)
            with writable(cache):
                pixels.close()
        with writable(cache):
            complete(part, labels, splits, about)
            publish(part, cache / key)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if (found := load(cache / key)) is None:
        raise InputError(f"{cache / key} vanished or is damaged; is another program clearing {cache}?")
    return found


def load(place: Path) -> Entry | None:
    """A complete entry, or None when it is missing or damaged."""
    try:
        about = json.loads((place / "about.json").read_text("utf-8"))
        pixels = np.load(place / "pixels.npy", mmap_mode="r", allow_pickle=False)
        labels, splits = (np.load(place / f"{n}.npy", allow_pickle=False) for n in ("labels", "splits"))
    except (OSError, ValueError, EOFError):
        return None
    return Entry(pixels, labels, splits, about) if len(pixels) == len(labels) == len(splits) else None


def complete(part: Path, labels: np.ndarray, splits: np.ndarray, about: dict[str, Any]) -> None:
    """Write what stands beside the pixels."""
    for name, array in (("labels", labels), ("splits", splits)):
        with open(part / f"{name}.npy", "wb") as file:
            np.save(file, array, allow_pickle=False)
            _sync(file.fileno(), file.flush)
    with open(part / "about.json", "w", encoding="utf-8") as text:
        json.dump(about, text, indent=1)
        _sync(text.fileno(), text.flush)


def publish(part: Path, place: Path) -> None:
    """Rename a complete part to its place. An entry that another process put there meanwhile stays, if it is whole."""
    for _ in range(2):
        try:
            part.rename(place)
            return
        except OSError:
            if load(place) is not None:
                return
            if not place.exists():
                raise
            shutil.rmtree(place, ignore_errors=True)


def clear_abandoned(cache: Path) -> None:
    """Remove the parts of processes that were killed."""
    for part in cache.glob("*.part"):
        name = re.fullmatch(r"[0-9a-f]+\.(.*)\.(\d+)\.[0-9a-f]+\.part", part.name)
        if name is None:
            continue
        with contextlib.suppress(OSError):
            old = time.time() - max(f.stat().st_mtime for f in (part, *part.iterdir())) > ABANDONED_SECONDS
            if old or (name[1] == _host() and not _alive(int(name[2]))):
                shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def writable(cache: Path) -> Iterator[None]:
    """Turn an OSError into an InputError that names the folder and the way out."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the cache folder {cache} cannot be written ({error.strerror or error}); make room, "
            f"or name another folder with {VARIABLE}=FOLDER"
        ) from error


def content_of(cache: Path, path: Path, files: Iterable[tuple[str, os.stat_result]], read: Callable[[], str]) -> str:
    """The content hash of ``path``: from the index when sizes and times of its files are as before, else ``read()``.

    Files that changed within the last two seconds are not trusted to the index.
    """
    stats = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files]
    newest = max((ns for *_, ns in stats), default=0)
    state = hashlib.blake2b(repr(stats).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    place = cache / "index" / f"{key_of(os.fsencode(path.resolve()).hex())}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(place.read_text("utf-8"))
        if known["state"] == state:
            return str(known["content"])
    now, content = time.time_ns(), read()
    if now - newest > FRESH_NS:
        with contextlib.suppress(OSError):  # the index only saves time
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f"{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
            draft.write_text(json.dumps({"path": str(path.resolve()), "state": state, "content": content}), "utf-8")
            draft.replace(place)
    return content


def _sync(number: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(number)


def _host() -> str:
    return re.sub(r"[^\w-]", "-", socket.gethostname())


def _alive(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
