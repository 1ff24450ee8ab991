"""Which adapter gets a message: by the sending mode, the credentials and the organisation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from keepwell.adapters.outbox import Outbox
from keepwell.adapters.ways import channels
from keepwell.contracts.delivery import Accepted, CannotSay
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.suppressing import suppressed
from keepwell.db.tables import Organisation, OutboxMessage
from keepwell.errors import ConfigurationError, SendRefusedError
from keepwell.settings import Settings
from tests.fakes.sendgrid import KEY as SENDGRID_KEY
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import TOKEN, FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.unit.adapters.messages import KEY, email, slack
from tests.unit.db.world import World


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


@pytest.fixture
def by_smtp(given: dict[str, Any]) -> Iterator[tuple[FakeSmtp, dict[str, Any]]]:
    """A mail server, and settings that lead to it and know no key of SendGrid's."""
    given = {name: value for name, value in given.items() if not name.startswith("sendgrid")}
    with FakeSmtp() as fake:
        way = {"email": "smtp", "smtp_host": "127.0.0.1", "smtp_port": fake.port, "smtp_security": "none"}
        yield fake, {**given, **way}


def test_email_may_go_to_a_mail_server(world: World, by_smtp: tuple[FakeSmtp, dict[str, Any]]) -> None:
    fake, given = by_smtp
    accepted = channels(Settings(**given), world.store)[Channel.EMAIL].send(email())
    assert accepted.provider == "smtp"
    assert fake.counts() == {KEY: 1}
    world.change(Organisation, world.organisation, demo=True)
    assert channels(Settings(**given), world.store)[Channel.EMAIL].send(email()).provider == "outbox"
    assert fake.counts() == {KEY: 1}


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"smtp_host": ""}, "KEEPWELL_SMTP_HOST"),
        ({"smtp_user": "keepwell"}, "KEEPWELL_SMTP_PASSWORD"),
        ({"smtp_password": "a-password"}, "KEEPWELL_SMTP_USER"),
    ],
)
def test_half_a_mail_server_is_refused_by_name(
    change: dict[str, Any], missing: str, world: World, by_smtp: tuple[FakeSmtp, dict[str, Any]]
) -> None:
    with pytest.raises(ConfigurationError, match=f"but {missing} is not( set)?"):
        channels(Settings(**by_smtp[1] | change), world.store)


@pytest.mark.parametrize(
    ("kind", "words", "closed"),
    [
        ("contact", "550 5.1.1 No such user", True),
        ("contact", "550 5.7.1 Not you", False),
        ("staff", "550 5.1.1 No such user", False),
    ],
)
def test_an_address_without_a_mailbox_is_closed(
    kind: str, words: str, closed: bool, world: World, by_smtp: tuple[FakeSmtp, dict[str, Any]]
) -> None:
    fake, given = by_smtp
    fake.upset("rcpt", say=words)
    whom = email().recipient.model_copy(update={"kind": kind})
    with pytest.raises(SendRefusedError) as caught:
        channels(Settings(**given), world.store)[Channel.EMAIL].send(email(recipient=whom))
    assert not caught.value.retryable
    with world.store.read() as session:
        found = suppressed(session, world.organisation, ["pat@acme.example"])
    assert bool(found) == closed
    assert all(why.startswith("invalid: ") for why in found.values())


def test_the_sandbox_is_asked_for_by_its_setting(
    world: World, given: dict[str, Any], sendgrid: FakeSendGrid
) -> None:
    sandboxed = channels(Settings(**given, sendgrid_sandbox=True), world.store)
    accepted = sandboxed[Channel.EMAIL].send(email())
    assert isinstance(accepted, Accepted)
    assert accepted.provider == "sendgrid sandbox"
    assert sendgrid.counts() == {}
