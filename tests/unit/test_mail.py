"""What may stand in an email's headers: one line each, plain addresses, the ways to leave."""

from __future__ import annotations

import email.policy
from email import message_from_bytes
from typing import Any

import pytest
from sqlmodel import col, select

from keepwell.adapters.mime import as_bytes
from keepwell.adapters.outbox import Outbox
from keepwell.contracts.lines import one_line
from keepwell.db.engine import Store
from keepwell.db.tables import OutboxMessage
from keepwell.errors import SendRefusedError
from keepwell.mail import ONE_CLICK, checked_address, headers_of
from keepwell.replies import Way, meant_by, new_token, reply_address
from tests.unit.adapters.messages import email as mail
from tests.unit.adapters.messages import person, slack
from tests.unit.db.world import World

BREAKS = ("\r\n", "\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\r\n\t", "\n ")
"""What ends a line somewhere: in SMTP, in Python, in a mail program."""

UNSEEN = ("\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\ud800", "\x1b[31m")
INJECTIONS = tuple(
    f"Acme{end}{header}"
    for end in (*BREAKS, *UNSEEN)
    for header in ("Bcc: all@evil.example", "Subject: other", "From: boss@evil.example", "X-SMTPAPI: {}")
)
WAYS = {
    "unsubscribe_url": "https://keepwell.example/preferences/abc.def",
    "unsubscribe_mailto": "mailto:u+00@in.example?subject=unsubscribe",
}


def headers(**fields: Any) -> list[tuple[str, str]]:
    """The headers that a mail server reads of a message, as it reads them."""
    raw = as_bytes(mail(**fields))
    return [
        (name, str(value)) for name, value in message_from_bytes(raw, policy=email.policy.default).items()
    ]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_name_or_subject_makes_a_header(text: str) -> None:
    plain = [name for name, _ in headers()]
    pat = person(text, "pat@acme.example")
    found = headers(subject=text, sender_name=text, recipient=pat)
    assert [name for name, _ in found] == plain
    said = dict(found)
    assert said["To"].endswith("<pat@acme.example>")
    assert said["From"].endswith("<erin@brightdesk.example>")
    assert said["Subject"].startswith("Acme ")


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_message_keeps_its_names_on_one_line_whatever_carries_it(text: str) -> None:
    made = mail(subject=text, sender_name=text, recipient=person(text, "pat@acme.example"))
    for value in (made.subject, made.sender_name, made.recipient.name):
        assert len(value.splitlines()) == 1
        assert value.startswith("Acme ")


@pytest.mark.parametrize(
    "text", ["Grüße: your plan", "👩‍👩‍👧 family", "می‌خواهم", "日本語の件名", "naïve — “quoted”", "مرحبا"]
)
def test_honest_texts_stay_as_they_are(text: str) -> None:
    assert one_line(text) == text
    assert dict(headers(subject=text))["Subject"] == text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pat",
        "pat@",
        "@acme.example",
        "pat@acme.example\r\nBcc: x@evil.example",
        "pat@acme.example\nRCPT TO:<x@evil.example>",
        "pat@acme.example, x@evil.example",
        "<pat@acme.example>",
        "Pat <pat@acme.example>",
        "pat @acme.example",
        '"pat"@acme.example',
        "pat@acme.example;x@evil.example",
        "pat@acme@evil.example",
        "pat@\u202eacme.example",
        "pat\u200b@acme.example",
        "p" * 250 + "@acme.example",
    ],
)
def test_an_address_that_could_be_more_than_one_is_refused_for_good(
    sqlite_store: Store, address: str
) -> None:
    World(sqlite_store).customer("acme")
    for send in (checked_address, lambda bad: Outbox(sqlite_store).send(mail(recipient=person("Pat", bad)))):
        with pytest.raises(SendRefusedError, match="is not an email address") as refused:
            send(address)
        assert not refused.value.retryable
        assert len(refused.value.message.splitlines()) == 1


@pytest.mark.parametrize("address", ["pat@acme.example", "p.a+t_%x'y@a-b.acme.example", "pät@bücher.example"])
def test_a_plain_address_is_taken(address: str) -> None:
    assert checked_address(address) == address


def test_a_message_to_a_contact_says_how_to_leave_with_one_click() -> None:
    assert headers_of(mail(**WAYS)) == {
        "List-Unsubscribe": "<https://keepwell.example/preferences/abc.def>, "
        "<mailto:u+00@in.example?subject=unsubscribe>",
        "List-Unsubscribe-Post": ONE_CLICK,
    }
    assert headers_of(mail()) == {}, "staff have nothing to leave"


def test_one_click_is_offered_over_https_alone() -> None:
    assert headers_of(mail(unsubscribe_url="http://127.0.0.1:8800/preferences/x")) == {
        "List-Unsubscribe": "<http://127.0.0.1:8800/preferences/x>"
    }


def test_the_outbox_shows_the_headers(sqlite_store: Store) -> None:
    World(sqlite_store).customer("acme")
    outbox = Outbox(sqlite_store)
    reply_to = reply_address("in.example", new_token())
    outbox.send(mail(**WAYS, reply_to=reply_to))
    outbox.send(slack("U1"))
    with sqlite_store.read() as session:
        first, second = session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id))).all()
    assert first.headers == {"Reply-To": reply_to, **headers_of(mail(**WAYS))}
    assert second.headers == {}


def test_an_answer_says_which_message_it_answers() -> None:
    token = new_token()
    for way in Way:
        address = reply_address("in.example", token, way)
        assert len(address.partition("@")[0]) <= 64
        assert meant_by(address, "in.example") == (way, token)
        assert meant_by(f" {address.upper()} ", "In.Example") == (way, token), "servers change the case"
    assert new_token() != token
    assert reply_address("", token) == reply_address("in.example", "") == ""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "r+@in.example",
        "x+0123456789abcdef0123456789abcdef@in.example",
        "r+0123456789abcdef0123456789abcde@in.example",
        "r+0123456789abcdef0123456789abcdef0@in.example",
        "r+0123456789abcdef0123456789abcdeg@in.example",
        "r+0123456789abcdef0123456789abcdef@evil.example",
        "r+0123456789abcdef0123456789abcdef@in.example.evil.example",
        "0123456789abcdef0123456789abcdef@in.example",
        "r+0123456789abcdef0123456789abcdef",
    ],
)
def test_other_addresses_mean_nothing(address: str) -> None:
    assert meant_by(address, "in.example") is None
    assert meant_by("r+0123456789abcdef0123456789abcdef@", "") is None
