"""Which adapter gets a message: by the sending mode, the credentials and the organisation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from keepwell.adapters.outbox import Outbox
from keepwell.contracts.delivery import Accepted, CannotSay
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.tables import Organisation, OutboxMessage
from keepwell.errors import ConfigurationError, SendRefusedError
from keepwell.settings import Settings
from tests.fakes.sendgrid import KEY as SENDGRID_KEY
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import TOKEN, FakeSlack
from tests.unit.adapters.messages import KEY, email, slack
from tests.unit.db.world import World
from worker import channels


@pytest.fixture
def sendgrid() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        yield fake


@pytest.fixture
def slack_server() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


@pytest.fixture
def world(sqlite_store: Store) -> World:
    world = World(sqlite_store)
    world.customer("acme")
    return world


@pytest.fixture
def given(tmp_path: Path, sendgrid: FakeSendGrid, slack_server: FakeSlack) -> dict[str, Any]:
    """Settings with all credentials, and live sending on."""
    return {
        "home": tmp_path,
        "sending": "live",
        "sendgrid_api_key": SENDGRID_KEY,
        "sendgrid_url": sendgrid.url,
        "slack_token": TOKEN,
        "slack_url": slack_server.url,
    }


def kept(world: World) -> list[str]:
    """The keys in the outbox."""
    with world.store.read() as session:
        return [row.key for row in session.exec(select(OutboxMessage)).all()]


def test_live_messages_go_to_their_providers(
    world: World, given: dict[str, Any], sendgrid: FakeSendGrid, slack_server: FakeSlack
) -> None:
    live = channels(Settings(**given), world.store)
    assert isinstance(live[Channel.EMAIL].send(email()), Accepted)
    assert isinstance(live[Channel.SLACK].send(slack("C0TEAM")), Accepted)
    assert (sendgrid.counts(), slack_server.counts()) == ({KEY: 1}, {KEY: 1})
    assert isinstance(live[Channel.SLACK].find(KEY, "C0TEAM"), Accepted)
    found = live[Channel.EMAIL].find(KEY, "pat@acme.example")
    assert isinstance(found, CannotSay)
    assert "KEEPWELL_SENDGRID_ACTIVITY" in found.why
    searching = channels(Settings(**given, sendgrid_activity=True), world.store)
    assert isinstance(searching[Channel.EMAIL].find(KEY, "pat@acme.example"), Accepted)
    assert kept(world) == []


def test_credentials_alone_send_nothing(
    world: World, given: dict[str, Any], sendgrid: FakeSendGrid, slack_server: FakeSlack
) -> None:
    safe = channels(Settings(**(given | {"sending": "outbox"})), world.store)
    for channel, message in ((Channel.EMAIL, email()), (Channel.SLACK, slack("C0TEAM"))):
        assert isinstance(safe[channel], Outbox)
        safe[channel].send(message)
    assert kept(world) == [KEY, KEY]
    assert sendgrid.asked("") == slack_server.asked("") == 0


def test_a_demo_organisation_never_sends(
    world: World, given: dict[str, Any], sendgrid: FakeSendGrid, slack_server: FakeSlack
) -> None:
    """Asked for each message, so that it holds for every organisation of a store."""
    live = channels(Settings(**given), world.store)
    live[Channel.EMAIL].send(email())
    world.change(Organisation, world.organisation, demo=True)
    for channel, message in ((Channel.EMAIL, email()), (Channel.SLACK, slack("C0TEAM"))):
        accepted = live[channel].send(message)
        assert accepted.provider == "outbox"
        assert live[channel].find(KEY, message.recipient.address) == Accepted(
            provider="outbox", provider_id=min(row for row in outbox_ids(world))
        )
    assert kept(world) == [KEY, KEY]
    assert sendgrid.counts() == {KEY: 1}
    assert slack_server.asked("") == 0


def outbox_ids(world: World) -> list[str]:
    with world.store.read() as session:
        return [row.id for row in session.exec(select(OutboxMessage)).all()]


def test_live_without_a_key_is_refused_by_name(world: World, given: dict[str, Any]) -> None:
    given.pop("sendgrid_api_key")
    with pytest.raises(ConfigurationError, match="KEEPWELL_SENDGRID_API_KEY is not set"):
        channels(Settings(**given), world.store)


def test_live_without_slack_gives_slack_messages_to_people(world: World, given: dict[str, Any]) -> None:
    given.pop("slack_token")
    live = channels(Settings(**given), world.store)
    with pytest.raises(SendRefusedError, match="KEEPWELL_SLACK_TOKEN is not set") as caught:
        live[Channel.SLACK].send(slack("C0TEAM"))
    assert not caught.value.retryable
    assert isinstance(live[Channel.SLACK].find(KEY, "C0TEAM"), CannotSay)
    assert isinstance(live[Channel.EMAIL].send(email()), Accepted)
