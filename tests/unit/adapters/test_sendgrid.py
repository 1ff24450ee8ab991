"""Email through SendGrid, over real HTTP against a fake one."""

from __future__ import annotations

import base64
import logging
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import SecretStr

from keepwell.adapters.sendgrid import SendGrid
from keepwell.contracts.delivery import Accepted, CannotSay
from keepwell.errors import KeepwellError, SendRefusedError, SendUnknownError
from tests.fakes.sendgrid import KEY as VALID
from tests.fakes.sendgrid import FakeSendGrid
from tests.unit.adapters.messages import AMPLE, KEY, PATIENT, SHORT, closed_port, email, full_queue, person

ADDRESS = "pat@acme.example"


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        yield fake


def adapter(fake: FakeSendGrid, key: str = VALID, **given: Any) -> SendGrid:
    return SendGrid(SecretStr(key), fake.url, **{"deadline": PATIENT, **given})


def refused(sender: SendGrid) -> SendRefusedError:
    with pytest.raises(SendRefusedError) as caught:
        sender.send(email())
    return caught.value


def unknown(sender: SendGrid) -> SendUnknownError:
    with pytest.raises(SendUnknownError) as caught:
        sender.send(email())
    return caught.value


def test_the_message_arrives_as_it_was_meant(fake: FakeSendGrid) -> None:
    accepted = adapter(fake).send(email())
    assert [one.key for one in fake.accepted] == [KEY]
    assert accepted == Accepted(provider="sendgrid", provider_id=fake.accepted[0].identifier)
    body = fake.accepted[0].content
    assert body["personalizations"] == [{"to": [{"email": ADDRESS, "name": "Pat Person"}]}]
    assert body["from"] == {"email": "erin@brightdesk.example", "name": "Erin Cole, CEO"}
    assert body["subject"] == "Grüße: your plan"
    assert [one["type"] for one in body["content"]] == ["text/plain", "text/html"]
    assert body["custom_args"] == {"keepwell_key": KEY, "keepwell_organisation": "org-1"}
    plan = body["attachments"][0]
    assert base64.b64decode(plan["content"]).decode() == "<p>Pläne</p>"
    assert (plan["type"], plan["filename"]) == ("text/html", "plan.html")


def test_a_plain_message_without_names_arrives_too(fake: FakeSendGrid) -> None:
    adapter(fake).send(email(html="", attachments=(), sender_name="", recipient=person("", ADDRESS)))
    body = fake.accepted[0].content
    assert body["from"] == {"email": "erin@brightdesk.example"}
    assert [one["type"] for one in body["content"]] == ["text/plain"]
    assert "attachments" not in body


@pytest.mark.parametrize(
    ("status", "to_do"),
    [
        (400, "correct what it names."),
        (401, "The API key is not valid: set KEEPWELL_SENDGRID_API_KEY to a key that is."),
        (403, "(Sender Authentication), and give the API key the right Mail Send."),
        (404, "Nothing is at this address: check KEEPWELL_SENDGRID_URL."),
        (413, "larger than SendGrid takes (30 MB): make its attachments smaller."),
        (415, "changes the request: check KEEPWELL_SENDGRID_URL and proxies."),
        (422, "correct what it names."),
    ],
)
def test_a_no_for_good_says_what_to_do(status: int, to_do: str, fake: FakeSendGrid) -> None:
    body = '{"errors": [{"message": "that was wrong", "field": "from.email", "help": null}]}'
    fake.script(status=status, body=body)
    error = refused(adapter(fake))
    assert not error.retryable
    assert f"({status} " in error.message
    assert "that was wrong [from.email]" in error.message
    assert error.message.endswith(to_do)
    assert fake.counts() == {}
    assert fake.asked("/v3/mail/send") == 1


@pytest.mark.parametrize("status", [429, 503])
def test_later_is_taken_for_later(status: int, fake: FakeSendGrid) -> None:
    fake.script(status=status, headers={"Retry-After": "120"}, body="<html>busy</html>")
    error = refused(adapter(fake))
    assert (error.retryable, error.retry_after) == (True, timedelta(minutes=2))
    assert fake.asked("/v3/mail/send") == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "{in_an_hour}"}, 3600),
        ({"X-RateLimit-Reset": "1"}, 0),
        ({"Retry-After": "7", "X-RateLimit-Reset": "{in_an_hour}"}, 7),
        ({"retry-after": "{date}"}, 3600),
        ({"Retry-After": "999999999999"}, 86_400),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-3"}, None),
        ({}, None),
    ],
)
def test_when_to_come_again(headers: dict[str, str], seconds: float | None, fake: FakeSendGrid) -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    words = {"in_an_hour": str(int(moment.timestamp())), "date": format_datetime(moment, usegmt=True)}
    fake.script(status=429, headers={name: value.format(**words) for name, value in headers.items()})
    after = refused(adapter(fake)).retry_after
    assert (after is None) == (seconds is None)
    if after is not None and seconds is not None:
        # Of an hour some is over by now, of what is said in seconds nothing.
        spent = 60 if seconds == 3600 else 0
        assert seconds - spent <= after.total_seconds() <= seconds


