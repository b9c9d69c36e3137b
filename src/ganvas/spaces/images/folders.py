"""Folders and archives of picture files. Archives are read member by member; nothing is ever extracted to a path."""

from __future__ import annotations

import hashlib
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG

from ganvas.errors import InputError
from ganvas.spaces.images.layout import arrange, is_picture, is_table
from ganvas.spaces.images.pixels import UnreadableError
from ganvas.spaces.images.source import Coded
from ganvas.watching import watching

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
    found: Listing = []
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [f for f in folders if not f.startswith(".")]
        if real in seen:
            continue
        seen.add(real)
        inner = Path(place).relative_to(root).as_posix()
        stats = ((file, status(f"{place}{os.sep}{file}")) for file in files)
        found += [(file if inner == "." else f"{inner}/{file}", stat) for file, stat in stats if stat]
    return sorted(found, key=lambda item: item[0])


def status(path: str) -> os.stat_result | None:
    """Size and times of a plain file; None for anything else, such as a link to nowhere."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path for each of 100,000 files takes most of the time
    except OSError:
        return None
    return found if S_ISREG(found.st_mode) else None


def folder_content(root: Path, listing: Listing) -> Iterator[bytes]:
    """What identifies the folder's pictures and tables: for each a line with name and hash of its bytes."""
    with watching("checking files", len(listing)) as tell:
        for done, (name, stat) in enumerate(listing):
            if is_picture(name) or is_table(name):
                yield f"{name}\0{stat.st_size}\0{file_hash(root / name)}\n".encode("utf-8", "surrogateescape")
            tell(done)


def file_hash(path: Path) -> str:
    """The hash of a file's bytes, or that it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        return f"unreadable {error.errno}"


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
    names, total, others, tables = [], 0, 0, {}
    with damaged(path), watching("listing the archive", path.stat().st_size, "B") as tell:
        for archive, member in tar_members(path, tell):
            if is_picture(member.name):
                names.append(member.name)
                total += member.size
                continue
            others += 1
            if is_table(member.name):
                tables[member.name] = contents(archive, member)
    plain = {name: data for name, data in tables.items() if isinstance(data, bytes)}
    known = arrange(names, plain, others - len(plain), str(path))

    def read() -> Iterator[bytes | UnreadableError]:
        with damaged(path):
            for archive, member in tar_members(path):
                if is_picture(member.name):
                    yield contents(archive, member)

    return Coded(str(path), known, total, read)


class Header(tarfile.TarInfo):
    """A member's header. A damaged or missing one is an error, where Python takes it for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Header:
        """The header in a block of 512 bytes."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf) or not buf:  # only a block of zeros is the end
                raise tarfile.ReadError(f"cut off or overwritten: {error}") from error
            raise


def tar_members(
    path: Path, tell: Callable[[int], None] = lambda done: None
) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The plain files of a .tar, one after the other, without keeping a list; ``tell`` hears the bytes read."""
    with damaged(path), open(path, "rb") as file, tarfile.open(fileobj=file, mode="r|*", tarinfo=Header) as archive:
        while (member := archive.next()) is not None:
            if member.isreg():
                yield archive, member
            tell(file.tell())
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
