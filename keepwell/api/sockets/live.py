"""The four live sockets: what changes in an organisation, pushed to its staff and programs.

Who listens: staff with a session's cookie (then the page must be ours), or a program whose first message is
{"token": an API key that may read}. `?since=CURSOR`, or "since" in the first message, brings what was missed.
See `docs/api-sockets.md`.
"""

from __future__ import annotations

from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool

from keepwell.api.cookies import session_token
from keepwell.api.door import AtDoor, Door
from keepwell.api.sockets.hub import Listener, LiveHub
from keepwell.api.sockets.line import LATER, TOO_MANY, UNKNOWN, HangUpError, hang_up, is_ours, push
from keepwell.api.sockets.topics import Topic
from keepwell.api.sockets.who import visitor_of
from keepwell.db.repositories.views_live import Position, position_of
from keepwell.db.tables import Customer
from keepwell.errors import InputError, KeepwellError

router = APIRouter()
LONGEST_CURSOR = 4_000


@router.websocket(Topic.CUSTOMER_HEALTH)
async def customer_health(socket: WebSocket, door: AtDoor) -> None:
    """Where customers stand, as it changes; with `?customer_id=` that of one alone."""
    await _serve(socket, door, Topic.CUSTOMER_HEALTH)


@router.websocket(Topic.DASHBOARD)
async def dashboard(socket: WebSocket, door: AtDoor) -> None:
    """That something changed which pages show, and the portfolio's figures."""
    await _serve(socket, door, Topic.DASHBOARD)


@router.websocket(Topic.HEALTH_UPDATES)
async def health_updates(socket: WebSocket, door: AtDoor) -> None:
    """Health scores that change."""
    await _serve(socket, door, Topic.HEALTH_UPDATES)


@router.websocket(Topic.ENGAGEMENT_UPDATES)
async def engagement_updates(socket: WebSocket, door: AtDoor) -> None:
    """What is said and done between us and customers."""
    await _serve(socket, door, Topic.ENGAGEMENT_UPDATES)


async def _serve(socket: WebSocket, door: Door, topic: Topic) -> None:
    origin = socket.headers.get("origin", "")
    # A browser sends the cookie whichever page asks, and says truly which one does.
    if (origin or session_token(socket)) and not is_ours(socket, door, origin):
        await socket.close()
        return
    await socket.accept()
    try:
        listener = await _listener(socket, door, topic)
    except HangUpError as error:
        await hang_up(socket, error.code)
        return
    except KeepwellError:
        await hang_up(socket, LATER)
        return
    hub = _hub(socket, door)
    if not hub.join(listener):
        await hang_up(socket, TOO_MANY)
        return
    try:
        await hang_up(socket, await push(socket, listener.next))
    finally:
        hub.leave(listener)


async def _listener(socket: WebSocket, door: Door, topic: Topic) -> Listener:
    visitor, cursor = await visitor_of(socket, door)
    wanted = socket.query_params.get("customer_id") if topic is Topic.CUSTOMER_HEALTH else None
    if wanted is not None and not await run_in_threadpool(
        _is_theirs, door, visitor.who.organisation_id, wanted
    ):
        raise HangUpError(UNKNOWN)
    return Listener(topic, visitor, customer=wanted, since=_since(cursor))


def _is_theirs(door: Door, organisation: str, customer: str) -> bool:
    with door.store.read() as session:
        row = session.get(Customer, customer)
        return row is not None and row.organisation_id == organisation


def _since(cursor: str) -> Position | None:
    """None for who comes anew. Who comes back with a word of nobody's is told to read everything again."""
    if not cursor:
        return None
    try:
        return position_of(cursor[:LONGEST_CURSOR])
    except InputError:
        return Position.never()


def _hub(socket: WebSocket, door: Door) -> LiveHub:
    hub = getattr(socket.app.state, "live_hub", None)
    if not isinstance(hub, LiveHub):
        hub = socket.app.state.live_hub = LiveHub(door.store)
    return hub
