"""What all WebSockets of ours share: who may open one, the first word, sending, and hanging up.

A listener that does not keep up is dropped and comes again later: whoever waits for it holds nobody else up.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import WebSocket, WebSocketDisconnect

from keepwell.api.door import Door
from keepwell.errors import KeepwellError

log = logging.getLogger("keepwell.sockets")

ENDED: Final = 4401
"""The token, key or session has ended, or was none: come again with another."""

FORBIDDEN: Final = 4403
"""It is known who asks, and this is not for them."""

UNKNOWN: Final = 4404
"""There is no such customer."""

TOO_SLOW: Final = 4408
"""More had come than is kept for a listener: come again with the last cursor."""

TOO_MANY: Final = 4429
"""They listen in more windows than anybody has."""

LATER: Final = 1013
"""Something failed here, or nothing is taken any more: come again later."""

FIRST_WORD = 10.0
"""Seconds in which the first message must come."""

SENDING = 10.0
"""Seconds in which a message must be taken."""

LONGEST_MESSAGE = 8_000
Say = Callable[[], Awaitable[str]]


class HangUpError(Exception):
    """A listener is to be hung up on, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def is_ours(socket: WebSocket, door: Door, origin: str) -> bool:
    """Whether a page of our own asks: by the public address, or by the one that the browser was given.

    A browser says truly which page asks. A page elsewhere that bears our name gets no cookie.
    """
    given, ours = urlsplit(origin.lower()), urlsplit(door.settings.public_url.lower())
    host = socket.headers.get("host", "").lower()
    if not given.netloc or (ours.scheme == "https" and given.scheme != "https"):
        return False
    return given.netloc in (host, ours.netloc)


async def first_word(socket: WebSocket) -> dict[str, Any] | None:
    """The first message, an object; None where none comes in time or it is something else."""
    try:
        async with asyncio.timeout(FIRST_WORD):
            text = await socket.receive_text()
        said = json.loads(text) if len(text) <= LONGEST_MESSAGE else None
    except (TimeoutError, WebSocketDisconnect, ValueError, KeyError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


async def push(socket: WebSocket, say: Say, lasts: float | None = None) -> int:
    """Send what `say` gives, again and again, for at most so many seconds; the code to close with."""
    sending, hearing = asyncio.ensure_future(_send(socket, say)), asyncio.ensure_future(_hear(socket))
    try:
        done, _ = await asyncio.wait({sending, hearing}, timeout=lasts, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, hearing):
            task.add_done_callback(_looked_at)
            task.cancel()
        await asyncio.wait({sending, hearing})
    if sending in done and isinstance(error := sending.exception(), HangUpError):
        return error.code
    return LATER if done else ENDED


async def hang_up(socket: WebSocket, code: int) -> None:
    """Close it. One who has gone already, or takes nothing any more, cannot be told."""
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError, OSError, KeepwellError):
        async with asyncio.timeout(1):
            await socket.close(code)


async def _send(socket: WebSocket, say: Say) -> None:
    while True:
        text = await say()
        async with asyncio.timeout(SENDING):
            await socket.send_text(text)


async def _hear(socket: WebSocket) -> None:
    """Wait until the browser goes; what it says after its first word means nothing."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _looked_at(task: asyncio.Task[None]) -> None:
    """One that went away in the middle of a message is nothing to tell anybody."""
    if not task.cancelled() and task.exception() is not None:
        log.debug("A listener is gone: %r", task.exception())
