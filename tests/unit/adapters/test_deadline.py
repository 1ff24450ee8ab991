"""The whole deadline of a call to a provider: shorter than the lease, and kept with servers of all kinds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from urllib.request import Request

import pytest
from pydantic import SecretStr

from activities.delivery import LEASE
from keepwell.adapters import deadline
from keepwell.adapters.deadline import CONNECT_SECONDS, WHOLE, Deadline, NotConnectedError, fetch
from keepwell.adapters.sendgrid import SendGrid
from keepwell.contracts.delivery import Accepted
from keepwell.errors import SendRefusedError
from tests.fakes.sendgrid import KEY as VALID
from tests.fakes.sendgrid import FakeSendGrid
from tests.unit.adapters.messages import KEY, closed_port, email, full_queue

LARGE = b"x" * 27_000_000
"""The body of an email with an attachment of 20 MB: more than the buffers of a connection hold."""

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def test_the_lease_outlasts_the_deadline_with_time_to_spare() -> None:
    """Else a retry asks the provider while the earlier attempt may still be under way."""
    assert WHOLE + timedelta(seconds=2) < LEASE / 2
    assert timedelta(seconds=CONNECT_SECONDS) < WHOLE


def test_a_connection_is_not_waited_for_as_long_as_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "CONNECT_SECONDS", 0.3)
    with full_queue() as port:
        began = time.monotonic()
        with pytest.raises(SendRefusedError) as caught:
            SendGrid(SecretStr(VALID), f"http://127.0.0.1:{port}").send(email())
        took = time.monotonic() - began
    assert caught.value.retryable
    assert 0.25 < took < 12, "the whole deadline is 15 s"


def test_where_no_time_is_left_nothing_was_handed_over() -> None:
    """Finding out who the recipient is may take all of it."""
    with FakeSendGrid() as fake, pytest.raises(NotConnectedError, match="within 0 s"):
        fetch(Request(fake.url), Deadline(timedelta()))
    assert fake.asked("") == 0


@contextmanager
def answering(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """The address of a server of one connection."""
    stop = threading.Event()

    def accept(server: socket.socket) -> None:
        with suppress(OSError), server.accept()[0] as connection:
            serve(connection, stop)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            # If nobody came, it waits still.
            socket.create_connection(server.getsockname()).close()
            thread.join()


def never_reads(_connection: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def reads_slowly(connection: socket.socket, stop: threading.Event) -> None:
    """Each piece comes in time, all of them would take more than half a minute."""
    while connection.recv(64 * 1024):
        stop.wait(0.1)


@pytest.mark.parametrize("server", [never_reads, reads_slowly])
def test_a_large_message_that_nobody_reads_ends_by_the_deadline(
    server: Callable[[socket.socket, threading.Event], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the whole one: what is left of the time for connecting does not count any more."""
    monkeypatch.setattr(deadline, "CONNECT_SECONDS", 1.5)
    with answering(server) as address:
        request = Request(f"http://{address}/v3/mail/send", data=LARGE)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            fetch(request, Deadline(timedelta(seconds=2.5)))
        took = time.monotonic() - began
    assert 2.45 < took < 25


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies, to put one into."""
    for name in (*PROXIES, *(name.upper() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_proxy_of_the_environment_is_used(proxies: pytest.MonkeyPatch) -> None:
    with FakeSendGrid() as behind:
        proxies.setenv("http_proxy", behind.url)
        accepted = SendGrid(SecretStr(VALID), "http://sendgrid.invalid").send(email())
        assert accepted == Accepted(provider="sendgrid", provider_id=behind.accepted[0].identifier)
        assert behind.counts() == {KEY: 1}


def test_a_proxy_is_not_used_for_an_address_that_is_excepted(proxies: pytest.MonkeyPatch) -> None:
    with FakeSendGrid() as fake, closed_port() as nobody:
        proxies.setenv("http_proxy", f"http://127.0.0.1:{nobody}")
        with pytest.raises(SendRefusedError, match="cannot be reached"):
            SendGrid(SecretStr(VALID), fake.url).send(email())
        proxies.setenv("no_proxy", "127.0.0.1")
        SendGrid(SecretStr(VALID), fake.url).send(email())
        assert fake.counts() == {KEY: 1}


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_key(proxies: pytest.MonkeyPatch) -> None:
    """A proxy that will not make one has handed nothing over."""
    heard: list[bytes] = []

    def refuses(connection: socket.socket, _stop: threading.Event) -> None:
        heard.append(connection.recv(64 * 1024))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with answering(refuses) as address:
        proxies.setenv("https_proxy", f"http://{address}")
        with pytest.raises(SendRefusedError, match="403 Forbidden") as caught:
            SendGrid(SecretStr(VALID), "https://sendgrid.invalid").send(email())
    assert caught.value.retryable
    assert heard[0].startswith(b"CONNECT sendgrid.invalid:443 HTTP/1.")
    assert VALID.encode() not in heard[0]
