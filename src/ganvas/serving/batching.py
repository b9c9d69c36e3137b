"""Dynamic batching: samples that several requests wait for are made together, each with inputs of its own."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

import numpy as np

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


@dataclass
class Job:
    """The samples of one request: what they are made of, [n, …] each, how many are begun, and those that are made."""

    given: Given
    answer: Future[np.ndarray] = field(default_factory=Future)
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

    def settle(self, made: np.ndarray | Exception) -> None:
        """Answer, unless nobody wants it any more."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(made, Exception):
                self.answer.set_exception(made)
            else:
                self.answer.set_result(made)


Part = tuple[Job, slice]


class Batcher:
    """Makes samples with ``make`` in one thread, for all who ``submit``.

    ``seconds`` tells of each batch size that may be used how long it takes; of those waiting, a batch takes as many as
    make most samples in a second. No more than ``most`` samples wait. ``tell(samples, seconds)`` hears of each batch.
    """

    def __init__(
        self, make: Make, seconds: Mapping[int, float], most: int, tell: Callable[[int, float], None] | None = None
    ) -> None:
        self.make, self.seconds, self.most = make, dict(seconds), most
        self.tell = tell or (lambda samples, seconds: None)
        self.rate = max(size / each for size, each in self.seconds.items())  # samples in a second
        self.jobs: deque[Job] = deque()
        self.waiting = 0  # samples
        self.closed, self.several = False, False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self.thread.start()

    def submit(self, given: Given) -> Future[np.ndarray]:
        """The samples of these inputs, to come. Cancel it when nobody wants them any more: they are not made then.

        Raises FullError when too much is waiting, and ClosedError after ``close``.
        """
        job = Job(given)
        with self.changed:
            if self.closed:
                raise ClosedError
            if self.waiting + job.size > self.most:
                self._sweep()
            if self.waiting + job.size > self.most:
                raise FullError(min(60, max(1, math.ceil(self.waiting / self.rate))))
            self.jobs.append(job)
            self.waiting += job.size
            self.changed.notify()
        return job.answer

    def close(self) -> None:
        """Make what was submitted, then stop."""
        with self.changed:
            self.closed = True
            self.changed.notify()
        self.thread.join()

    def size_for(self, waiting: int) -> int:
        """The batch size that makes most of ``waiting`` samples in a second."""
        return max(self.seconds, key=lambda size: (min(waiting, size) / self.seconds[size], -size))

    def _work(self) -> None:
        while parts := self._take():
            begun = time.perf_counter()
            try:
                self._deliver(parts, self._made(parts))
            except Exception as error:  # whatever it is, it is the answer
                for job, _ in parts:
                    job.settle(error)
            self._measure(sum(rows.stop - rows.start for _, rows in parts), time.perf_counter() - begun)

    def _take(self) -> list[Part]:
        """What the next batch makes; nothing when all is done."""
        largest = max(self.seconds)
        with self.changed:
            while True:
                self.changed.wait_for(lambda: self.waiting or self.closed)
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

    def _deliver(self, parts: list[Part], made: np.ndarray) -> None:
        start = 0
        for job, rows in parts:
            size = rows.stop - rows.start
            job.parts.append(made[start : start + size])
            start += size
            if rows.stop == job.size:
                job.settle(np.concatenate(job.parts) if len(job.parts) > 1 else job.parts[0])

    def _measure(self, samples: int, seconds: float) -> None:
        self.rate = FORGET * self.rate + (1 - FORGET) * samples / max(seconds, 1e-9)
        self.tell(samples, seconds)