@pytest.mark.parametrize(
    "act",
    [
        {"status": 500},
        {"status": 502},
        {"status": 504},
        {"status": 501},
        {"status": 418},
        {"status": 302, "headers": {"Location": "/v3/mail/send"}},
        {"status": 200, "headers": {"Content-Type": "text/html", "X-Message-Id": ""}, "body": "<p>Hotel</p>"},
        {"close": "after"},
        {"close": "before"},
        {"raw": "SSH-2.0-OpenSSH_9.6\r\n\r\n"},
        {"raw": "HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\nshort"},
        {"raw": "HTTP/1.1 nonsense\r\n\r\n"},
        {"raw": ""},
    ],
    ids=str,
)
def test_what_nobody_can_know_is_not_called_a_refusal(act: dict[str, Any], fake: FakeSendGrid) -> None:
    fake.script(**act)
    error = unknown(adapter(fake))
    assert error.retryable
    assert error.audience == "ops"
    assert "nobody knows" in error.message
    assert fake.asked("") == 1, "nothing tries again, and no redirect is followed"


@pytest.mark.parametrize(
    "act", [{"wait_before": 30.0}, {"wait_after": 30.0}, {"per_byte": 0.05}], ids=["before", "after", "slow"]
)
def test_the_deadline_is_one_for_the_whole_call(act: dict[str, Any], fake: FakeSendGrid) -> None:
    """Also where each byte comes in time."""
    fake.script(**act)
    began = time.monotonic()
    error = unknown(adapter(fake, deadline=AMPLE))
    assert 2.45 < time.monotonic() - began < 25
    assert "within 2.5 s" in error.message or "timed out" in error.message


def test_a_server_that_is_not_there_has_surely_not_taken_it() -> None:
    with closed_port() as port:
        error = refused(SendGrid(SecretStr(VALID), f"http://127.0.0.1:{port}"))
    assert error.retryable
    assert "cannot be reached" in error.message
    assert "refused" in error.message


def test_a_connection_that_never_comes_about_has_surely_not_taken_it() -> None:
    with full_queue() as port:
        began = time.monotonic()
        error = refused(SendGrid(SecretStr(VALID), f"http://127.0.0.1:{port}", deadline=SHORT))
    assert error.retryable
    assert 0.55 < time.monotonic() - began < 12, "the whole deadline is 15 s where nothing else is said"


