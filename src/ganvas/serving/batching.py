"""Dynamic batching: samples that several requests wait for are made together, each with inputs of its own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import InvalidStateError
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

FIXED = 2.0  # samples that take as long as a batch of none
LINGER = 0.002  # seconds that a batch waits for more, when the last one served several requests
FORGET = 0.9  # of the running mean of the rate, with each batch

Given = dict[str, np.ndarray]
Make = Callable[[Given, int], np.ndarray]
"""(what the samples are made of, a batch size) -> raw samples [n, …]; see ``Exported.raw``."""


class FullError(Exception):
    """Too much is waiting; ``seconds`` from now there should be room."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too much is waiting; try again in {seconds} s")
        self.seconds = seconds


class ClosedError(Exception):
    """Nothing new is taken."""


class Answer(Protocol):
    """What a request waits for: a Future of asyncio or of threads."""

    def done(self) -> bool:
        """Whether it is there, or nobody wants it any more."""

    def set_result(self, result: np.ndarray, /) -> None:
        """It is there."""

    def set_exception(self, exception: Exception, /) -> None:
        """It failed."""


@dataclass
class Job:
    """The samples of one request: what they are made of, [n, …] each, how many are begun, and those that are made."""

    given: Given
    answer: Answer
    begun: int = 0
    parts: list[np.ndarray] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many samples."""
        return len(next(iter(self.given.values())))

    @property
    def left(self) -> int:
        """How many are still to be begun."""
        return self.size - self.begun


Part = tuple[Job, slice]
Ready = tuple[Answer, np.ndarray | Exception]


class Batcher:
    """Makes samples with ``make`` in one thread, for all who ``submit``.

    ``sizes`` are the batch sizes that may be used; no more than ``most`` samples wait. ``tell(samples,
    seconds)`` hears of each batch. ``hand`` calls what it is given in the thread to which the answers belong.
    """

    def __init__(
        self, make: Make, sizes: Sequence[int], most: int, tell: Callable[[int, float], None] | None = None
    ) -> None:
        self.make, self.sizes, self.most = make, sorted(sizes), most
        self.tell = tell or (lambda samples, seconds: None)
        self.hand: Callable[[Callable[[], None]], object] = lambda act: act()
        self.rate = 0.0  # samples in a second
        self.jobs: deque[Job] = deque()
        self.waiting, self.enough = 0, 1  # samples; and how many wake the thread
        self.closed, self.several = False, False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self.thread.start()

    def submit(self, given: Given, answer: Answer) -> None:
        """Set ``answer`` to the samples of these inputs, later. Cancel it when nobody wants them: they are not made.

        Raises FullError when too much is waiting, and ClosedError after ``close``.
        """
        job = Job(given, answer)
        with self.changed:
            if self.closed:
                raise ClosedError
            if self.waiting + job.size > self.most:
                self._sweep()
            if self.waiting + job.size > self.most:
                raise FullError(math.ceil(min(60.0, self.waiting / self.rate)) if self.rate else 1)
            self.jobs.append(job)
            self.waiting += job.size
            if self.waiting >= self.enough:
                self.changed.notify()

    def close(self) -> None:
        """Make what was submitted, then stop."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.thread.join()

    def size_for(self, waiting: int) -> int:
        """The batch size that makes most of ``waiting`` samples in a given time: a small one that is full, or a large
        one that is partly empty. What a batch costs beside its samples is taken to be FIXED of them."""
        return max(self.sizes, key=lambda size: (min(waiting, size) / (FIXED + size), -size))

    def _work(self) -> None:
        while parts := self._take():
            begun = time.perf_counter()
            try:
                ready: list[Ready] = self._ready(parts, self._made(parts))
            except Exception as error:  # whatever it is, it is the answer
                ready = [(job.answer, error) for job, _ in parts]
            self.hand(partial(settle, ready))
            self._measure(sum(rows.stop - rows.start for _, rows in parts), time.perf_counter() - begun)

    def _take(self) -> list[Part]:
        """What the next batch makes; nothing when all is done."""
        largest = self.sizes[-1]
        with self.changed:
            while True:
                self.enough = 1
                self.changed.wait_for(lambda: self.waiting or self.closed)
                self.enough = largest
                if self.several and not self.closed:
                    self.changed.wait_for(lambda: self.waiting >= largest, LINGER)
                parts = self._parts(self.size_for(min(self.waiting, largest)))
                if parts or (self.closed and not self.jobs):
                    self.several = len(parts) > 1
                    return parts

    def _parts(self, room: int) -> list[Part]:
        """The first ``room`` samples that somebody still waits for."""
        parts = []
        while room and self.jobs:
            job = self.jobs[0]
            taken = 0 if job.answer.done() else min(room, job.left)
            if taken:
                parts.append((job, slice(job.begun, job.begun + taken)))
                job.begun, room, self.waiting = job.begun + taken, room - taken, self.waiting - taken
            if job.left == 0 or not taken:
                self.jobs.popleft()
                self.waiting -= job.left
        return parts

    def _sweep(self) -> None:
        """Drop what nobody waits for any more."""
        self.jobs = deque(job for job in self.jobs if not job.answer.done())
        self.waiting = sum(job.left for job in self.jobs)

    def _made(self, parts: list[Part]) -> np.ndarray:
        names = parts[0][0].given
        given = {name: np.concatenate([job.given[name][rows] for job, rows in parts]) for name in names}
        return self.make(given, self.size_for(len(next(iter(given.values())))))

    def _ready(self, parts: list[Part], made: np.ndarray) -> list[Ready]:
        """The answers that are complete with what was made."""
        start, ready = 0, list[Ready]()
        for job, rows in parts:
            end = start + rows.stop - rows.start
            job.parts.append(made[start:end])
            start = end
            if rows.stop == job.size:
                ready.append((job.answer, np.concatenate(job.parts)))
        return ready

    def _measure(self, samples: int, seconds: float) -> None:
        rate = samples / max(seconds, 1e-9)
        self.rate = FORGET * self.rate + (1 - FORGET) * rate if self.rate else rate
        self.tell(samples, seconds)


def settle(ready: list[Ready]) -> None:
    """Give answers to those who still want them."""
    for answer, made in ready:
        with contextlib.suppress(InvalidStateError, asyncio.InvalidStateError):
            if isinstance(made, Exception):
                answer.set_exception(made)
            else:
                answer.set_result(made)
