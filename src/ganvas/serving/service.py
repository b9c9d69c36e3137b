"""What a server does, apart from HTTP: models by name, their batches, and the threads that write answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ganvas.errors import InputError, nearest
from ganvas.serving import answers, feeding
from ganvas.serving.answers import Made
from ganvas.serving.asked import Generate, Interpolate, Wish
from ganvas.serving.batching import Batcher, ClosedError, FullError, Given
from ganvas.serving.counted import Counts
from ganvas.serving.editing import Edited, Editor, picture
from ganvas.serving.refused import Gone, RefusedError
from ganvas.spaces.images.space import Images

if TYPE_CHECKING:
    from ganvas.serving.models import Served

T = TypeVar("T")
PATIENT = 0.05  # seconds before one looks whether a client is still there
SMALL = 1 << 13  # numbers: answers of fewer are written at once, others in a thread
WRITERS = 4  # such threads
HUNG_UP = 499  # what is counted when a client has gone


@dataclass(frozen=True)
class Limits:
    """What clients may take: samples of one request, samples waiting for one model, seconds for an answer."""

    n: int = 64
    queue: int = 1024
    timeout: float = 30.0


class Service:
    """Models behind one server. ``close`` finishes what was accepted."""

    def __init__(self, models: dict[str, Served], limits: Limits, counts: Counts) -> None:
        self.models, self.limits, self.counts = models, limits, counts
        self.batchers = {
            name: Batcher(one.made.raw, one.sizes, limits.queue, counts.batch(name)) for name, one in models.items()
        }
        for name, batcher in self.batchers.items():
            counts.waiting.labels(name).set_function(partial(getattr, batcher, "waiting"))
        self.writers, self.editor = ThreadPoolExecutor(WRITERS, "writing"), Editor()

    def open(self) -> None:
        """Answer in the running loop from now on."""
        loop = asyncio.get_running_loop()
        for batcher in self.batchers.values():
            batcher.hand = loop.call_soon_threadsafe

    def close(self) -> None:
        """Finish, and end the threads."""
        for batcher in self.batchers.values():
            batcher.close()
        self.editor.close()
        self.writers.shutdown()

    def named(self, name: str) -> Served:
        """A model. Raises RefusedError 404."""
        if name not in self.models:
            raise RefusedError(404, f"no model '{name[:64]}'{nearest(name[:64], self.models)}")
        return self.models[name]

    def most(self, served: Served) -> int:
        """Samples of a model in one request."""
        return min(self.limits.n, answers.most(served.made.space))

    def about(self, name: str) -> dict[str, Any]:
        """What is known of a model."""
        served = self.named(name)
        offered = list(answers.formats(served.made.space))
        return served.about | {"formats": offered, "max_n": self.most(served)}

    async def generate(self, name: str, asked: Generate, gone: Gone) -> tuple[bytes, str, list[str]]:
        """An answer, its format, and the samples' labels."""
        served = self.named(name)
        form = self.format(served, asked.format)
        given, labels = feeding.generated(served.made, asked, self.most(served))
        raw = await self.raw(name, given, gone)
        made = Made(served.made.space, raw, labels, asked.start)
        return await self.written(made, form, asked.grid), form, made.names

    async def interpolate(self, name: str, asked: Interpolate, gone: Gone) -> tuple[bytes, str]:
        """An answer and its format."""
        served = self.named(name)
        form = self.format(served, asked.format, extra=("gif",))
        space = served.made.space
        if not isinstance(space, Images):
            raise InputError("a way is shown in pictures, and this model makes none")
        raw = await self.raw(name, feeding.way(served.made, asked, self.most(served)), gone)
        columns = asked.steps + (len(asked.samples) == 2 and not asked.loop)
        return await self.written(Made(space, raw, columns=columns), form, True), form

    async def edit(self, name: str, content: bytes, wish: Wish, form: str, gone: Gone) -> tuple[bytes, Edited]:
        """An answer, and what was done."""
        served = self.named(name)
        space = served.made.space
        if served.run is None or not isinstance(space, Images):
            raise RefusedError(409, f"'{name}' cannot edit: that needs pictures and torch; serve the run itself")
        loop = asyncio.get_running_loop()
        target = await loop.run_in_executor(self.writers, picture, content, space)
        done = await self.waited(lambda: asyncio.wrap_future(self.editor.submit(served, target, wish)), gone)
        shown = done.way[-1:] if wish.pictures == 1 else np.concatenate([done.target[None], done.way])
        return await self.written(Made(space, shown, columns=len(shown)), form, None), done

    def format(self, served: Served, asked: str | None, extra: tuple[str, ...] = ()) -> str:
        """The format of an answer. Raises InputError for one that these samples do not have."""
        known = (*answers.formats(served.made.space), *extra)
        if asked is not None and asked not in known:
            raise InputError(f"{served.name} has no format {asked}; it has {', '.join(known)}")
        return asked or known[0]

    async def raw(self, name: str, given: Given, gone: Gone) -> np.ndarray:
        """The samples of these inputs, made together with those of other requests."""
        answer: asyncio.Future[np.ndarray] = asyncio.get_running_loop().create_future()

        def submit() -> asyncio.Future[np.ndarray]:
            self.batchers[name].submit(given, answer)
            return answer

        return await self.waited(submit, gone)

    async def waited(self, submit: Callable[[], asyncio.Future[T]], gone: Gone) -> T:
        """What is submitted, when it is there. Raises RefusedError when it cannot be, or comes too late."""
        try:
            future = submit()
        except FullError as full:
            raise RefusedError(429, str(full), {"Retry-After": str(full.seconds)}) from None
        except ClosedError:
            raise RefusedError(503, "the server is stopping; ask again later", {"Retry-After": "5"}) from None
        try:
            done, _ = await asyncio.wait({future}, timeout=min(PATIENT, self.limits.timeout))
            if done or await first(future, gone, self.limits.timeout - PATIENT):
                return future.result()
        finally:
            future.cancel()
        told = f"not done after {self.limits.timeout:g} s; ask for less, or later"
        raise RefusedError(504, told, {"Retry-After": "5"})

    async def written(self, made: Made, form: str, grid: bool | None) -> bytes:
        """Samples as the bytes of an answer."""
        if made.samples.size < SMALL:
            return answers.encoded(made, form, grid)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.writers, answers.encoded, made, form, grid)


async def first(future: asyncio.Future[T], gone: Gone, seconds: float) -> bool:
    """Whether something is there within so many seconds. Raises RefusedError when the client hangs up before."""
    leaving = asyncio.ensure_future(gone())
    try:
        both: set[asyncio.Future[Any]] = {future, leaving}
        await asyncio.wait(both, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
        if leaving.done() and not future.done():
            raise RefusedError(HUNG_UP, "the client has hung up")
        return future.done()
    finally:
        leaving.cancel()
