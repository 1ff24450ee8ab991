"""The feed's live push: who may listen, what is pushed, and that one listener holds no other up."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from keepwell.api import feed_hub, feed_live
from keepwell.api.door import Door
from keepwell.api.feed_access import Reader
from keepwell.api.feed_hub import FeedHub
from keepwell.api.sockets import line
from keepwell.db.repositories.feed import Standing
from keepwell.links import Use
from tests.databases import statements
from tests.unit.api.test_feed import notify
from tests.unit.db.world import World


@pytest.fixture
def world(door: Door, monkeypatch: pytest.MonkeyPatch) -> World:
    """A customer with a contact; the store is looked at every 20 ms."""
    monkeypatch.setattr(feed_hub, "EVERY", 0.02)
    world = World(door.store)
    world.customer("acme")
    world.contact("lena", "acme")
    return world


def token(door: Door, contact: str = "lena", **lasts: float) -> str:
    """What the browser's first message says."""
    until = datetime.now(UTC) + timedelta(**(lasts or {"hours": 1}))
    return json.dumps({"token": door.links.token(Use.FEED, {"contact": contact}, until=until)})


def open_feed(client: TestClient, **headers: str) -> AbstractContextManager[WebSocketTestSession]:
    """A browser window."""
    return client.websocket_connect("/ws/feed", headers=headers)


def closed_with(socket: WebSocketTestSession) -> int:
    """The code with which we hang up."""
    with pytest.raises(WebSocketDisconnect) as told:
        socket.receive_json()
    return told.value.code


def test_the_count_comes_at_once_and_what_is_new_soon_after(
    client: TestClient, door: Door, world: World
) -> None:
    notify(world, "n1")
    with open_feed(client) as socket:
        socket.send_text(token(door))
        assert socket.receive_json() == {"type": "feed", "unseen": 1, "unread": 1, "new": []}
        notify(world, "n2")
        told = socket.receive_json()
        assert (told["unread"], [one["id"] for one in told["new"]]) == (2, ["n2"])
        answer = client.post(
            "/api/v1/feed/n1/read", headers={"Authorization": f"Bearer {json.loads(token(door))['token']}"}
        )
        assert answer.status_code == 200
        assert socket.receive_json() == {"type": "feed", "unseen": 1, "unread": 1, "new": []}


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    "first", ["", "x", "[]", "{}", '{"token": 5}', '{"token": ""}', '{"token": "' + "x" * 5000 + '"}']
)
def test_a_first_word_that_is_no_token_ends_it(client: TestClient, first: str) -> None:
    with open_feed(client) as socket:
        socket.send_text(first)
        assert closed_with(socket) == line.ENDED


@pytest.mark.usefixtures("world")
def test_who_says_nothing_is_hung_up_on(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "FIRST_WORD", 0.05)
    with open_feed(client) as socket:
        assert closed_with(socket) == line.ENDED


@pytest.mark.usefixtures("world")
def test_it_ends_when_the_token_does(client: TestClient, door: Door) -> None:
    with open_feed(client) as socket:
        # A token ends with a whole second: between five and six are left for who comes with this one.
        socket.send_text(token(door, seconds=6))
        assert socket.receive_json()["unread"] == 0
        assert closed_with(socket) == line.ENDED
    with open_feed(client) as socket:
        socket.send_text(token(door, seconds=-1))
        assert closed_with(socket) == line.ENDED


@pytest.mark.usefixtures("world")
def test_pages_of_other_origins_are_refused(client: TestClient, door: Door) -> None:
    for origin in ("https://evil.example", "https://keepwell.example.evil.example", "null"):
        with pytest.raises(WebSocketDisconnect), open_feed(client, origin=origin):
            pass
    with open_feed(client, origin="https://keepwell.example") as socket:
        socket.send_text(token(door))
        assert socket.receive_json()["type"] == "feed"


@pytest.mark.usefixtures("world")
def test_one_contact_has_so_many_windows(client: TestClient, door: Door) -> None:
    with ExitStack() as stack:
        for _ in range(feed_hub.WINDOWS):
            socket = stack.enter_context(open_feed(client))
            socket.send_text(token(door))
            assert socket.receive_json()["type"] == "feed"
        one_more = stack.enter_context(open_feed(client))
        one_more.send_text(token(door))
        assert closed_with(one_more) == line.TOO_MANY


def test_hundreds_listen_with_a_statement_or_two_a_look(door: Door, world: World) -> None:
    for number in range(1, 201):
        world.contact(f"c{number}", "acme")

    async def listen() -> tuple[list[dict[str, Any]], int, float]:
        hub = FeedHub(door.store, every=0.05)
        listeners = [hub.join(f"c{number}") for number in range(1, 201)]
        assert None not in listeners
        await asyncio.gather(*(one.next() for one in listeners if one))
        with statements(door.store) as sent:
            began = time.monotonic()
            await asyncio.to_thread(notify, world, "n7", "c7")
            told = await listeners[6].next() if listeners[6] else {}
            took = time.monotonic() - began
            looks = [one for one in sent if "in_app_notification" in one and one.startswith("SELECT")]
        for one in listeners:
            if one:
                hub.leave(one)
        await asyncio.sleep(0)
        return [told], len(looks), took

    (told,), looks, took = asyncio.run(listen())
    assert [one["id"] for one in told["new"]] == ["n7"]
    # A look each 50 ms, one statement each, and one for what is new.
    assert looks <= took / 0.05 + 4


def test_who_does_not_keep_up_gets_the_latest_and_holds_nobody_up(door: Door, world: World) -> None:
    async def listen() -> tuple[dict[str, Any], dict[str, Any]]:
        hub = FeedHub(door.store, every=0.01)
        slow, quick = hub.join("lena"), hub.join("lena")
        assert slow is not None
        assert quick is not None
        last = await quick.next()
        for number in range(1, 31):
            await asyncio.to_thread(notify, world, f"n{number:03}")
            while last["unread"] < number:
                last = await quick.next()
        late = await slow.next()
        for one in (slow, quick):
            hub.leave(one)
        return last, late

    last, late = asyncio.run(listen())
    assert last["unread"] == late["unread"] == 30
    assert len(late["new"]) == feed_hub.KEPT
    assert late["new"][-1]["id"] == "n030"


def test_a_browser_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        """A socket whose other side reads nothing."""

        async def send_text(self, _text: str) -> None:
            await asyncio.sleep(60)

        async def receive(self) -> dict[str, str]:
            await asyncio.sleep(60)
            return {"type": "websocket.disconnect"}

    monkeypatch.setattr(line, "SENDING", 0.05)

    async def push() -> int:
        listener = feed_hub.Listener("lena")
        listener.tell(Standing(), [])
        reader = Reader("lena", datetime.now(UTC) + timedelta(hours=1))
        return await asyncio.wait_for(feed_live._push(Stuck(), listener, reader), 30)  # type: ignore[arg-type]

    assert asyncio.run(push()) == line.LATER
