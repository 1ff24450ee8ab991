"""Slack messages, over real HTTP against a fake Slack."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from keepwell.adapters.slack import Slack
from keepwell.contracts.delivery import Accepted, CannotSay
from keepwell.errors import KeepwellError, SendRefusedError, SendUnknownError
from tests.fakes.slack import TOKEN as VALID
from tests.fakes.slack import FakeSlack
from tests.unit.adapters.messages import AMPLE, KEY, PATIENT, SHORT, closed_port, slack

POST = "chat.postMessage"
BAD_TOKEN = (
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "not_allowed_token_type",
)
NOBODY = ("user_not_found", "users_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot")
DAY = 86_400.0


@pytest.fixture
def fake() -> Iterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


def adapter(fake: FakeSlack, token: str = VALID, **given: Any) -> Slack:
    return Slack(SecretStr(token), fake.url, **{"deadline": PATIENT, **given})


def refused(sender: Slack, address: str = "C0TEAM") -> SendRefusedError:
    with pytest.raises(SendRefusedError) as caught:
        sender.send(slack(address))
    return caught.value


def unknown(sender: Slack, address: str = "C0TEAM") -> SendUnknownError:
    with pytest.raises(SendUnknownError) as caught:
        sender.send(slack(address))
    return caught.value


@pytest.mark.parametrize(
    ("address", "posted_to", "appears_in"),
    [
        ("C0TEAM", "C0TEAM", "C0TEAM"),
        ("U0OMAR", "U0OMAR", "D0OMAR"),
        ("dana@brightdesk.example", "U0DANA", "D0DANA"),
    ],
)
def test_a_message_arrives_and_is_found_again(
    address: str, posted_to: str, appears_in: str, fake: FakeSlack
) -> None:
    sender = adapter(fake)
    accepted = sender.send(slack(address))
    [taken] = fake.accepted
    assert taken.content["channel"] == posted_to
    assert taken.content["text"] == "*Acme: critical*\nCall them"
    assert taken.content["metadata"] == {"event_type": "keepwell_message", "event_payload": {"key": KEY}}
    assert (taken.content["unfurl_links"], taken.content["unfurl_media"]) == (False, False)
    assert accepted == Accepted(provider="slack", provider_id=f"{appears_in}:{taken.identifier}")
    assert sender.find(KEY, address) == accepted
    assert isinstance(sender.find("another key", address), CannotSay)


def test_it_is_found_behind_many_others_and_in_no_other_conversation(fake: FakeSlack) -> None:
    sender = adapter(fake)
    accepted = sender.send(slack("C0TEAM"))
    for number in range(450):
        fake.accept(f"other {number}", {"channel": "C0TEAM", "text": "chat"}, f"{number}")
    assert sender.find(KEY, "C0TEAM") == accepted
    assert fake.asked("conversations.history") == 3
    assert isinstance(sender.find(KEY, "C0OTHER"), CannotSay)


def test_the_search_ends_after_so_many_messages(fake: FakeSlack) -> None:
    sender = adapter(fake)
    sender.send(slack("C0TEAM"))
    for number in range(2_000):
        fake.accept(f"other {number}", {"channel": "C0TEAM", "text": "chat"}, f"{number}")
    assert isinstance(sender.find(KEY, "C0TEAM"), CannotSay)
    assert fake.asked("conversations.history") == 10


def test_the_search_looks_back_a_week(fake: FakeSlack) -> None:
    """A run that waited six days for its worker still finds what it had posted."""
    sender, key = adapter(fake), "org-1/i1/critical@1/executive_email/pat/slack"
    content = {
        "channel": "C0TEAM",
        "text": "Call them",
        "metadata": {"event_type": "keepwell_message", "event_payload": {"key": key}},
    }
    fake.accept(key, content, "2.000100", at=time.time() - 8 * DAY)
    assert isinstance(sender.find(key, "C0TEAM"), CannotSay)
    fake.accept(key, content, "1.000100", at=time.time() - 6 * DAY)
    assert sender.find(key, "C0TEAM") == Accepted(provider="slack", provider_id="C0TEAM:1.000100")


def test_metadata_of_another_app_is_not_ours(fake: FakeSlack) -> None:
    metadata = {"event_type": "ticket_opened", "event_payload": {"key": KEY}}
    fake.accept(KEY, {"channel": "C0TEAM", "text": "chat", "metadata": metadata}, "1.000100")
    assert isinstance(adapter(fake).find(KEY, "C0TEAM"), CannotSay)


def test_too_many_messages_mean_later(fake: FakeSlack) -> None:
    fake.script(status=429, headers={"Retry-After": "30"}, body='{"ok": false, "error": "ratelimited"}')
    error = refused(adapter(fake))
    assert (error.retryable, error.retry_after) == (True, timedelta(seconds=30))
    assert fake.asked(POST) == 1, "the client must not try again by itself"


@pytest.mark.parametrize(
    ("name", "to_do"),
    [
        *((name, "a bot token of an app that is installed in the workspace.") for name in BAD_TOKEN),
        *((name, "Correct the person's Slack id in the staff import (column slack).") for name in NOBODY),
        ("channel_not_found", "and invite the app where it is a channel."),
        ("not_in_channel", "Invite the app to the channel."),
        ("is_archived", "The channel is archived: give the person another Slack id in the staff import."),
        ("missing_scope", "Give the app's bot this scope, and install the app again."),
        ("no_permission", "Give the app's bot this scope, and install the app again."),
        ("restricted_action", "The workspace's settings forbid it: ask its administrators."),
        ("msg_too_long", "Shorten the template."),
        ("something_new", "Slack's documentation of chat.postMessage says what it means."),
    ],
)
def test_a_no_for_good_says_what_to_do(name: str, to_do: str, fake: FakeSlack) -> None:
    fake.script(status=200, accepts=False, body=f'{{"ok": false, "error": "{name}"}}')
    error = refused(adapter(fake))
    assert not error.retryable
    assert error.message.startswith(f"Slack refused the message ({name}). ")
    assert error.message.endswith(to_do)
    assert fake.asked(POST) == 1


@pytest.mark.parametrize(
    "name", ["ratelimited", "rate_limited", "service_unavailable", "team_added_to_org", "request_timeout"]
)
def test_errors_of_the_moment_are_tried_again(name: str, fake: FakeSlack) -> None:
    fake.script(status=200, accepts=False, body=f'{{"ok": false, "error": "{name}"}}')
    assert refused(adapter(fake)).retryable


def test_a_missing_scope_is_named(fake: FakeSlack) -> None:
    body = '{"ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "im:read"}'
    fake.script(status=200, accepts=False, body=body)
    assert "(missing_scope, needs chat:write)" in refused(adapter(fake)).message


@pytest.mark.parametrize(
    "act",
    [
        {"status": 200, "body": '{"ok": false, "error": "fatal_error"}'},
        {"status": 200, "body": '{"ok": false, "error": "internal_error"}'},
        {"status": 500, "accepts": True, "body": '{"ok": false, "error": "internal_error"}'},
        {"status": 502},
        {"status": 504, "body": "<html>"},
        {"status": 302, "headers": {"Location": "/api/chat.postMessage"}},
        {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>Hotel</p>"},
        {"status": 200, "body": ""},
        {"status": 200, "body": "[1]"},
        {"status": 200, "body": "{}"},
        {"status": 200, "body": '{"ok": true}'},
        {"status": 200, "body": '{"ok": true, "channel": 7, "ts": null}'},
        {"close": "after"},
        {"close": "before"},
        {"raw": "SSH-2.0-OpenSSH_9.6\r\n\r\n"},
        {"raw": 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"ok": true'},
        {"raw": ""},
    ],
    ids=str,
)
def test_what_nobody_can_know_is_not_called_a_refusal(act: dict[str, Any], fake: FakeSlack) -> None:
    fake.script(**act)
    error = unknown(adapter(fake))
    assert error.retryable
    assert "nobody knows" in error.message
    assert fake.asked("") == 1, "nothing tries again, and no redirect is followed"


@pytest.mark.parametrize("status", [403, 404])
def test_an_address_that_is_not_slacks_is_a_no_for_good(status: int, fake: FakeSlack) -> None:
    fake.script(status=status, body="<html>")
    error = refused(adapter(fake))
    assert not error.retryable
    assert "KEEPWELL_SLACK_URL" in error.message


def test_a_server_that_says_unavailable_has_not_taken_it(fake: FakeSlack) -> None:
    fake.script(status=503, headers={"Retry-After": "5"})
    error = refused(adapter(fake))
    assert (error.retryable, error.retry_after) == (True, timedelta(seconds=5))


@pytest.mark.parametrize(
    "act", [{"wait_before": 30.0}, {"wait_after": 30.0}, {"per_byte": 0.05}], ids=["before", "after", "slow"]
)
def test_the_deadline_is_one_for_the_whole_call(act: dict[str, Any], fake: FakeSlack) -> None:
    fake.script(path=POST, **act)
    fake.script(path="users.lookupByEmail", wait_before=0.3)
    for address in ("C0TEAM", "dana@brightdesk.example"):
        began = time.monotonic()
        unknown(adapter(fake, deadline=AMPLE), address)
        assert 2.45 < time.monotonic() - began < 25


def test_a_server_that_is_not_there_has_surely_not_taken_it() -> None:
    with closed_port() as port:
        error = refused(Slack(SecretStr(VALID), f"http://127.0.0.1:{port}/api/"))
    assert error.retryable
    assert "cannot be reached" in error.message


def test_somebody_whom_slack_does_not_know_is_named_as_such(fake: FakeSlack) -> None:
    error = refused(adapter(fake), "nobody@brightdesk.example")
    assert not error.retryable
    assert "Nobody in the workspace has this email address" in error.message
    assert fake.asked(POST) == 0


@pytest.mark.parametrize("act", [{"close": "after"}, {"status": 502}, {"wait_before": 30.0}], ids=str)
def test_a_lookup_that_breaks_off_has_posted_nothing(act: dict[str, Any], fake: FakeSlack) -> None:
    fake.script(path="users.lookupByEmail", **act)
    error = refused(adapter(fake, deadline=SHORT), "dana@brightdesk.example")
    assert error.retryable
    assert fake.asked(POST) == 0


@pytest.mark.parametrize("address", ["C0OLD", "dana", "#team", "@dana", ""])
def test_an_address_that_leads_nowhere_is_refused(address: str, fake: FakeSlack) -> None:
    error = refused(adapter(fake), address)
    assert not error.retryable
    assert ("is_archived" if address == "C0OLD" else "channel_not_found") in error.message


def test_a_wrong_token_is_refused_by_name(fake: FakeSlack) -> None:
    error = refused(adapter(fake, "xoxb-somebody-elses"))
    assert "KEEPWELL_SLACK_TOKEN" in error.message


@pytest.mark.parametrize(
    "act",
    [
        {"status": 200, "accepts": False, "body": f'{{"ok": false, "error": "x", "needed": "{VALID}"}}'},
        {"status": 200, "body": VALID},
        {"raw": f"HTTP/1.1 {VALID}\r\n\r\n"},
        {"close": "after"},
    ],
    ids=["refused", "unreadable", "no http", "closed"],
)
def test_the_token_is_in_no_error_and_no_log(
    act: dict[str, Any], fake: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.script(**act)
    sender = adapter(fake)
    with pytest.raises(KeepwellError) as caught:
        sender.send(slack("C0TEAM"))
    chain: BaseException | None = caught.value
    while chain is not None:
        assert VALID not in f"{chain} {chain!r}"
        chain = chain.__cause__
    assert VALID not in caplog.text
    assert "Call them" not in caplog.text
    assert VALID not in repr(vars(sender))


def test_a_token_that_no_header_can_carry_is_not_shown(fake: FakeSlack) -> None:
    error = unknown(adapter(fake, "xoxb-broken\nkey"))
    assert "broken" not in str(error)
    assert fake.asked("") == 0


@pytest.mark.parametrize(
    "act",
    [
        {"status": 429, "headers": {"Retry-After": "30"}},
        {"status": 200, "body": '{"ok": false, "error": "missing_scope", "needed": "im:history"}'},
        {"status": 200, "body": '{"ok": true, "messages": [{}]}'},
        {"status": 200, "body": '{"ok": true, "messages": [{"ts": "1", "metadata": {"event_payload": 3}}]}'},
        {"close": "before"},
        {"wait_before": 30.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["conversations.history", "conversations.open"])
def test_a_question_that_fails_says_that_it_cannot_say(
    path: str, act: dict[str, Any], fake: FakeSlack
) -> None:
    adapter(fake).send(slack("U0DANA"))
    fake.script(path=path, **act)
    found = adapter(fake, deadline=SHORT if "wait_before" in act else PATIENT).find(KEY, "U0DANA")
    assert isinstance(found, CannotSay)
    assert "message" not in found.why
