"""Requests that are not fulfilled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Gone = Callable[[], Awaitable[None]]
"""Returns when the client has hung up."""


class RefusedError(Exception):
    """A request that is not fulfilled: its status, what to say, and headers."""

    def __init__(self, status: int, error: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers
