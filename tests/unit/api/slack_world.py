"""A click in Slack, signed as Slack signs it, and a store with somebody who may click."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier
from sqlmodel import select

from keepwell.adapters.slack import Slack
from keepwell.api.door import Door
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.tables import PendingCommand
from keepwell.web import create_app
from tests.fakes.server import Taken
from tests.fakes.slack import TOKEN, FakeSlack
from tests.unit.adapters.messages import email, person
from tests.unit.db.world import NOW, World

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
PATH = "/webhooks/slack/actions"
TEXT = (
    "*Acme: critical, score 12 of 100*\n30 days ago it was 71.\n\n"
    "Take it in hand with `keepwell acknowledge one`"
)


@dataclass
class Desk:
    """A message about intervention "one" that Dana has got, and a way to click its buttons."""

    door: Door
    fake: FakeSlack
    world: World
    client: TestClient

    @property
    def store(self) -> Store:
        """The store."""
        return self.world.store

    def post(self, intervention: str = "one") -> Taken:
        """Post the message."""
        sender = Slack(SecretStr(TOKEN), self.fake.url, buttons=True)
        sender.send(
            email(
                channel=Channel.SLACK,
                recipient=person("Dana Reyes", "U0DANA"),
                text=TEXT,
                attachments=(),
                html="",
                intervention=intervention,
                actions=("acknowledge", "pause", "respond", "open"),
            )
        )
        return self.fake.accepted[-1]

    def click(
        self, taken: Taken, action: str = "keepwell.acknowledge", user: str = "U0DANA", **given: Any
    ) -> Response:
        """Click a button."""
        return self.send(self.fake.clicked(taken, user, action, **given))

    def send(self, payload: Any, **given: Any) -> Response:
        """Send a payload as Slack does."""
        return self.raw(urlencode({"payload": json.dumps(payload)}).encode(), **given)

    def raw(
        self, body: bytes, *, secret: str = SECRET, age: float = 0, headers: dict[str, Any] | None = None
    ) -> Response:
        """Send a body with a signature of that age."""
        stamp = str(int(time.time() - age))
        signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or ""
        signed = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.client.post(PATH, content=body, headers=signed | (headers or {}))

    def kept(self) -> list[PendingCommand]:
        """The commands that were kept."""
        with self.store.read() as session:
            return list(session.exec(select(PendingCommand).order_by(PendingCommand.id)).all())


def make_desk(door: Door, fake: FakeSlack) -> Desk:
    """The door with Slack set up, and its world."""
    settings = door.settings.model_copy(
        update={
            "slack_token": SecretStr(TOKEN),
            "slack_signing_secret": SecretStr(SECRET),
            "slack_url": fake.url,
        }
    )
    door = replace(door, settings=settings)
    world = World(door.store)
    world.staff("dana", name="Dana Reyes", slack="U0DANA")
    world.staff("lena", name="Lena Brandt", email="lena@brightdesk.example")
    world.customer("acme", owner_id="dana")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme", owner_id="dana")
    return Desk(door, fake, world, TestClient(create_app(door), base_url="https://keepwell.example"))
