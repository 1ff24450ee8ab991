"""Calls of webhooks: signed as receivers check it, never long, never twice."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keepwell.adapters.webhook import MOST, new_secret, signed_headers
from keepwell.contracts.webhooks import WebhookPost
from tests.fakes.receiver import FakeReceiver, is_genuine
from tests.unit.adapters.webhook_calls import call, post

PAGE = Path(__file__).parents[3] / "docs" / "guide" / "developer.md"


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver(secret=new_secret()) as fake:
        yield fake


def test_a_receiver_recognises_us(receiver: FakeReceiver) -> None:
    answer = call(post(receiver.url, receiver.secret))
    assert answer.taken
    assert answer.status == 204
    assert receiver.accepted[0].content == {"type": "alert.raised", "text": "Köln"}
    sent = receiver.headers[0]
    assert sent["content-type"] == "application/json"
    assert sent["user-agent"].startswith("Keepwell/")


def test_forged_and_stale_calls_are_recognised(receiver: FakeReceiver) -> None:
    assert call(post(receiver.url, new_secret())).status == 401
    old = datetime.now(UTC) - timedelta(minutes=6)
    assert call(post(receiver.url, receiver.secret), at=old).status == 401
    assert not receiver.accepted
    good, body = signed_headers(post("", receiver.secret), datetime.now(UTC)), post("").body.encode()
    assert is_genuine(receiver.secret, good, body)
    assert not is_genuine(receiver.secret, good, body + b" ")
    assert not is_genuine(receiver.secret, {**good, "webhook-id": "another"}, body)
    assert not is_genuine(receiver.secret, {**good, "webhook-signature": "v1,"}, body)


def test_for_a_while_two_secrets_sign(receiver: FakeReceiver) -> None:
    assert call(post(receiver.url, new_secret(), receiver.secret)).taken
    assert len(receiver.headers[0]["webhook-signature"].split()) == 2


def test_the_page_shows_how_to_check_a_signature() -> None:
    """What stands there is run as it stands."""
    found = re.search(r"```python\n(# keepwell-webhook\n.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert found, "the page has lost its example"
    shown: dict[str, Any] = {}
    exec(found[1], shown)
    secret, now = new_secret(), datetime.now(UTC)
    what = post("", new_secret(), secret)
    body = what.body.encode()
    headers = signed_headers(what, now)
    assert shown["is_genuine"](secret, headers, body)
    assert not shown["is_genuine"](secret, headers, body + b" ")
    assert not shown["is_genuine"](new_secret(), headers, body)
    assert not shown["is_genuine"](secret, signed_headers(what, now - timedelta(minutes=6)), body)
    assert not shown["is_genuine"](secret, {}, body)


def test_the_standards_own_example() -> None:
    """The vector of the Standard Webhooks libraries."""
    what = WebhookPost(
        delivery="",
        event="msg_p5jXN8AQM9LWM0D4loKWxJek",
        url="",
        secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        body='{"test": 2432232314}',
        attempts=0,
    )
    headers = signed_headers(what, datetime.fromtimestamp(1614265330, UTC))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_redirect_is_not_followed(receiver: FakeReceiver) -> None:
    with FakeReceiver(secret=receiver.secret) as other:
        receiver.script(status=307, headers={"Location": other.url})
        answer = call(post(receiver.url, receiver.secret))
        assert (answer.status, answer.taken) == (307, False)
        assert not other.requests


def test_no_proxy_of_the_environment_is_asked(
    receiver: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeReceiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert call(post(receiver.url, receiver.secret)).taken
        assert not proxy.requests


def test_a_body_that_drips_holds_nobody_up(receiver: FakeReceiver) -> None:
    """The status has come: whether the rest does makes no difference."""
    began = time.monotonic()
    with endless(b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n", b"x", every=0.05) as (url, _):
        answer = call(post(url), seconds=2.5)
        assert 2.4 < time.monotonic() - began < 25, "the whole body would take 50 s"
    assert answer.status == 500
    receiver.script(per_byte=0.5)
    began = time.monotonic()
    answer = call(post(receiver.url, receiver.secret), seconds=2.5)
    assert answer.status is None
    assert time.monotonic() - began < 25
    assert "no usable answer" in answer.why


@contextmanager
def endless(head: bytes, piece: bytes, every: float = 0) -> Iterator[tuple[str, list[int]]]:
    """A server whose answer has no end, a piece every so many seconds; how many bytes it got rid of."""
    sent: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            try:
                taken, _ = listening.accept()
                with taken:
                    taken.recv(65536)
                    taken.sendall(head)
                    for _ in range(2_000):
                        sent.append(taken.send(piece))
                        time.sleep(every)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/hooks", sent
        listening.close()
        thread.join(5)


def test_of_a_huge_body_a_little_is_read() -> None:
    with endless(b"HTTP/1.1 400 No\r\nContent-Length: 999999999\r\n\r\n", b"x" * 65536) as (url, sent):
        answer = call(post(url))
    assert answer.status == 400
    assert len(answer.why) < 400 < MOST
    assert sum(sent) < 50_000_000, "the connection was closed long before the end"


@pytest.mark.parametrize("piece", [b"X-A: " + b"y" * 60 + b"\r\n", b"z" * 65536])
def test_huge_headers_are_not_read_to_the_end(piece: bytes) -> None:
    with endless(b"HTTP/1.1 200 OK\r\n", piece) as (url, _):
        answer = call(post(url))
    assert answer.status is None
    assert "no usable answer" in answer.why


def test_what_is_no_http_is_no_answer(receiver: FakeReceiver) -> None:
    receiver.script(raw="SSH-2.0-OpenSSH_9.6\r\n")
    assert call(post(receiver.url, receiver.secret)).status is None


def test_an_answer_says_when_to_come_again_and_never_shows_the_secret(receiver: FakeReceiver) -> None:
    receiver.script(status=429, headers={"Retry-After": "120"}, body=f"slow down, {receiver.secret}")
    answer = call(post(receiver.url, receiver.secret))
    assert answer.retry_after == timedelta(minutes=2)
    assert answer.why == "429 Too Many Requests slow down, ***"
