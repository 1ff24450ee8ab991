"""The feed's live push: a WebSocket per browser, one look at the store for all of them.

The browser's first message is {"token": "…"}; we answer with the count, and with each change from then on.
A token in the address would end up in logs. Messages of ours: {"type": "feed", "unseen": …, "unread": …,
"new": [notifications that have come since, the oldest first]}.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from keepwell.api.door import AtDoor, Door
from keepwell.api.feed_access import NoAccessError, Reader, now, reader_of
from keepwell.api.feed_hub import FeedHub, Listener
from keepwell.errors import KeepwellError

router = APIRouter()
log = logging.getLogger("keepwell.feed")

ENDED = 4401
"""The token has ended, or was none: come again with a new one."""

TOO_MANY = 4429
"""The contact listens in more windows than anybody has."""

LATER = 1013
"""Something failed here, or the browser does not keep up: come again later."""

FIRST_WORD = 10.0
"""Seconds in which the token must come."""

SENDING = 10.0
"""Seconds in which a browser must take a message."""

LONGEST_MESSAGE = 2_000


@router.websocket("/ws/feed")
async def listen(socket: WebSocket, door: AtDoor) -> None:
    """Push a contact's new notifications, until the token ends or the browser goes."""
    if not _from_here(door, socket.headers.get("origin", "")):
        # Before it is accepted: the browser gets a 403.
        await socket.close()
        return
    await socket.accept()
    try:
        reader = await _who(socket, door)
    except KeepwellError:
        # The database does not answer.
        await _close(socket, LATER)
        return
    if reader is None:
        await _close(socket, ENDED)
        return
    hub = _hub(socket, door)
    listener = hub.join(reader.contact)
    if listener is None:
        await _close(socket, TOO_MANY)
        return
    try:
        await _close(socket, await _push(socket, listener, reader))
    finally:
        hub.leave(listener)


async def _push(socket: WebSocket, listener: Listener, reader: Reader) -> int:
    """Send what there is to say; the code to close with."""
    left = (reader.until - now()).total_seconds()
    both = {asyncio.ensure_future(_send(socket, listener)), asyncio.ensure_future(_hear(socket))}
    try:
        done, _ = await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.add_done_callback(_looked_at)
            task.cancel()
        await asyncio.wait(both)
    return LATER if done else ENDED


def _looked_at(task: asyncio.Task[None]) -> None:
    """A browser that went away in the middle of a message is nothing to tell anybody."""
    if not task.cancelled() and task.exception() is not None:
        log.debug("A listener of a feed is gone: %r", task.exception())


async def _send(socket: WebSocket, listener: Listener) -> None:
    while True:
        message = await listener.next()
        async with asyncio.timeout(SENDING):
            await socket.send_text(json.dumps(message))


async def _hear(socket: WebSocket) -> None:
    """Wait until the browser goes; what it says after its token means nothing."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _who(socket: WebSocket, door: Door) -> Reader | None:
    try:
        async with asyncio.timeout(FIRST_WORD):
            text = await socket.receive_text()
        token = json.loads(text)["token"] if len(text) <= LONGEST_MESSAGE else ""
        return await run_in_threadpool(reader_of, door, token if isinstance(token, str) else "")
    except (TimeoutError, WebSocketDisconnect, ValueError, TypeError, KeyError, NoAccessError):
        return None


async def _close(socket: WebSocket, code: int) -> None:
    # One who has gone already, or takes nothing any more, cannot be told.
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError, OSError, KeepwellError):
        async with asyncio.timeout(1):
            await socket.close(code)


def _from_here(door: Door, origin: str) -> bool:
    """Whether a page of ours or a named one asks. What is no browser names none, and needs the token too."""
    ours = urlsplit(door.settings.public_url)
    return not origin or origin.lower() in (f"{ours.scheme}://{ours.netloc}", *door.settings.widget_origins)


def _hub(socket: WebSocket, door: Door) -> FeedHub:
    hub = getattr(socket.app.state, "feed_hub", None)
    if not isinstance(hub, FeedHub):
        hub = socket.app.state.feed_hub = FeedHub(door.store)
    return hub
