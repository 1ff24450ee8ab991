"""One listener that reads nothing and two hundred that do, on a real server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from itertools import pairwise

import pytest
from websockets.asyncio.client import ClientConnection, connect

from keepwell.api.door import Door
from keepwell.api.sockets import hub, line
from keepwell.api.sockets.hub import LiveHub
from keepwell.api.sockets.topics import Topic
from keepwell.contracts.access import Permission
from keepwell.db.repositories import journal
from keepwell.keys import new_id
from keepwell.web import create_app
from tests.databases import statements
from tests.real_server import RealServer
from tests.unit.api.callers import key_for
from tests.unit.db.world import NOW, World

READERS, ROUNDS, LETTERS = 200, 8, 40_000
SENDING = 20.0
"""Seconds for which the one that reads nothing is waited for: far more than a round takes."""

PATH = Topic.ENGAGEMENT_UPDATES.value


@pytest.fixture
def world(door: Door) -> World:
    world = World(door.store)
    world.customer("acme")
    return world


@pytest.fixture
def served(door: Door) -> Iterator[tuple[int, LiveHub]]:
    """The port of a server of our own. What it may send ahead is little, so that who reads nothing is noticed
    after some messages and not after megabytes."""
    app = create_app(door)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    app.state.live_hub = LiveHub(door.store)
    port = listening.getsockname()[1]
    # Nor does the line's own ping find out who is silent.
    server = RealServer(app, listening, lifespan="off", ws_ping_interval=None)
    server.start()
    try:
        yield port, app.state.live_hub
    finally:
        server.stop()


def keys(world: World, number: int) -> list[str]:
    """Keys of programs, as many as so many listeners need."""
    made = [key_for(world.store, world.organisation, Permission.READ) for _ in range(0, number, hub.WINDOWS)]
    return [one["Authorization"].removeprefix("Bearer ") for one in made for _ in range(hub.WINDOWS)]


def happens(world: World, text: str) -> None:
    with world.store.write() as session:
        new = journal.line(
            key=new_id(),
            organisation=world.organisation,
            kind="contact.replied",
            text=text,
            at=NOW,
            customer="acme",
        )
        assert journal.put(session, new)


def who_reads_nothing(port: int, key: str) -> socket.socket:
    """A connection that is opened, says its key, and is never read again."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.connect(("127.0.0.1", port))
    nonce = b64encode(os.urandom(16)).decode()
    made.sendall(
        f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert made.recv(200).startswith(b"HTTP/1.1 101")
    said = json.dumps({"token": key}).encode()
    mask = os.urandom(4)
    body = bytes(one ^ mask[at % 4] for at, one in enumerate(said))
    made.sendall(bytes([0x81, 0x80 | len(said)]) + mask + body)
    return made


async def welcomed(stack: AsyncExitStack, port: int, key: str) -> ClientConnection:
    """A listener who has been let in."""
    address = f"ws://127.0.0.1:{port}{PATH}"
    one = await stack.enter_async_context(connect(address, max_size=None, ping_interval=None))
    await one.send(json.dumps({"token": key}))
    assert json.loads(await one.recv())["type"] == "ready"
    return one


async def heard(listener: ClientConnection, wanted: str) -> float:
    """When a message came; those before it are read too."""
    while wanted not in str(await listener.recv()):
        pass
    return time.monotonic()


def test_who_reads_nothing_is_dropped_and_holds_nobody_up(
    served: tuple[int, LiveHub], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "KEPT", 4)
    monkeypatch.setattr(line, "SENDING", SENDING)
    port, live = served

    async def all_listen() -> None:
        async with AsyncExitStack() as stack:
            quick = await asyncio.gather(*(welcomed(stack, port, key) for key in keys(world, READERS)))
            (key, *_) = keys(world, 1)
            with closing(await asyncio.to_thread(who_reads_nothing, port, key)):
                while len(live._listeners) < READERS + 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                with statements(world.store) as sent:
                    ends = [time.monotonic()]
                    for number in range(ROUNDS):
                        text = f"round {number}. " + "x" * LETTERS
                        await asyncio.to_thread(happens, world, text)
                        ends.append(max(await asyncio.gather(*(heard(one, text[:9]) for one in quick))))
                        if number == 0:
                            assert len(live._listeners) == READERS + 1
                    looks = [one for one in sent if "max(live_change.number)" in one]
                took = [end - began for began, end in pairwise(ends)]
                assert max(took) < SENDING, "nobody waited for the one who reads nothing"
                assert len(looks) <= sum(took) / hub.BREATH + 2, "one look serves all of them"
                while len(live._listeners) > READERS:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert len(live._listeners) == READERS, "and it is gone, alone"

    asyncio.run(all_listen())
