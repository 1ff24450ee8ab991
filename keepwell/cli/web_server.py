"""The web server behind `keepwell serve` and the demo. Loaded when needed: it costs a third of a second."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from keepwell.api.door import Door
from keepwell.errors import ConfigurationError, KeepwellError
from keepwell.web import create_app

LONGEST_WORD = 65_536
"""Bytes of a WebSocket's message: a browser says little, and the default is 16 MB."""

THIS_MACHINE = ("127.0.0.1", "::1")
STOP_SECONDS = 3
POLL_SECONDS = 0.05


class WebServer(uvicorn.Server):
    """Leaves signals to whoever runs it, where it is not alone in its process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: the demo ends everything in its own order."""
        yield


def configured(door: Door) -> uvicorn.Config:
    """The application of a door, and how it is served."""
    config = uvicorn.Config(
        create_app(door, background=True),
        log_config=None,
        # Ours names the route and not the address: that may hold a token.
        access_log=False,
        server_header=False,
        forwarded_allow_ips=[*THIS_MACHINE, *door.settings.trusted_proxies],
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    config.ws_max_size = LONGEST_WORD
    return config


def alone(door: Door, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    uvicorn.Server(configured(door)).run(sockets=[listening])


@asynccontextmanager
async def serving(door: Door, listening: socket.socket) -> AsyncIterator[None]:
    """Serve within a loop that does other things, too, until the block ends.

    Raises:
        KeepwellError: it could not begin; its log says why.
    """
    server = WebServer(configured(door))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            await asyncio.wait({task}, timeout=POLL_SECONDS)
            if task.done() and not server.started:
                raise KeepwellError("The console could not begin: see the log.", audience="developer")
        yield
    finally:
        server.should_exit = True
        await asyncio.shield(task)


def listen(host: str, port: int, *, or_another: bool = False) -> socket.socket:
    """A socket that listens; with `or_another`, on a free port where this one is taken.

    Raises:
        ConfigurationError: nothing can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
        # Accepted connections take it over. Without it the second piece of an answer waits 40 ms for the
        # other side's acknowledgement; asyncio sets it only where it has made the socket itself.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        if or_another:
            return listen(host, 0)
        # Python adds the address to it.
        why = str(error.strerror).partition(" (while")[0]
        raise ConfigurationError(
            f"Nothing can listen on port {port} of {host!r}: {why}.",
            hint="Another keepwell serve may run already. --port takes another one; 0 takes a free one.",
        ) from error


def address_of(host: str, listening: socket.socket) -> str:
    """The address under which this machine reaches it."""
    return "http://{}:{}".format(f"[{host}]" if ":" in host else host, listening.getsockname()[1])
