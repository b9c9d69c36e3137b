"""Whatever is asked for together is made together, and everybody gets their own."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from ganvas.serving.batching import Batcher, ClosedError, FullError, Given

WAIT = 30  # seconds until a test fails


class Maker:
    """Doubles z, when it is let; remembers the batches."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.batches: list[np.ndarray] = []
        self.sizes: list[int] = []

    def __call__(self, given: Given, size: int) -> np.ndarray:
        self.begun.set()
        assert self.go.wait(WAIT)
        self.batches.append(given["z"][:, 0].copy())
        self.sizes.append(size)
        if (given["z"] == -13).any():
            raise RuntimeError("thirteen")
        return given["z"] * 2


def asked(batcher: Batcher, *values: float) -> Future[np.ndarray]:
    answer: Future[np.ndarray] = Future()
    batcher.submit({"z": np.array(values, np.float32)[:, None]}, answer)
    return answer


def values(answer: Future[np.ndarray]) -> list[float]:
    found: list[float] = answer.result(WAIT)[:, 0].tolist()
    return found


@pytest.fixture
def maker() -> Maker:
    return Maker()


def busy(maker: Maker, **how: Any) -> tuple[Batcher, Future[np.ndarray]]:
    """A batcher whose first batch, a sample of 0, waits for ``maker.go``."""
    batcher = Batcher(maker, **{"sizes": (1, 4, 8), "most": 100} | how)
    first = asked(batcher, 0)
    assert maker.begun.wait(WAIT)
    return batcher, first


def test_those_who_wait_are_served_together_in_order_each_with_their_own(maker: Maker) -> None:
    batcher, first = busy(maker)
    answers = [asked(batcher, i) for i in range(1, 6)] + [asked(batcher, *range(6, 20))]
    maker.go.set()
    assert values(first) == [0]
    assert [values(a) for a in answers[:5]] == [[2], [4], [6], [8], [10]]
    assert values(answers[5]) == [2.0 * i for i in range(6, 20)]
    assert [len(batch) for batch in maker.batches] == [1, 8, 8, 4 - 1]
    assert maker.sizes == [1, 8, 8, 4]
    assert np.concatenate(maker.batches).tolist() == list(range(20))
    batcher.close()


def test_a_batch_size_is_full_or_nearly_so() -> None:
    batcher = Batcher(lambda given, size: given["z"], (1, 2, 4, 8, 16, 32), 10)
    waiting = (1, 2, 3, 4, 5, 7, 17, 24, 31, 32, 1000)
    assert [batcher.size_for(n) for n in waiting] == [1, 2, 2, 4, 4, 8, 16, 16, 32, 32, 32]
    batcher.close()
    alone = Batcher(lambda given, size: given["z"], (1, 16), 10)
    assert [alone.size_for(n) for n in (1, 3, 10, 16)] == [1, 1, 16, 16]
    alone.close()


def test_too_much_is_refused_and_what_nobody_wants_is_not_made(maker: Maker) -> None:
    batcher, first = busy(maker, most=6)
    wanted, dropped = asked(batcher, 1, 2), asked(batcher, 3, 4, 5)
    with pytest.raises(FullError, match="try again in 1 s") as full:
        asked(batcher, 6, 7)
    assert full.value.seconds == 1
    dropped.cancel()
    last = asked(batcher, 6, 7)
    maker.go.set()
    assert [values(a) for a in (first, wanted, last)] == [[0], [2, 4], [12, 14]]
    batcher.close()
    assert np.concatenate(maker.batches).tolist() == [0, 1, 2, 6, 7]


def test_what_is_cancelled_half_way_leaves_the_others_alone(maker: Maker) -> None:
    batcher, _ = busy(maker, sizes=(1, 2))
    dropped, wanted = asked(batcher, *range(1, 8)), asked(batcher, 9)
    dropped.cancel()
    maker.go.set()
    assert values(wanted) == [18]
    assert batcher.waiting == 0
    batcher.close()


def test_a_failure_is_the_answer_of_its_batch_alone(maker: Maker) -> None:
    batcher, first = busy(maker)
    answers = [asked(batcher, value) for value in (-13, 1, 2, 3)]
    maker.go.set()
    assert values(first) == [0]
    for answer in answers:
        with pytest.raises(RuntimeError, match="thirteen"):
            answer.result(WAIT)
    assert values(asked(batcher, 2)) == [4]
    batcher.close()


def test_closing_finishes_what_was_accepted(maker: Maker) -> None:
    batcher, first = busy(maker)
    last = asked(batcher, *range(40))
    closing = threading.Thread(target=batcher.close)
    closing.start()
    while not batcher.closed:
        pass
    with pytest.raises(ClosedError):
        asked(batcher, 1)
    maker.go.set()
    closing.join(WAIT)
    assert values(first) == [0]
    assert values(last) == [2.0 * i for i in range(40)]


def test_many_threads_get_their_own() -> None:
    maker, told = Maker(), []
    maker.go.set()
    batcher = Batcher(maker, (1, 4, 8), 10_000, lambda samples, seconds: told.append(samples))
    wrong = []

    def client(number: int) -> None:
        random = np.random.default_rng(number)
        for _ in range(50):
            wanted = random.integers(100, 1000, random.integers(1, 12)).tolist()
            if values(asked(batcher, *wanted)) != [2.0 * v for v in wanted]:
                wrong.append(wanted)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    batcher.close()
    assert not wrong
    assert sum(told) == sum(map(len, maker.batches))
    assert max(told) > 1
