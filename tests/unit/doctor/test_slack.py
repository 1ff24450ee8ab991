"""Whether buttons reach us, and whether what came from outside is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keepwell.contracts.commands import Acknowledge
from keepwell.db.repositories import pending
from keepwell.db.tables import Intervention
from keepwell.doctor.slack import buttons, commands
from tests.unit.db.world import NOW, World
from tests.unit.doctor.conftest import MakeScene

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
LIVE: dict[str, Any] = {"sending": "live", "slack_token": "xoxb-a-token-of-ours"}


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({}, "ok", "nobody presses a button"),
        ({"slack_token": "xoxb-a-token-of-ours"}, "ok", "nobody presses a button"),
        (LIVE, "warning", "KEEPWELL_SLACK_SIGNING_SECRET is not set"),
        (LIVE | {"slack_signing_secret": SECRET}, "warning", "http://127.0.0.1:8800/webhooks/slack/actions"),
        (
            LIVE | {"slack_signing_secret": SECRET, "public_url": "https://keepwell.example/"},
            "ok",
            "https://keepwell.example/webhooks/slack/actions",
        ),
    ],
    ids=str,
)
def test_buttons(given: dict[str, Any], kind: str, words: str, make_scene: MakeScene) -> None:
    [found] = buttons(make_scene(**given))
    assert found.kind == kind
    assert words in found.found


def test_commands_that_wait_too_long(world: World, make_scene: MakeScene) -> None:
    world.customer("acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme")
    scene = make_scene(world=world)
    assert [found.kind for found in commands(scene)] == ["ok"]
    for key, age, known in (("a", 20, True), ("b", 16, False), ("c", 14, True), ("d", 30, True)):
        at = NOW - timedelta(minutes=age)
        with world.store.write() as session:
            row = session.get_one(Intervention, "one")
            command = Acknowledge(id=key, intervention="one", by="dana")
            pending.put(
                session, row, key=key, source="slack", by="dana", command=command, now=at, known=known
            )
    with world.store.write() as session:
        pending.settle(session, "d", "told", "", NOW)
        pending.rest(session, "a", "the server was busy", NOW)
    [found] = commands(scene)
    assert found.kind == "problem"
    assert found.found.startswith("2 from buttons, replies or pages wait for more than 15 minutes")
    assert found.found.endswith("the oldest: the server was busy")
