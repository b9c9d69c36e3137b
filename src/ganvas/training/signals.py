"""SIGINT and SIGTERM as a wish that the loop fulfils after its round."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Signals:
    """A context in which the first SIGINT or SIGTERM calls ``ask`` and the next one acts as always."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self.ask, self.before = ask, dict[int, Any]()

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.ask()
        signal.signal(number, self.before[number])

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
