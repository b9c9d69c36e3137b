"""Every request comes through here: who asks, how much is sent and how slowly, what is counted."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import time
from pathlib import Path
from typing import Any

from fastapi.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ganvas.errors import InputError
from ganvas.serving.counted import Counts

OPEN = ("/health", "/ready", "/docs", "/openapi.json")  # paths that need no key
JSON_BYTES, BODY_BYTES = 1 << 21, 1 << 24  # of a body of JSON, and of any other
BODY_SECONDS = 20.0  # that a body may take to arrive
LEAST = 16  # letters of a key


class Keys:
    """The keys of a file, one in a line; lines that begin with # are remarks. None: no key is needed.

    Raises InputError for a file that cannot be read, or without keys, or with short ones.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.hashes: list[bytes] = []
        if path is None:
            return
        try:
            lines = Path(path).read_text("utf-8").split("\n")
        except (OSError, ValueError) as error:
            raise InputError(f"--api-key-file {path} cannot be read: {error}") from None
        keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not keys or min(map(len, keys)) < LEAST:
            raise InputError(f"--api-key-file {path}: write a key of {LEAST} letters or more in each line")
        self.hashes = [digest(key.encode()) for key in keys]

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def hold(self, headers: dict[bytes, bytes]) -> bool:
        """Whether the headers of a request carry one of the keys, in a time that does not tell how nearly."""
        bearer, given = headers.get(b"authorization", b""), headers.get(b"x-api-key", b"")
        if bearer[:7].lower() == b"bearer ":
            given = bearer[7:].strip()
        found = [hmac.compare_digest(one, digest(given)) for one in self.hashes]
        return any(found)


def digest(key: bytes) -> bytes:
    """All keys have one length so."""
    return hashlib.sha256(key).digest()


class Gate:
    """The application behind the gate. ``hosts`` are the names it answers to, empty: any; ``stopping`` closes it."""

    def __init__(self, app: ASGIApp, counts: Counts, keys: Keys, hosts: frozenset[str] = frozenset()) -> None:
        self.app, self.counts, self.keys, self.hosts = app, counts, keys, hosts
        self.stopping, self.running = False, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        begun, status = time.perf_counter(), 500
        self.running += 1
        self.counts.running.inc()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                plain = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
                message["headers"] = [*message.get("headers", ()), *plain]
            await send(message)

        try:
            headers = dict(scope["headers"])
            if refused := self.refusal(scope["path"], headers):
                return await problem(sending, *refused)
            await self.app(scope, Counting(receive, headers), sending)
        finally:
            self.running -= 1
            self.counts.running.dec()
            self.counts.answered(route(scope), status, time.perf_counter() - begun)

    def refusal(self, path: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """Why a request is not let in, by its path and headers; None when it is."""
        name = hostname(headers.get(b"host", b"").decode("latin-1"))
        if self.hosts and name not in self.hosts:
            return 421, f"this server answers to {', '.join(sorted(self.hosts))} alone; others need an API key"
        if self.stopping and path != "/health":
            return 503, "the server is stopping; ask again later"
        if self.keys and path not in OPEN and not self.keys.hold(headers):
            return 401, "an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 18:
            return 400, "Content-Length is no number"
        if int(length) > largest(headers):
            return 413, too_long(headers)
        return None


class Counting:
    """Receives a body, unless it is too long or too slow."""

    def __init__(self, receive: Receive, headers: dict[bytes, bytes]) -> None:
        self.receive, self.headers = receive, headers
        self.left, self.until, self.done = largest(headers), time.monotonic() + BODY_SECONDS, False

    async def __call__(self) -> Message:
        """The next message. Raises HTTPException 413 or 408."""
        if self.done:
            return await self.receive()
        try:
            async with asyncio.timeout(max(0.0, self.until - time.monotonic())):
                message = await self.receive()
        except TimeoutError:
            raise HTTPException(408, f"the body did not arrive in {BODY_SECONDS:g} s") from None
        self.left -= len(message.get("body", b""))
        self.done = not message.get("more_body", False)
        if self.left < 0:
            raise HTTPException(413, too_long(self.headers))
        return message


def largest(headers: dict[bytes, bytes]) -> int:
    """Bytes that the body of a request may have."""
    return JSON_BYTES if headers.get(b"content-type", b"").lower().startswith(b"application/json") else BODY_BYTES


def too_long(headers: dict[bytes, bytes]) -> str:
    """What to say of a longer one."""
    return f"the body is too long; {largest(headers):,} bytes are the most"


def hostname(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def local(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def route(scope: Scope) -> str:
    """The pattern of the path of a request, "other" when there is none: clients cannot make new ones."""
    found: str = getattr(scope.get("route"), "path", "other")
    return found


async def problem(send: Send, status: int, error: str) -> None:
    """Answer with a Problem."""
    body = json.dumps({"status": status, "error": error}).encode()
    kept: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
    kept += [(b"content-length", str(len(body)).encode()), *(TOLD.get(status, []))]
    await send({"type": "http.response.start", "status": status, "headers": kept})
    await send({"type": "http.response.body", "body": body})


TOLD: dict[int, list[Any]] = {
    401: [(b"www-authenticate", b"Bearer")],
    413: [(b"connection", b"close")],
    503: [(b"retry-after", b"5"), (b"connection", b"close")],
}
