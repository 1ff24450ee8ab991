"""A body that is announced and does not come keeps no connection for long, unless its sender is known."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from starlette.types import Message, Receive, Scope, Send

from keepwell.api import guard
from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.web import create_app
from tests.real_server import RealServer
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

SHORT = 0.2
"""Seconds that a stranger has here."""

LATE = 5 * SHORT
ENOUGH = 30.0
"""Seconds after which an answer does not come any more."""


@pytest.fixture
def port(door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(guard, "PATIENCE", SHORT)
    listening = socket.create_server(("127.0.0.1", 0))
    server = RealServer(create_app(door), listening, lifespan="off")
    server.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.stop()


def begun(port: int, path: str, length: int, *headers: str, first: bytes = b"") -> socket.socket:
    """A connection on which a request has said how much it will send, and has sent the first of it."""
    made = socket.create_connection(("127.0.0.1", port), timeout=ENOUGH)
    size = f"Content-Length: {length}"
    head = [
        f"POST {path} HTTP/1.1",
        "Host: keepwell.example",
        "Content-Type: application/json",
        size,
        *headers,
    ]
    # At once: what is sent after an answer could cost us the answer.
    made.sendall("\r\n".join([*head, "", ""]).encode() + first)
    return made


def answered(connection: socket.socket) -> tuple[int, str, str]:
    """Status, head and body of the answer; the other side ends the connection after it."""
    read = b""
    while piece := connection.recv(65_536):
        read += piece
    head, _, body = read.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


@pytest.mark.parametrize(
    "path", ["/api/v1/keys", "/sign-in", "/webhooks/slack", "/webhooks/sendgrid/inbound/x", "/nowhere"]
)
def test_a_strangers_body_that_does_not_come_is_not_waited_for(port: int, path: str) -> None:
    with closing(begun(port, path, 100, first=b'{"name":')) as connection:
        status, head, body = answered(connection)
    said = json.loads(body)
    assert (status, said["status"], said["retryable"]) == (408, 408, True)
    assert "content-type: application/problem+json" in head
    assert "connection: close" in head


def test_the_time_is_the_whole_bodys_and_not_each_piece_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", SHORT)
    answers: list[Message] = []

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("the body is not here yet")

    async def receive() -> Message:
        await asyncio.sleep(SHORT / 10)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        answers.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/sign-in", "headers": []}
    asyncio.run(guard.BodyLimit(never)(scope, receive, send))
    assert answers[0]["status"] == 408


def test_half_a_body_whose_sender_has_gone_is_nothing() -> None:
    """A form that is cut off after "do=save" would say that no letters at all are wanted."""
    answers: list[Message] = []
    waiting: list[Message] = [
        {"type": "http.request", "body": b"do=save", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("it was taken for the whole")

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/preferences", "headers": []}
    asyncio.run(guard.BodyLimit(never)(scope, receive, send))
    assert (waiting, answers[0]["status"]) == ([], 408)


def test_who_is_known_may_take_longer(port: int, door: Door) -> None:
    world = World(door.store)
    key = key_for(world.store, world.organisation, Permission.CONFIGURE)["Authorization"]
    body = json.dumps({"name": "x" * (guard.STRANGERS + 1), "scopes": ["read"]}).encode()
    sent = begun(port, "/api/v1/keys", len(body), f"Authorization: {key}", "Connection: close")
    with closing(sent) as connection:
        connection.sendall(body[:100])
        time.sleep(LATE)
        connection.sendall(body[100:])
        status, _, answer = answered(connection)
    assert (status, "body.name" in answer) == (422, True), "it was read whole, and the name is too long"


def test_what_comes_at_once_is_read(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # With time to spare: how fast this machine is must not decide.
    monkeypatch.setattr(guard, "PATIENCE", ENOUGH)
    with closing(begun(port, "/api/v1/keys", 2, "Connection: close")) as connection:
        connection.sendall(b"{}")
        assert answered(connection)[0] == 401
