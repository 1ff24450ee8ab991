"""Whom webhooks call: public addresses only, the one that was checked, under its own name."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from keepwell.adapters import deadline
from keepwell.adapters.public_only import PublicOnly, is_public
from keepwell.adapters.webhook import new_secret
from keepwell.errors import InputError
from tests.fakes.receiver import FakeReceiver
from tests.unit.adapters.webhook_calls import PUBLIC, call, post


@pytest.fixture
def receiver() -> Iterator[FakeReceiver]:
    with FakeReceiver(secret=new_secret()) as fake:
        yield fake


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Names lead where a test says: one answer after the other, the last for ever."""

    def answers(*rounds: list[str]) -> list[str]:
        asked: list[str] = []
        real = socket.getaddrinfo

        def look(host: str, port: int, *given: Any, **named: Any) -> Any:
            if not host.endswith(".test"):
                return real(host, port, *given, **named)
            asked.append(host)
            found = rounds[min(len(asked), len(rounds)) - 1]
            if not found:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [line for one in found for line in real(one, port, 0, socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", look)
        return asked

    return answers


CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
]
OPEN = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.1.1",
    "192.0.1.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::5e",
]


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_no_public_address_is_refused(address: str, resolver: Callable[..., list[str]]) -> None:
    assert not is_public(ip_address(address))
    resolver([address])
    answer = call(post("https://rebound.test/hooks"), PUBLIC)
    assert (answer.status, answer.refused) == (None, True)
    assert "not on the public internet" in answer.why
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InputError, match="refused"):
        PUBLIC.url(f"https://{host}/hooks")


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"])
def test_an_ipv4_address_in_other_clothes_is_what_it_is(
    address: str, resolver: Callable[..., list[str]]
) -> None:
    resolver([address])
    assert call(post("https://rebound.test/"), PUBLIC).refused
    with pytest.raises(InputError, match="refused"):
        PUBLIC.url(f"https://[{address}]/")
    assert PUBLIC.refuses("x.test", "fe80::1%eth0")


@pytest.mark.parametrize("address", OPEN)
def test_public_addresses_are_fine(address: str) -> None:
    assert is_public(ip_address(address))
    assert PUBLIC.refuses("x.test", address) == ""


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "0",
        "017700000001",
        "localhost",
        "127.0.0.1.",
    ],
)
def test_other_ways_to_write_this_machine(host: str, receiver: FakeReceiver) -> None:
    port = receiver.address.rpartition(":")[2]
    answer = call(post(f"https://{host}:{port}/hooks"), PUBLIC)
    assert answer.status is None
    # A system that does not read such a number finds no such name.
    assert answer.refused or "no connection" in answer.why
    assert not receiver.requests


def test_a_name_that_changes_its_mind_gets_nothing(
    receiver: FakeReceiver, resolver: Callable[..., list[str]]
) -> None:
    """First public, then here: the address that was checked is the one that is called, or none."""
    port = receiver.address.rpartition(":")[2]
    asked = resolver(["127.0.0.1"])
    only = PublicOnly(("10.0.0.0/8",))
    answer = call(post(f"https://rebound.test:{port}/hooks"), only)
    assert answer.refused
    assert len(asked) == 1, "looked up once, for check and connection"
    # One private address among public ones is enough.
    resolver(["8.8.8.8", "127.0.0.1"])
    assert call(post("https://rebound.test/"), only).refused
    assert not receiver.requests


def test_the_connection_goes_to_the_address_that_was_checked(
    receiver: FakeReceiver, resolver: Callable[..., list[str]]
) -> None:
    """A second look-up would lead to another machine; there is none."""
    port = receiver.address.rpartition(":")[2]
    asked = resolver(["127.0.0.1"], ["192.0.2.1"])
    answer = call(post(f"http://receiver.test:{port}/hooks", receiver.secret))
    assert answer.taken
    assert asked == ["receiver.test"]
    assert receiver.headers[0]["host"] == f"receiver.test:{port}"


def test_a_name_without_an_address(resolver: Callable[..., list[str]]) -> None:
    resolver([])
    answer = call(post("https://nowhere.test/"), PUBLIC)
    assert (answer.status, answer.refused) == (None, False), "a name may come back: it is tried again"
    assert "Name or service not known" in answer.why


@pytest.fixture
def encrypted(receiver: FakeReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeReceiver:
    """A receiver with a certificate for receiver.test, which we trust."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        program,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=receiver.test",
    ]
    made += ["-addext", "subjectAltName=DNS:receiver.test", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)
    receiver._server.socket = ours.wrap_socket(receiver._server.socket, server_side=True)
    theirs = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(deadline, "_tls", lambda: theirs)
    return receiver


def test_the_certificate_is_checked_by_the_name(
    encrypted: FakeReceiver, resolver: Callable[..., list[str]]
) -> None:
    """The connection goes to an address; whose it is, the name says."""
    port = encrypted.address.rpartition(":")[2]
    resolver(["127.0.0.1"])
    assert call(post(f"https://receiver.test:{port}/hooks", encrypted.secret)).taken
    for host in ("another.test", "127.0.0.1"):
        answer = call(post(f"https://{host}:{port}/hooks", encrypted.secret))
        assert answer.status is None
        assert "certificate verify failed" in answer.why
    assert len(encrypted.accepted) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/hooks", "not encrypted"),
        ("ftp://example.com/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("https:///hooks", "https://"),
        ("example.com/hooks", "https://"),
        ("https://user:word@example.com/", "a user or a password"),
        ("https://example.com@10.0.0.1/", "a user or a password"),
        ("https://example.com:22/", "port 22"),
        ("https://example.com:25/", "port 25"),
        ("https://example.com:99999/", "cannot be read"),
        ("https://example.com/#part", "fragment"),
        ("https://exam ple.com/", "does not belong"),
        ("https://example.com\\@10.0.0.1/", "does not belong"),
        ("https://example.com/\r\nX-Evil: 1", "does not belong"),
        ("https://exämple.com/", "does not belong"),
        ("https://[::1/", "cannot be read"),
        (f"https://example.com/{'x' * 2000}", "longer than"),
    ],
)
def test_urls_that_are_none_for_us(url: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        PUBLIC.url(url)
    assert call(post(url), PUBLIC).refused, "nor one that got into the store before"


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        PUBLIC.url("https://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value)


def test_what_is_ours_may_be_allowed() -> None:
    ours = PublicOnly(("hooks.internal", "10.1.0.0/16", "fd12::/16"))
    for url in (
        "http://hooks.internal/x",
        "http://10.1.2.3:81/x",
        "https://[fd12::5]/",
        "https://example.com:8443/",
    ):
        assert ours.url(url) == url
    with pytest.raises(InputError):
        ours.url("https://10.2.0.1/")
    assert ours.refuses("HOOKS.internal.", "192.168.1.1") == ""
    assert ours.refuses("other.internal", "10.1.255.1") == ""
    assert ours.refuses("other.internal", "10.2.0.1")
    assert ours.refuses("hooks.internal.example.com", "10.2.0.1")
