"""How far long work is: a bar on a terminal, a plain line now and then elsewhere, nothing when it is fast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PATIENCE_SECONDS = 1.0  # before a bar appears
PLAIN_SECONDS = 10.0  # between plain lines


@contextmanager
def watching(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function to call with the number done so far of ``total``; it shows rate and time left on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Plain(what, total)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}/s"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=False) as bar:
        task = bar.add_task(what, total=total, rate="0", visible=False)
        start = time.monotonic()

        def tell(done: int) -> None:
            seconds = time.monotonic() - start
            rate = f"{done / max(seconds, 1e-9):,.0f}"
            bar.update(task, completed=done, rate=rate, visible=seconds > PATIENCE_SECONDS)

        yield tell


class Plain:
    """Tells by a line on standard error every ten seconds."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, total
        self.start = self.told = time.monotonic()

    def __call__(self, done: int) -> None:
        """Say that ``done`` are done, when it is time."""
        now = time.monotonic()
        if now - self.told < PLAIN_SECONDS:
            return
        self.told = now
        rate = done / (now - self.start)
        left = (self.total - done) / rate if rate else 0
        print(
            f"{self.what}: {done:,} of {self.total:,}, {rate:,.0f}/s, {left:,.0f} s left", file=sys.stderr, flush=True
        )
