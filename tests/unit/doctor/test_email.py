"""What the doctor says of the mail server, of the sandbox, and of what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from keepwell.doctor.findings import Note
from keepwell.doctor.sending import sending
from tests.fakes.smtp import PASSWORD, USER, FakeSmtp
from tests.unit.doctor.conftest import MakeScene


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp(sign_in=True) as fake:
        yield fake


def notes(make_scene: MakeScene, **settings: Any) -> list[Note]:
    return list(sending(make_scene(sending="live", public_url="https://care.example", **settings)))


def of_server(make_scene: MakeScene, server: FakeSmtp, **settings: Any) -> Note:
    given = {"email": "smtp", "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
    given |= {"smtp_user": USER, "smtp_password": PASSWORD}
    [found] = [one for one in notes(make_scene, **given | settings) if "mail server" in one.found]
    return found


def test_a_mail_server_that_lets_us_in(make_scene: MakeScene, server: FakeSmtp) -> None:
    found = of_server(make_scene, server)
    assert (found.kind, found.found) == ("ok", f"the mail server 127.0.0.1:{server.port} lets us sign in")
    assert server.counts() == {}


def test_a_mail_server_that_does_not(make_scene: MakeScene, server: FakeSmtp) -> None:
    found = of_server(make_scene, server, smtp_password="another-password")
    assert found.kind == "problem"
    assert "535 5.7.8" in found.found
    assert "another-password" not in found.found
    found = of_server(make_scene, server, smtp_port=1)
    assert found.kind == "problem"
    assert "cannot be reached" in found.found
    found = of_server(make_scene, server, smtp_security="starttls")
    assert "KEEPWELL_SMTP_SECURITY" in found.found


def test_no_mail_server_at_all(make_scene: MakeScene) -> None:
    found = [one for one in notes(make_scene, email="smtp") if "KEEPWELL_SMTP_HOST" in one.found]
    assert [one.kind for one in found] == ["problem"]


NO_EVENTS = "no verification key for SendGrid's events is set: nobody hears of bounces and complaints"


def test_without_events_nobody_hears_of_bounces(make_scene: MakeScene) -> None:
    assert [one.kind for one in notes(make_scene) if one.found == NO_EVENTS] == ["warning"]
    assert not [one for one in notes(make_scene, sendgrid_webhook_key="A" * 60) if one.found == NO_EVENTS]
    assert not [one for one in notes(make_scene, email="smtp") if one.found == NO_EVENTS]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"reply_domain": "replies.example.com"}, "KEEPWELL_INBOUND_TOKEN"),
        ({"inbound_token": "a-token-of-ours"}, "KEEPWELL_REPLY_DOMAIN"),
        ({"reply_domain": "replies.example.com", "inbound_token": "a-token-of-ours"}, ""),
        ({}, ""),
    ],
)
def test_replies_take_both_settings(make_scene: MakeScene, settings: dict[str, str], missing: str) -> None:
    found = [one for one in notes(make_scene, **settings) if "half set up" in one.found]
    assert [missing in one.found for one in found] == ([True] if missing else [])
