"""The feed's live push: a WebSocket per browser, one look at the store for all of them.

The browser's first message is {"token": "…"}; we answer with the count, and with each change from then on.
A token in the address would end up in logs. Messages of ours: {"type": "feed", "unseen": …, "unread": …,
"new": [notifications that have come since, the oldest first]}.
"""

from __future__ import annotations

import json

from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool

from keepwell.api.door import AtDoor, Door
from keepwell.api.feed_access import NoAccessError, Reader, now, reader_of
from keepwell.api.feed_hub import FeedHub, Listener
from keepwell.api.sockets.line import ENDED, LATER, TOO_MANY, first_word, hang_up, is_ours, push
from keepwell.errors import KeepwellError

router = APIRouter()


@router.websocket("/ws/feed")
async def listen(socket: WebSocket, door: AtDoor) -> None:
    """Push a contact's new notifications, until the token ends or the browser goes."""
    if not _from_here(socket, door, socket.headers.get("origin", "")):
        # Before it is accepted: the browser gets a 403.
        await socket.close()
        return
    await socket.accept()
    try:
        reader = await _who(socket, door)
    except KeepwellError:
        # The database does not answer.
        await hang_up(socket, LATER)
        return
    if reader is None:
        await hang_up(socket, ENDED)
        return
    hub = _hub(socket, door)
    listener = hub.join(reader.contact)
    if listener is None:
        await hang_up(socket, TOO_MANY)
        return
    try:
        await hang_up(socket, await _push(socket, listener, reader))
    finally:
        hub.leave(listener)


async def _push(socket: WebSocket, listener: Listener, reader: Reader) -> int:
    """Send what there is to say; the code to close with."""

    async def say() -> str:
        return json.dumps(await listener.next())

    return await push(socket, say, (reader.until - now()).total_seconds())


async def _who(socket: WebSocket, door: Door) -> Reader | None:
    said = await first_word(socket)
    token = said.get("token") if said is not None else None
    try:
        return await run_in_threadpool(reader_of, door, token if isinstance(token, str) else "")
    except NoAccessError:
        return None


def _from_here(socket: WebSocket, door: Door, origin: str) -> bool:
    """Whether a page of ours or a named one asks. What is no browser names none, and needs the token too."""
    return not origin or is_ours(socket, door, origin) or origin.lower() in door.settings.widget_origins


def _hub(socket: WebSocket, door: Door) -> FeedHub:
    hub = getattr(socket.app.state, "feed_hub", None)
    if not isinstance(hub, FeedHub):
        hub = socket.app.state.feed_hub = FeedHub(door.store)
    return hub