@pytest.mark.parametrize("slow", [False, True])
def test_a_name_that_nobody_knows_has_surely_not_taken_it(
    slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_name(*_: object) -> None:
        if slow:
            time.sleep(30)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    began = time.monotonic()
    deadline = AMPLE if slow else PATIENT
    error = refused(SendGrid(SecretStr(VALID), "https://sendgrid.invalid", deadline=deadline))
    assert error.retryable
    assert ("not resolved in time" if slow else "not known") in error.message
    assert time.monotonic() - began < 25


def test_no_tls_is_no_connection(fake: FakeSendGrid) -> None:
    error = refused(SendGrid(SecretStr(VALID), fake.url.replace("http:", "https:")))
    assert error.retryable
    assert fake.counts() == {}


def test_a_wrong_key_is_refused_by_name(fake: FakeSendGrid) -> None:
    error = refused(adapter(fake, "SG.somebody-elses"))
    assert "KEEPWELL_SENDGRID_API_KEY" in error.message
    assert "invalid, expired, or revoked" in error.message


@pytest.mark.parametrize(
    "act",
    [
        {"status": 401, "body": '{"errors": [{"message": "no such key: SG.a-key-for-tests"}]}'},
        {"status": 502, "body": "Bearer SG.a-key-for-tests"},
        {"raw": "HTTP/1.1 SG.a-key-for-tests\r\n\r\n"},
        {"close": "after"},
    ],
    ids=str,
)
def test_the_key_is_in_no_error_and_no_log(
    act: dict[str, Any], fake: FakeSendGrid, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.script(**act)
    sender = adapter(fake)
    with pytest.raises(KeepwellError) as caught:
        sender.send(email())
    chain: BaseException | None = caught.value
    while chain is not None:
        assert VALID not in f"{chain} {chain!r}"
        chain = chain.__cause__
    assert VALID not in caplog.text
    assert VALID not in repr(vars(sender))


def test_a_key_that_no_header_can_carry_is_not_shown(fake: FakeSendGrid) -> None:
    error = unknown(adapter(fake, "SG.broken\nkey"))
    assert "broken" not in str(error)
    assert error.__cause__ is None
    assert fake.asked("") == 0


def test_what_was_taken_is_found_by_its_key(fake: FakeSendGrid) -> None:
    sender = adapter(fake, activity=True)
    fake.script(close="after", path="mail/send", times=1)
    unknown(sender)
    assert sender.find(KEY, ADDRESS) == Accepted(provider="sendgrid", provider_id=fake.accepted[0].identifier)
    assert sender.find(f"{KEY}2", ADDRESS) == CannotSay(
        why="SendGrid's email activity does not show the message, which proves nothing"
    )


def test_without_the_search_nobody_is_asked(fake: FakeSendGrid) -> None:
    sender = adapter(fake)
    sender.send(email())
    found = sender.find(KEY, ADDRESS)
    assert isinstance(found, CannotSay)
    assert "KEEPWELL_SENDGRID_ACTIVITY" in found.why
    assert fake.asked("/v3/messages") == 0


@pytest.mark.parametrize(
    "act",
    [
        {"status": 429, "headers": {"X-RateLimit-Reset": "9"}},
        {"status": 403},
        {"status": 500},
        {"close": "before"},
        {"wait_before": 30.0},
        {"status": 200, "body": "<html>"},
        {"status": 200, "body": '{"messages": [{}]}'},
        {"status": 200, "body": "[]"},
    ],
    ids=str,
)
def test_a_search_that_fails_says_that_it_cannot_say(act: dict[str, Any], fake: FakeSendGrid) -> None:
    adapter(fake).send(email())
    sender = adapter(fake, activity=True, deadline=AMPLE if "wait_before" in act else PATIENT)
    fake.script(path="/v3/messages", **act)
    found = sender.find(KEY, ADDRESS)
    assert isinstance(found, CannotSay)
    assert "the activity search" in found.why
    assert "message" not in found.why


@pytest.mark.parametrize("change", [{"sender_address": ""}, {"recipient": person("Pat", "pat")}], ids=str)
def test_what_is_no_address_is_not_sent_at_all(change: dict[str, Any], fake: FakeSendGrid) -> None:
    with pytest.raises(SendRefusedError, match="not an email address") as caught:
        adapter(fake).send(email(**change))
    assert not caught.value.retryable
    assert fake.asked("") == 0


def test_names_and_subjects_cannot_begin_a_header(fake: FakeSendGrid) -> None:
    evil = "Pat\r\nBcc: all@acme.example\u2028X-SMTPAPI: {}"
    adapter(fake).send(email(subject=evil, sender_name=evil, recipient=person(evil, ADDRESS)))
    body = fake.accepted[0].content
    (to,) = body["personalizations"][0]["to"]
    assert to["email"] == ADDRESS
    for value in (to["name"], body["from"]["name"], body["subject"]):
        assert value == "Pat Bcc: all@acme.example X-SMTPAPI: {}"
    assert body["headers"].keys() == {"Message-ID"}


def test_the_ways_back_stand_in_the_headers(fake: FakeSendGrid) -> None:
    adapter(fake).send(
        email(
            reply_to="r+abc@replies.brightdesk.example",
            unsubscribe_url="https://keepwell.example/preferences/token",
            unsubscribe_mailto="mailto:u+abc@replies.brightdesk.example",
            category="critical",
        )
    )
    body = fake.accepted[0].content
    assert body["reply_to"] == {"email": "r+abc@replies.brightdesk.example"}
    assert body["headers"] == {
        "Message-ID": f"<{KEY.replace('@', '%40')}@brightdesk.example>",
        "List-Unsubscribe": "<https://keepwell.example/preferences/token>, "
        "<mailto:u+abc@replies.brightdesk.example>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert body["categories"] == ["critical", "critical/executive_email"]
    assert body["tracking_settings"] == {"subscription_tracking": {"enable": False}}
    assert "mail_settings" not in body


def test_a_long_category_is_cut_and_a_notice_has_no_step(fake: FakeSendGrid) -> None:
    adapter(fake).send(email(category="c" * 300))
    assert fake.accepted[0].content["categories"] == ["c" * 255]
    adapter(fake).send(email(key="org-1/alert/1", category="alert"))
    assert fake.accepted[1].content["categories"] == ["alert"]
