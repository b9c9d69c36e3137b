"""From a source to rows of pixels: decoded in order, unreadable files skipped and counted, modes made one."""

from __future__ import annotations

import os
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ganvas.errors import InputError
from ganvas.spaces.images.cache import Pixels
from ganvas.spaces.images.pixels import MODES, Decoded, Policy, UnreadableError, decode, measure
from ganvas.spaces.images.source import Coded, Plain, Taken
from ganvas.watching import watching

CHUNK, CHUNK_BYTES = 32, 8 * 2**20  # pictures, or bytes of files, decoded by one thread at a time
THREADED_BYTES = 32 * 2**10  # files smaller than this on average decode faster in one thread
NAMED = 3  # files that an error names
Raw = tuple[int, bytes | UnreadableError]
Result = tuple[int, Decoded | UnreadableError]


def most_skipped(count: int) -> int:
    """How many of ``count`` files may be unreadable: 1 %, or up to 10 as long as that is no more than half."""
    return max(count // 100, min(10, count // 2))


@dataclass
class Tally:
    """What one pass over the files met."""

    kept: list[int] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    skipped: list[tuple[int, str]] = field(default_factory=list)

    def add(self, results: Sequence[Result]) -> list[Decoded]:
        """Count some files; returns the readable ones."""
        for i, result in results:
            if isinstance(result, UnreadableError):
                self.skipped.append((i, str(result)))
            else:
                self.kept.append(i)
                self.modes[result.mode] += 1
                self.sizes[result.size] += 1
        return [result for _, result in results if isinstance(result, Decoded)]


def take_coded(source: Coded, policy: Policy, pixels: Pixels) -> Taken:
    """Decode every file. A second pass is made only when the first file's mode is not that of most files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata; what matters is in the report
        mode, tally = one_pass(source, policy, None, pixels)
        most = max(tally.modes, key=lambda m: (tally.modes[m], MODES[m], m))
        if mode != most:
            pixels.restart()
            mode, tally = one_pass(source, policy, most, pixels)
    return Taken(np.array(tally.kept, np.int64), report(source, policy, mode, tally))


def one_pass(source: Coded, policy: Policy, mode: str | None, pixels: Pixels) -> tuple[str, Tally]:
    """Decode all files into ``pixels`` in ``mode`` (default: that of the first readable file)."""
    known, tally = source.known, Tally()
    total = len(known.names)
    raws: Iterator[Raw] = enumerate(source.read())
    usable = ((i, UnreadableError(known.problems[i]) if i in known.problems else raw) for i, raw in raws)
    with watching("decoding pictures", total) as tell:
        threaded = source.total_bytes > THREADED_BYTES * total
        for results in decoded(usable, policy, mode, threaded):
            good = tally.add(results)
            check_skipped(source, tally)
            if len(tally.sizes) > 1 and policy.size is None:
                raise InputError(sizes_message(source))
            if good:
                mode = mode or good[0].mode
                pixels.write(np.stack([one.array for one in good]))
            tell(len(tally.kept) + len(tally.skipped))
    if mode is None or len(tally.kept) < 2:
        raise InputError(f"{source.where}: fewer than two pictures can be read; {skipped_text(source, tally)}")
    return mode, tally


def decoded(raws: Iterator[Raw], policy: Policy, mode: str | None, threaded: bool) -> Iterator[list[Result]]:
    """Chunks of decoded pictures in order, decoded by several threads when that is faster.

    Without a mode the first readable picture sets it for all.
    """
    for raw in raws if mode is None else ():
        first = decode_chunk([raw], policy, None)
        yield first
        if isinstance(first[0][1], Decoded):
            mode = first[0][1].mode
            break
    workers = min(8, os.cpu_count() or 1)
    if not threaded or workers == 1:
        yield from (decode_chunk(chunk, policy, mode) for chunk in chunks(raws))
        return
    waiting: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for chunk in chunks(raws):
            waiting.append(pool.submit(decode_chunk, chunk, policy, mode))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def chunks(raws: Iterator[Raw]) -> Iterator[list[Raw]]:
    """Group files for one thread."""
    chunk: list[Raw] = []
    weight = 0
    for raw in raws:
        chunk.append(raw)
        weight += len(raw[1]) if isinstance(raw[1], bytes) else 0
        if len(chunk) == CHUNK or weight > CHUNK_BYTES:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def decode_chunk(chunk: Sequence[Raw], policy: Policy, mode: str | None) -> list[Result]:
    """Decode some files; what cannot be read stays as its reason."""
    results: list[Result] = []
    for i, raw in chunk:
        try:
            results.append((i, raw if isinstance(raw, UnreadableError) else decode(raw, policy, mode)))
        except UnreadableError as error:
            results.append((i, error))
    return results


def check_skipped(source: Coded, tally: Tally) -> None:
    """Raise InputError when too many files are unreadable."""
    allowed = most_skipped(len(source.known.names))
    if len(tally.skipped) > allowed:
        raise InputError(
            f"{source.where}: more than {allowed} of {len(source.known.names):,} files cannot be used; "
            f"repair or remove {skipped_text(source, tally)}"
        )


def skipped_text(source: Coded, tally: Tally) -> str:
    """The first few skipped files and why."""
    return ", ".join(f"{printable(source.known.names[i])} ({why})" for i, why in tally.skipped[:NAMED])


def sizes_message(source: Coded) -> str:
    """The error that names the sizes found, by the headers of all files."""
    sizes: Counter[str] = Counter()
    for raw in source.read():
        try:
            sizes["{}x{}".format(*measure(raw)) if isinstance(raw, bytes) else ""] += 1
        except UnreadableError:
            continue
    del sizes[""]
    common = ", ".join(f"{size} ({count:,}×)" for size, count in sizes.most_common(NAMED))
    more = f" and {len(sizes) - NAMED:,} more sizes" if len(sizes) > NAMED else ""
    return f"{source.where}: the pictures differ in size, {common}{more}; choose one, such as size=64 (--size 64)"


def report(source: Coded, policy: Policy, mode: str, tally: Tally) -> dict[str, object]:
    """What loading met, as plain JSON."""
    common = tally.sizes.most_common(10)
    names = source.known.names
    return {
        "read": len(tally.kept),
        "skipped": [{"file": printable(names[i]), "reason": why} for i, why in tally.skipped],
        "modes": dict(tally.modes.most_common()),
        "mode": mode,
        "converted": len(tally.kept) - tally.modes[mode],
        "sizes": {f"{h}x{w}": count for (h, w), count in common},
        "resized": sum(count for size, count in tally.sizes.items() if policy.size not in (None, size)),
        "ignored": source.known.ignored,
        "notes": source.known.notes,
    }


def printable(name: str) -> str:
    """A file name without bytes that are no text."""
    return name.encode("utf-8", "backslashreplace").decode()


def take_plain(source: Plain, policy: Policy, pixels: Pixels) -> Taken:
    """Copy arrays, resized under the policy."""
    total = len(source.known.splits)
    done = 0
    same = policy.size in (None, source.shape[:2])
    with watching("copying pictures", total) as tell:
        for block in source.blocks():
            pixels.write(block if same else np.stack([policy.apply_array(picture) for picture in block]))
            done += len(block)
            tell(done)
    return Taken(np.arange(total), plain_report(source, not same))


def plain_report(source: Plain, resized: bool) -> dict[str, object]:
    """What loading arrays met, as plain JSON."""
    count, (h, w, c) = len(source.known.splits), source.shape
    mode = {channels: mode for mode, channels in reversed(MODES.items())}.get(c, "N")
    return {
        "read": count,
        "skipped": [],
        "modes": {mode: count},
        "mode": mode,
        "converted": 0,
        "sizes": {f"{h}x{w}": count},
        "resized": count if resized else 0,
        "ignored": 0,
        "notes": source.known.notes,
    }
