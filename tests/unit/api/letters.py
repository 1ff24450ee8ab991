"""Letters as SendGrid's inbound parse posts them, for tests; import the fixtures by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr
from sqlmodel import SQLModel, select

from keepwell.api.door import Door
from keepwell.db.tables import (
    Delivery,
    Event,
    InboundMessage,
    PendingCommand,
)
from keepwell.replies import reply_address
from keepwell.web import create_app
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.mailed import ADDRESS, mailed
from tests.unit.db.world import World

TOKEN = "a-token-of-ours"
DOMAIN = "replies.brightdesk.example"
REPLY = "ab" * 16
PATH = f"/webhooks/sendgrid/inbound/{TOKEN}"
OURS = reply_address(DOMAIN, REPLY)


@pytest.fixture
def world(door: Door) -> World:
    return mailed(door.store, reply_token=REPLY)[0]


@pytest.fixture
def key(world: World) -> str:
    with world.store.read() as session:
        return session.exec(select(Delivery.key)).one()


@pytest.fixture
def asked(door: Door, world: World) -> Iterator[TestClient]:
    given = {"inbound_token": SecretStr(TOKEN), "reply_domain": DOMAIN}
    app = create_app(
        Door(settings=door.settings.model_copy(update=given), store=world.store, links=door.links)
    )
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


def letter(*, head: str = "", **fields: Any) -> dict[str, Any]:
    """What SendGrid posts for an answer of Pat's; genuine unless said otherwise."""
    given = {
        "headers": f"Message-ID: <answer-1@customer.example>\nSubject: Re: Your plan\n{head}",
        "from": f"Pat Person <{ADDRESS}>",
        "to": OURS,
        "subject": "Re: Your plan",
        "text": "Yes, let us talk on Monday.\r\n\r\nOn Fri, 20 Nov 2026, Erin wrote:\r\n> Dear Pat\r\n",
        "envelope": json.dumps({"to": [OURS], "from": ADDRESS}),
        "dkim": "{@customer.example : pass}",
        "SPF": "pass",
        "charsets": '{"text": "utf-8", "subject": "UTF-8"}',
        "spam_score": "0.1",
    }
    return {**given, **fields}


def post(client: TestClient, fields: dict[str, Any], path: str = PATH) -> Response:
    # As a form with a file in it, or the client would not make a multipart form of it.
    parts = {name: (None, value) for name, value in fields.items()}
    return client.post(path, files={**parts, "attachment1": ("plan.pdf", b"%PDF" * 1000)})


def rows(world: World, model: type[SQLModel]) -> list[Any]:
    with world.store.read() as session:
        return list(session.exec(select(model)).all())


def effects(world: World) -> list[str]:
    return [row.effect for row in rows(world, InboundMessage)]


def answers(world: World) -> list[PendingCommand]:
    return rows(world, PendingCommand)


def replied(world: World) -> list[Event]:
    return [row for row in rows(world, Event) if row.kind == "contact.replied"]
