"""Uploaded pictures, inverted and changed: slow work, one at a time, in torch."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganvas import names
from ganvas.errors import InputError
from ganvas.labels import chosen
from ganvas.serving.asked import Wish
from ganvas.serving.batching import FullError
from ganvas.spaces.images.pixels import Policy, UnreadableError, decode, measure
from ganvas.spaces.images.space import Images

if TYPE_CHECKING:
    from ganvas.run import Run
    from ganvas.serving.models import Served

WAITING = 4  # edits that wait, beside the one that is made
LARGEST = 1 << 24  # pixels of an uploaded picture
STARTS = 4  # of a search
REMEMBERED = 8  # directions


@dataclass(frozen=True)
class Edited:
    """Raw pictures: ``target`` [h, w, c], and the ``way`` [n, h, w, c] from its inversion to the edit; how far the
    inversion is from the target, mean square of values in [-1, 1]."""

    target: np.ndarray
    way: np.ndarray
    error: float


class Editor:
    """Edits pictures, one after the other, in a thread of its own."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "edits")
        self.lock, self.waiting, self.seconds = threading.Lock(), 0, 5.0
        self.known: dict[tuple[str, str], Any] = {}

    def submit(self, served: Served, target: np.ndarray, wish: Wish) -> Future[Edited]:
        """The edit of a raw picture [h, w, c], to come. Cancel it when nobody wants it: it is not begun then.

        Raises InputError for a label that is not known, and FullError when too much waits.
        """
        if wish.label is not None:
            chosen(served.made.space.labels, np.zeros(1), wish.label)
        with self.lock:
            if self.waiting > WAITING:
                raise FullError(max(1, min(60, round(self.seconds * self.waiting))))
            self.waiting += 1
        future = self.pool.submit(self._edit, served, target, wish)
        future.add_done_callback(self._done)
        return future

    def close(self) -> None:
        """Finish what was submitted."""
        self.pool.shutdown()

    def _done(self, future: Future[Edited]) -> None:
        with self.lock:
            self.waiting -= 1

    def _edit(self, served: Served, target: np.ndarray, wish: Wish) -> Edited:
        assert served.run is not None
        begun = time.perf_counter()
        try:
            return edited(served.run, target, wish, self.known)
        except InputError as error:  # clients need not know where things are
            raise InputError(str(error).replace(str(served.run.path), served.name)) from None
        finally:
            self.seconds = time.perf_counter() - begun


def edited(run: Run, target: np.ndarray, wish: Wish, known: dict[tuple[str, str], Any]) -> Edited:
    """The edit of a raw picture [h, w, c]; ``known`` are directions that were found before."""
    import torch

    edit, invert = (names.module("exploring", one) for one in ("edit", "invert"))
    eye, wanted = edit.Eye(run.space), edit.targets.Targets(target[None], ["the picture"])
    found = invert.search(run, eye, wanted, STARTS, wish.search)
    kept = found.kept(wanted)
    if wish.by is not None:
        step = wish.strength * direction(run, wish.by, known)[None]
    else:
        step = edit.told_otherwise(run, eye, kept, str(wish.label))
    share = torch.linspace(0, 1, wish.pictures + 1)[1:] if wish.pictures > 1 else torch.ones(1)
    shares = torch.cat([torch.zeros(1), share]).view(-1, *[1] * (kept.codes.dim() - 1))
    way = edit.drawn(run, kept.codes + shares * edit.placed(run, step, None))
    return Edited(target, way, float(found.errors[0]))


def direction(run: Run, by: str, known: dict[tuple[str, str], Any]) -> Any:
    """The direction of an attribute, COLUMN=VALUE, as ``directions`` finds it."""
    key = (str(run.path), by)
    if key not in known:
        while len(known) >= REMEMBERED:
            known.pop(next(iter(known)))
        known[key] = names.module("exploring", "probe").probe(run, by).direction
    return known[key]


def picture(content: bytes, space: Images) -> np.ndarray:
    """A picture file as the space stores pictures [h, w, c]. Raises InputError when it cannot be read."""
    if space.mode == "N" or space.bits == 16:
        raise InputError("pictures can be edited by models of 8-bit pictures with 1 to 4 channels alone")
    try:
        height, width = measure(content)
        if height * width > LARGEST:
            raise UnreadableError(f"{width}×{height} pixels are too many; {LARGEST:,} are the most")
        found: np.ndarray = np.array(decode(content, Policy((space.height, space.width)), space.mode).array)
        return found
    except UnreadableError as error:
        raise InputError(f"the picture cannot be read: {error}") from None
