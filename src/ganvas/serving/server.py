"""A server that finishes what it accepted: uvicorn, and what happens when it is told to stop."""

from __future__ import annotations

import asyncio
import sys
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from ganvas.errors import InputError
from ganvas.serving.app import application
from ganvas.serving.gate import Gate, Keys, local

if TYPE_CHECKING:
    from ganvas.serving.service import Service

CONNECTIONS = 2048  # that wait to be accepted


class Server(uvicorn.Server):
    """Told to stop, it refuses what is new with 503, finishes what runs, and ends with 0. Told twice, it ends at
    once."""

    def __init__(self, config: uvicorn.Config, gate: Gate) -> None:
        super().__init__(config)
        self.gate = gate

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        if self.gate.stopping:
            self.force_exit = self.should_exit = True
        self.gate.stopping = True

    async def on_tick(self, counter: int) -> bool:
        """Whether it is over; asked ten times in a second."""
        if self.gate.stopping and not self.gate.running:
            self.should_exit = True
        return await super().on_tick(counter)


def run(service: Service, host: str, port: int, keys: Keys) -> None:
    """Serve until a signal comes. Raises InputError when the port cannot be had."""
    if not local(host) and not keys:
        say(f"{host} is reached from other machines, and there is no --api-key-file: anyone there can use it")
    hosts = frozenset({"localhost", "127.0.0.1", "::1", host}) if local(host) and not keys else frozenset()
    gate = application(service, keys, hosts)
    config = uvicorn.Config(
        gate, host, port, log_level="warning", access_log=False, server_header=False, backlog=CONNECTIONS,
        proxy_headers=False, ws="none", lifespan="on",
    )  # fmt: skip
    server = Server(config, gate)
    try:
        asyncio.run(told(server, list(service.models), host))
    except SystemExit:
        raise InputError(f"cannot listen on {host}, port {port}; is it taken? try --port {port + 1}") from None


async def told(server: Server, names: list[str], host: str) -> None:
    """Serve, and say where once it is so."""

    async def announce() -> None:
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        say(f"serving {', '.join(names)} at http://{shown}:{port}; what can be asked: http://{shown}:{port}/docs")

    task = asyncio.ensure_future(announce())
    try:
        await server.serve()
    finally:
        task.cancel()


def say(text: str) -> None:
    """A line for who watches the server."""
    print(f"ganvas: {text}", file=sys.stderr, flush=True)
