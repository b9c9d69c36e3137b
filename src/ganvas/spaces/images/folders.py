"""Folders and archives of picture files. Archives are read member by member; nothing is ever extracted to a path."""

from __future__ import annotations

import hashlib
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganvas.errors import InputError
from ganvas.spaces.images.layout import arrange, is_picture, is_table
from ganvas.spaces.images.pixels import UnreadableError
from ganvas.spaces.images.source import Coded

LARGEST_BYTES = 256 * 2**20  # of one picture file, unpacked
TOO_LARGE = f"it is larger than {LARGEST_BYTES >> 20} MiB"
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)
Listing = list[tuple[str, os.stat_result]]  # names within a folder, with sizes and times
TAR_ENDS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")


def is_archive(path: Path) -> bool:
    """Whether this file's name is that of an archive."""
    return path.name.lower().endswith((".zip", *TAR_ENDS))


def folder_listing(root: Path) -> Listing:
    """All files below ``root``, sorted by name. Linked folders are followed, but never twice."""
    found, seen = [], set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [f for f in folders if not f.startswith(".")]
        if real in seen:
            continue
        seen.add(real)
        for file in files:
            path = Path(place, file)
            if path.is_file():
                found.append((path.relative_to(root).as_posix(), path.stat()))
    return sorted(found, key=lambda item: item[0])


def folder_content(root: Path, listing: Listing) -> Iterator[bytes]:
    """What identifies the folder's pictures and tables: for each a line with name and hash of its bytes."""
    for name, stat in listing:
        if is_picture(name) or is_table(name):
            try:
                with open(root / name, "rb") as file:
                    digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            except OSError as error:
                digest = f"unreadable {error.errno}"
            yield f"{name}\0{stat.st_size}\0{digest}\n".encode("utf-8", "surrogateescape")


def open_folder(root: Path, listing: Listing) -> Coded:
    """The pictures of a folder, in the order of their names."""
    pictures = [(name, stat.st_size) for name, stat in listing if is_picture(name)]
    tables = {name: (root / name).read_bytes() for name, _ in listing if is_table(name)}
    ignored = len(listing) - len(pictures) - len(tables)
    known = arrange([name for name, _ in pictures], tables, ignored, str(root))

    def read() -> Iterator[bytes | UnreadableError]:
        for name, size in pictures:
            try:
                yield UnreadableError(TOO_LARGE) if size > LARGEST_BYTES else (root / name).read_bytes()
            except OSError as error:
                yield UnreadableError(error.strerror or str(error))

    return Coded(str(root), known, sum(size for _, size in pictures), read)


def open_archive(path: Path) -> Coded:
    """The pictures of an archive: a .zip in the order of names, a .tar in its own order."""
    return open_zip(path) if path.suffix.lower() == ".zip" else open_tar(path)


def open_zip(path: Path) -> Coded:
    """The pictures of a .zip."""
    with damaged(path), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        members.sort(key=lambda member: member.filename)
        if any(member.flag_bits & 1 for member in members):
            raise InputError(f"{path} is locked with a password; unpack it and give the folder")
        pictures = [member for member in members if is_picture(member.filename)]
        small = [m for m in members if is_table(m.filename) and m.file_size <= LARGEST_BYTES]
        tables = {member.filename: archive.read(member) for member in small}
    ignored = len(members) - len(pictures) - len(tables)
    known = arrange([member.filename for member in pictures], tables, ignored, str(path))

    def read() -> Iterator[bytes | UnreadableError]:
        with zipfile.ZipFile(path) as archive:
            for member in pictures:
                yield unpacked(archive, member)

    return Coded(str(path), known, sum(member.file_size for member in pictures), read)


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | UnreadableError:
    """The bytes of a member, never more than LARGEST_BYTES whatever its header claims."""
    if member.file_size > LARGEST_BYTES:
        return UnreadableError(TOO_LARGE)
    try:
        with archive.open(member) as file:
            data = file.read(LARGEST_BYTES + 1)
    except (*DAMAGED, NotImplementedError) as error:
        return UnreadableError(f"damaged in the archive ({error})")
    return data if len(data) <= LARGEST_BYTES else UnreadableError(TOO_LARGE)


def open_tar(path: Path) -> Coded:
    """The pictures of a .tar, compressed or not. It is read twice: for the names, then for the pictures."""
    names, total, ignored, tables = [], 0, 0, {}
    with damaged(path):
        for archive, member in tar_members(path):
            if is_picture(member.name):
                names.append(member.name)
                total += member.size
            elif is_table(member.name) and member.size <= LARGEST_BYTES:
                tables[member.name] = contents(archive, member)
            else:
                ignored += 1
    plain = {name: data for name, data in tables.items() if isinstance(data, bytes)}
    known = arrange(names, plain, ignored, str(path))

    def read() -> Iterator[bytes | UnreadableError]:
        with damaged(path):
            for archive, member in tar_members(path):
                if is_picture(member.name):
                    yield contents(archive, member)

    return Coded(str(path), known, total, read)


def tar_members(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The plain files of a .tar, one after the other, without keeping a list of them."""
    with damaged(path), tarfile.open(path, "r|*") as archive:
        while (member := archive.next()) is not None:
            if member.isreg():
                yield archive, member
            archive.members.clear()  # type: ignore[attr-defined]


def contents(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | UnreadableError:
    """The bytes of a member."""
    file = archive.extractfile(member) if member.size <= LARGEST_BYTES else None
    return UnreadableError(TOO_LARGE) if file is None else file.read()


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn what a broken archive raises into an InputError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        raise InputError(f"{path} is damaged or no such archive ({error}); download or pack it again") from error
