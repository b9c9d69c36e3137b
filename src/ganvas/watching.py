"""How far long work is: a bar on a terminal, a plain line now and then elsewhere, nothing when it is fast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

PATIENCE_SECONDS = 1.0  # before a bar appears
REDRAW_SECONDS = 0.1  # between updates of a bar
PLAIN_SECONDS = 10.0  # between plain lines


@contextmanager
def watching(what: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
    """A function to call with how much of ``total`` is done; it shows rate and time left on standard error.

    The unit "B" is bytes, shown as MB.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Sparing(Lines(what, total, unit), PLAIN_SECONDS, PLAIN_SECONDS)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total, told="", visible=False)

        def draw(done: int, seconds: float) -> None:
            bar.update(task, completed=done, told=amounts(done, total, seconds, unit), visible=True)

        yield Sparing(draw, PATIENCE_SECONDS, REDRAW_SECONDS)


class Sparing:
    """Hands what is done, and the seconds since the start, on to ``show``: first after ``wait`` seconds, then at most
    every ``every`` seconds."""

    def __init__(self, show: Callable[[int, float], None], wait: float, every: float) -> None:
        self.show, self.every = show, every
        self.start = time.monotonic()
        self.next = self.start + wait

    def __call__(self, done: int) -> None:
        """So much is done."""
        now = time.monotonic()
        if now >= self.next:
            self.next = now + self.every
            self.show(done, now - self.start)


class Lines:
    """A line on standard error each time."""

    def __init__(self, what: str, total: int, unit: str) -> None:
        self.what, self.total, self.unit = what, total, unit

    def __call__(self, done: int, seconds: float) -> None:
        """Say that so much is done after so many seconds."""
        left = (self.total - done) * seconds / max(done, 1)
        told = amounts(done, self.total, seconds, self.unit)
        print(f"{self.what}: {told}, {left:,.0f} s left", file=sys.stderr, flush=True)


def amounts(done: int, total: int, seconds: float, unit: str) -> str:
    """``400 of 1,000, 50/s``, or in MB when the unit is bytes."""
    scale, mark = (1e6, " MB") if unit == "B" else (1, "")
    return f"{done / scale:,.0f} of {total / scale:,.0f}{mark}, {done / scale / max(seconds, 1e-9):,.0f}{mark}/s"
