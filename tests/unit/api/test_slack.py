"""Buttons in Slack: what is kept, what is refused, and how fast the answer is."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from keepwell.api import slack
from keepwell.api.door import Door
from keepwell.db.engine import BUSY_SECONDS
from keepwell.web import create_app
from tests.fakes.slack import FakeSlack
from tests.unit.api.slack_world import PATH, Desk, make_desk


@pytest.fixture
def desk(door: Door) -> Iterator[Desk]:
    with FakeSlack() as fake:
        yield make_desk(door, fake)


def test_a_click_is_kept_with_what_it_means(desk: Desk) -> None:
    taken = desk.post()
    assert desk.click(taken).status_code == 200
    [row] = desk.kept()
    assert (row.intervention_id, row.customer_id, row.source, row.state) == ("one", "acme", "slack", "asking")
    assert row.command["kind"] == "acknowledge"
    assert (row.command["id"], row.command["intervention"]) == (row.id, "one")
    assert row.back["channel"] == "D0DANA"
    assert row.back["ts"] == taken.identifier


@pytest.mark.parametrize("times", [2, 5])
def test_the_same_click_delivered_again_changes_nothing(times: int, desk: Desk) -> None:
    taken = desk.post()
    assert [desk.click(taken).status_code for _ in range(times)] == [200] * times
    assert len(desk.kept()) == 1


def test_a_double_click_pauses_until_the_same_minute(desk: Desk) -> None:
    taken = desk.post()
    desk.click(taken, "keepwell.pause", at="1795340001.000100")
    desk.click(taken, "keepwell.pause", at="1795340002.000200")
    rows = desk.kept()
    at = datetime.fromtimestamp(1795340001, UTC).replace(second=0)
    assert len(rows) == 2
    assert {datetime.fromisoformat(row.command["until"]) for row in rows} == {at + timedelta(days=3)}


def test_a_response_is_logged(desk: Desk) -> None:
    desk.click(desk.post(), "keepwell.respond")
    [row] = desk.kept()
    assert row.command["kind"] == "respond"


def test_a_link_and_buttons_of_others_keep_nothing(desk: Desk) -> None:
    taken = desk.post()
    payload = desk.fake.clicked(taken, "U0DANA", "keepwell.acknowledge")
    for action_id, value in (("keepwell.open", ""), ("other_app", "one"), ("keepwell.stop", "one")):
        payload["actions"] = [{"action_id": action_id, "value": value, "action_ts": "1795340000.000100"}]
        assert desk.send(payload).status_code == 200
    assert desk.send({"type": "view_closed", "user": {"id": "U0DANA"}}).status_code == 200
    assert desk.kept() == []


def test_an_intervention_that_is_unknown_is_told_to_whoever_clicked(desk: Desk) -> None:
    assert desk.click(desk.post("two")).status_code == 200
    assert desk.kept() == []
    [whisper] = desk.fake.whispers
    assert "does not know any more" in whisper["text"]
    assert whisper["response_type"] == "ephemeral"


FORGED: list[dict[str, Any]] = [
    {"secret": "another-apps-signing-secret-0000"},
    {"age": 310},
    {"age": -310},
    {"headers": {"X-Slack-Signature": "v0=00"}},
    {"headers": {"X-Slack-Signature": ""}},
    {"headers": {"X-Slack-Signature": "v0=ä".encode()}},
    {"headers": {"X-Slack-Request-Timestamp": "now"}},
    {"headers": {"X-Slack-Request-Timestamp": ""}},
    {"headers": {"X-Slack-Request-Timestamp": "1"}},
    {"headers": {"X-Slack-Request-Timestamp": "9" * 400}},
]


@pytest.mark.parametrize("given", FORGED, ids=str)
def test_a_request_that_slack_has_not_signed_is_refused(given: dict[str, Any], desk: Desk) -> None:
    payload = desk.fake.clicked(desk.post(), "U0DANA", "keepwell.acknowledge")
    assert desk.send(payload, **given).status_code == 403
    assert desk.kept() == []


def test_a_body_that_was_changed_under_its_signature_is_refused(desk: Desk) -> None:
    payload = desk.fake.clicked(desk.post(), "U0DANA", "keepwell.acknowledge")
    body = urlencode({"payload": json.dumps(payload)}).encode()
    seen: dict[str, str] = {}
    desk.client.event_hooks = {"request": [lambda request: seen.update(request.headers)]}
    assert desk.raw(body).status_code == 200
    desk.client.event_hooks = {}
    changed = body.replace(b"acknowledge", b"pause")
    headers = {
        name: seen[name] for name in ("x-slack-signature", "x-slack-request-timestamp", "content-type")
    }
    assert desk.client.post(PATH, content=changed, headers=headers).status_code == 403
    assert len(desk.kept()) == 1


@pytest.mark.parametrize("missing", ["slack_signing_secret", "slack_token"])
def test_where_slack_is_not_set_up_everything_is_refused(missing: str, desk: Desk) -> None:
    settings = desk.door.settings.model_copy(update={missing: None})
    payload = desk.fake.clicked(desk.post(), "U0DANA", "keepwell.acknowledge")
    desk.client = TestClient(create_app(replace(desk.door, settings=settings)))
    assert desk.send(payload).status_code == 403


def test_too_much_is_refused_before_it_is_read(desk: Desk) -> None:
    assert desk.raw(b"payload=" + b"x" * 1_000_001).status_code == 413


DEEP = "[" * 100_000
ODD_BODIES = [
    b"",
    b"payload",
    b"payload=",
    b"payload=%FF%FE",
    b"payload=1",
    b"payload=null",
    b"payload=[]",
    b"payload={}",
    f"payload={DEEP}".encode(),
    b"other=%7B%7D",
    b"payload=%7B%22type%22%3A7%7D",
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=lambda body: repr(body[:30]))
def test_what_is_no_click_is_refused(body: bytes, desk: Desk) -> None:
    if body == b"\xff\xfe":
        # A signature is over text, so Slack cannot have signed this.
        stamp = str(int(time.time()))
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=00"}
        assert desk.client.post(PATH, content=body, headers=headers).status_code == 403
        return
    assert desk.raw(body).status_code == 422


WRONG: list[dict[str, Any]] = [
    {"actions": []},
    {"actions": None},
    {"actions": "acknowledge"},
    {"actions": [{"action_id": 7, "action_ts": "1.0", "value": "one"}]},
    {"actions": [{"action_id": "keepwell.acknowledge", "action_ts": "soon", "value": "one"}]},
    {"actions": [{"action_id": "keepwell.acknowledge", "action_ts": "1.0", "value": "x" * 2_000}]},
    {"actions": [{"action_id": "keepwell.acknowledge", "action_ts": "1.0", "value": {"$ne": ""}}]},
    {"actions": [{"action_id": "keepwell.acknowledge", "action_ts": "1.0", "value": "one"}] * 11},
    {"user": None},
    {"user": {"id": "dana'; DROP TABLE staff"}},
    {"user": {"id": ["U0DANA"]}},
    {"container": {"message_ts": "../../etc", "channel_id": "C1"}},
    {"message": {"text": "x", "blocks": "none"}},
    {"message": {"text": "x", "blocks": [{}] * 51}},
    {"response_url": 7},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: json.dumps(wrong)[:70])
def test_fields_of_wrong_types_are_refused(wrong: dict[str, Any], desk: Desk) -> None:
    payload = desk.fake.clicked(desk.post(), "U0DANA", "keepwell.acknowledge")
    assert desk.send(payload | wrong).status_code == 422
    assert desk.kept() == []


@pytest.fixture
def held(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Another program holds the database. Slack waits for three seconds; here the answer waits for less."""
    assert slack.ANSWER_WITHIN <= 2
    monkeypatch.setattr(slack, "ANSWER_WITHIN", 0.2)
    path = desk.store.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_database_that_is_slow_costs_neither_the_answer_nor_the_click(
    desk: Desk, held: sqlite3.Connection
) -> None:
    taken = desk.post()
    began = time.monotonic()
    assert desk.click(taken).status_code == 200
    assert time.monotonic() - began < BUSY_SECONDS, "it has not waited for the database"
    held.execute("ROLLBACK")
    end = time.monotonic() + 60
    while not desk.kept() and time.monotonic() < end:
        time.sleep(0.1)
    assert len(desk.kept()) == 1


@pytest.mark.usefixtures("held")
def test_a_database_that_stays_away_is_told_to_whoever_clicked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "KEEP_TRYING", 0.0)
    taken = desk.post()
    began = time.monotonic()
    assert desk.click(taken).status_code == 200
    assert time.monotonic() - began < BUSY_SECONDS, "it has not waited for the database"
    end = time.monotonic() + 60
    while not desk.fake.whispers and time.monotonic() < end:
        time.sleep(0.1)
    assert "click again" in desk.fake.whispers[0]["text"]
