"""Arrays on disk, read block by block: .npy files, members of .npz files, and IDX files (the format of MNIST)."""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ganvas.errors import InputError

BLOCK_BYTES = 16 * 2**20  # read at once
LARGEST_LABELS = 2**30  # bytes of an array of labels
IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError)


@dataclass(frozen=True)
class Stored:
    """An array in a file: called ``name`` in messages; ``open`` gives the bytes, its numbers start at ``offset``."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    open: Callable[[], IO[bytes]]
    by_columns: bool = False  # Fortran order

    def blocks(self) -> Iterator[np.ndarray]:
        """The array in order, as blocks of its first axis. Raises InputError when the file ends too early."""
        if self.by_columns:
            yield self.whole()
            return
        row = self.shape[1:]
        row_bytes = math.prod(row) * self.dtype.itemsize
        step = max(1, BLOCK_BYTES // max(1, row_bytes))
        with self.reading() as file:
            for start in range(0, self.shape[0], step):
                count = min(step, self.shape[0] - start)
                data = self.take(file, count * row_bytes)
                yield np.frombuffer(data, self.dtype).reshape(count, *row)
            self.take(file, 0)

    def whole(self) -> np.ndarray:
        """All of the array, for labels. Raises InputError when it is too large for memory or damaged."""
        count = math.prod(self.shape)
        if count * self.dtype.itemsize > LARGEST_LABELS:
            raise InputError(f"{self.name} is too large for this; store pictures in C order and labels as [n]")
        with self.reading() as file:
            flat = np.frombuffer(self.take(file, count * self.dtype.itemsize), self.dtype)
        return flat.reshape(self.shape, order="F" if self.by_columns else "C")

    def reading(self) -> IO[bytes]:
        """The file, at the first number."""
        file = self.open()
        self.take(file, self.offset)
        return file

    def take(self, file: IO[bytes], count: int) -> bytes:
        """``count`` bytes; 0 asks whether the file ends here as it should (a .npz member checks its sum there)."""
        try:
            data = file.read(count or 1)
        except BROKEN as error:
            raise InputError(f"{self.name} is damaged ({error}); copy or download it again") from error
        if count and len(data) < count:
            raise InputError(f"{self.name} is cut off: {self.shape} {self.dtype} needs more bytes; copy it again")
        return data if count else b""


def npy_file(path: Path) -> Stored:
    """The array in a .npy file."""
    return npy_header(str(path), lambda: open(path, "rb"))


def npz_file(path: Path) -> dict[str, Stored]:
    """The arrays in a .npz file by name. Raises InputError when it is cut off or holds Python objects."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist() if member.filename.endswith(".npy")]
    except BROKEN as error:
        raise InputError(f"{path} is cut off or no .npz file ({error}); copy or download it again") from error
    return {n.removesuffix(".npy"): npy_header(f"{path}: {n.removesuffix('.npy')}", opener(path, n)) for n in names}


def opener(path: Path, member: str) -> Callable[[], IO[bytes]]:
    """Opens a member of a .npz file."""

    def opened() -> IO[bytes]:
        with zipfile.ZipFile(path) as archive:  # the member keeps the file open
            return archive.open(member)

    return opened


def npy_header(name: str, opened: Callable[[], IO[bytes]]) -> Stored:
    """The array that a .npy header describes. Arrays of Python objects are refused: they are pickles."""
    try:
        with opened() as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, by_columns, dtype = read(file)
            offset = file.tell()
    except (*BROKEN, ValueError) as error:
        raise InputError(f"{name} is no array or is cut off ({one_line(error)}); copy or save it again") from error
    if dtype.hasobject:
        raise InputError(f"{name} holds Python objects (a pickle), which ganvas never opens; save it as plain numbers")
    return Stored(name, shape, dtype, offset, opened, by_columns)


def idx_file(path: Path) -> Stored:
    """The array in an IDX file, gzipped or not. The header is checked against the size of the file."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open

    def binary() -> IO[bytes]:
        return opened(path, "rb")  # type: ignore[return-value]

    try:
        with binary() as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES or not magic[3]:
                raise InputError(f"{path} is no IDX file: it starts with {magic.hex()}")
            header = file.read(4 * magic[3])
            shape = struct.unpack(f">{len(header) // 4}I", header[: len(header) // 4 * 4])
            left = sum(len(chunk) for chunk in iter(lambda: file.read(2**20), b""))
    except BROKEN as error:
        raise InputError(f"{path} is damaged ({error}); download it again") from error
    dtype = np.dtype(IDX_TYPES[magic[2]])
    if len(shape) != magic[3] or left != math.prod(shape) * dtype.itemsize:
        raise InputError(f"{path} is damaged: its header says {shape} {dtype}, but {left:,} bytes follow")
    return Stored(str(path), shape, dtype, 4 + len(header), binary)


def one_line(error: Exception) -> str:
    """The message without its line breaks."""
    return " ".join(str(error).split())
