"""How far training is: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ganvas.game import Game

PLAIN_SECONDS = 10.0  # between plain lines
Monitor = Callable[[int, Game, Mapping[str, Any] | None], None]


@contextlib.contextmanager
def progress(total: float, done: Callable[[], float]) -> Iterator[Monitor]:
    """A monitor that shows rate, time left, losses, D(x) and D(G(z)); ``done()`` of ``total`` is the work so far."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Plain(total, done)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(True))
    with Progress(*columns, TextColumn("{task.fields[told]}"), console=console) as bar:
        task = bar.add_task("training", total=total, completed=int(done()), told="")
        rate = Rate()

        def monitor(t: int, game: Game, line: Mapping[str, Any] | None) -> None:
            if line is not None:
                bar.update(task, completed=min(done(), total), told=f"{rate(game.seen):,.0f}/s  {figures(line)}")

        yield monitor


class Plain:
    """A line on standard error every ten seconds."""

    def __init__(self, total: float, done: Callable[[], float]) -> None:
        self.total, self.done, self.rate, self.last = total, done, Rate(), time.perf_counter()
        self.start, self.from_ = time.perf_counter(), done()

    def __call__(self, t: int, game: Game, line: Mapping[str, Any] | None) -> None:
        """Print the line when its time has come."""
        now = time.perf_counter()
        if self.rate.seen < 0:
            self.rate(game.seen)
        if line is None or now - self.last < PLAIN_SECONDS:
            return
        self.last, done = now, self.done()
        left = (now - self.start) * (self.total - done) / max(done - self.from_, 1e-9)
        told = f"{100 * done / self.total:3.0f} %  {game.seen:,} samples  {self.rate(game.seen):,.0f}/s"
        print(f"{told}  {clock(left)} left  {figures(line)}", file=sys.stderr, flush=True)


class Rate:
    """Samples in a second since the last call."""

    def __init__(self) -> None:
        self.seen, self.time = -1, time.perf_counter()

    def __call__(self, seen: int) -> float:
        """The rate, when ``seen`` samples have been shown by now."""
        now, before = time.perf_counter(), self.seen
        passed, self.time, self.seen = max(now - self.time, 1e-9), now, seen
        return (seen - before) / passed if before >= 0 else 0.0


def figures(line: Mapping[str, Any]) -> str:
    """Losses and mean outputs of a log line, in a few words."""
    shown = {k: v for k, v in line.items() if "." not in k and k not in ("t", "seen", "seconds")}
    told = [f"{name} {value:.3g}" for name, value in shown.items()]
    told += [f"{name} {line[key]:.3g}" for name, key in (("D(x)", "D.real"), ("D(G(z))", "D.fake")) if key in line]
    return "  ".join(told)


def clock(seconds: float) -> str:
    """``3:07`` or ``1:02:45``."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
