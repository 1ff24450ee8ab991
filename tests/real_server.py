"""An application on a real port, in a thread of the tests, which leaves no connection open when it stops."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI

BEGINS, ENDS = 60.0, 60.0
"""Seconds that a server has to begin, and to end."""


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends connections that are left, too: one whose answer ended meanwhile, or that was opened since.

        Left to the loop's end they would be told as unclosed sockets, in whichever test comes then.
        """
        await super().shutdown(sockets)
        for left in list(self.server_state.connections):
            left.transport.abort()
        # What is aborted is closed in the loop's next round.
        await asyncio.sleep(0)


class RealServer:
    """Serves from `start` to `stop`; once for each."""

    def __init__(self, app: FastAPI, listening: socket.socket, **settings: Any) -> None:
        """The application, the socket it listens on, and more of uvicorn's settings."""
        self._listening = listening
        self._server = _Server(
            uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1, **settings),
        )
        given = {"sockets": [listening]}
        self._thread = threading.Thread(target=self._server.run, kwargs=given, daemon=True)

    def start(self) -> None:
        """Serve, and wait until it does."""
        self._thread.start()
        until = time.monotonic() + BEGINS
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < until, "the server did not start in time"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, with all its connections."""
        self._server.should_exit = True
        self._thread.join(ENDS)
        assert not self._thread.is_alive(), "the server did not stop in time"
        self._listening.close()
