"""One HTTP exchange with a whole deadline, and with a clear word on whether it ever began.

The clients of SendGrid and Slack give a socket time-out at best. That bounds one read, so that a server
which trickles bytes can hold an attempt for ever, and it does not tell a connection that never came about
(surely nothing was handed over) from an answer that never came (nobody knows). This module does both.
"""

from __future__ import annotations

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from functools import lru_cache, partial
from typing import Any
from urllib.error import URLError
from urllib.request import (
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

WHOLE = timedelta(seconds=15)
"""A provider's whole deadline: the send ledger's lease of 45 s counts on less than 20."""

CONNECT_SECONDS = 5.0
"""Of that, at most for finding the server and agreeing on a connection."""

_CHUNK = 64 * 1024


class Deadline:
    """A moment by which everything is over."""

    def __init__(self, length: timedelta) -> None:
        self._ends = time.monotonic() + length.total_seconds()
        self._length = length

    def left(self) -> float:
        """Seconds until then. Raises TimeoutError when there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no complete answer within {self._length.total_seconds():g} s")
        return left


class NotConnectedError(OSError):
    """No connection came about, so that nothing can have been handed over."""


class RefusedAddressError(NotConnectedError):
    """The server is somewhere we do not connect to."""


Guard = Callable[[str, str], str]
"""Why we do not connect to a host at this very address, or empty where we do."""


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever the status; a redirect is an answer too, and is not followed."""

    status: int
    reason: str
    headers: Message
    body: bytes


def fetch(
    request: Request, deadline: Deadline, *, guard: Guard | None = None, most: int | None = None
) -> Answer:
    """Ask once and read the whole answer.

    With a `guard` every address of the name is shown to it, and the connection goes to one of those very
    addresses, never through a proxy. With `most`, at most so many bytes of the body are read, and what
    happens to the body changes nothing: the status has come.

    Raises:
        RefusedAddressError: the guard does not let us.
        NotConnectedError: the server could not be reached, or there was no time left to try.
        OSError, http.client.HTTPException: the connection broke, the answer is no HTTP, or the time is over.
    """
    try:
        left = deadline.left()
    except TimeoutError as error:
        raise NotConnectedError(str(error)) from error
    director = OpenerDirector()
    # No handler of redirects: it would take the key along to another host.
    proxies = (ProxyHandler(),) if guard is None else ()
    for handler in (*proxies, _Http(deadline, guard), _Https(deadline, guard), UnknownHandler()):
        director.add_handler(handler)
    try:
        with director.open(request, timeout=left) as response:
            body = response.read() if most is None else _some(response, most)
            return Answer(response.status, response.reason or "", response.headers, body)
    except URLError as error:
        if isinstance(error.reason, OSError):
            raise error.reason from None
        raise NotConnectedError(str(error.reason)) from error


def dial(host: str, port: int, deadline: Deadline, guard: Guard | None = None) -> socket.socket:
    """Connect, within what is left and at most CONNECT_SECONDS.

    `socket.create_connection` gives each address of a name the whole time-out; this one does not. Where the
    `guard` refuses one of the name's addresses, none of them is tried.

    Raises:
        OSError: there is no such name, nobody answers, or the time is over.
    """
    patience = Deadline(timedelta(seconds=min(CONNECT_SECONDS, deadline.left())))
    problem: OSError | None = None
    found = _addresses(host, port, patience)
    for *_, place in found:
        if guard is not None and (why := guard(host, place[0])):
            raise RefusedAddressError(why)
    for family, kind, protocol, _name, place in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(patience.left())
            sock.connect(place)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem or OSError(f"{host} has no address")


def _some(response: Any, most: int) -> bytes:
    try:
        found: bytes = response.read(most)
    except (OSError, http.client.HTTPException):
        return b""
    return found


class _Http(HTTPHandler):
    def __init__(self, deadline: Deadline, guard: Guard | None) -> None:
        super().__init__()
        self._deadline = deadline
        self._guard = guard

    def http_open(self, req: Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Connection, deadline=self._deadline, guard=self._guard), req)


class _Https(HTTPSHandler):
    def __init__(self, deadline: Deadline, guard: Guard | None) -> None:
        super().__init__(context=_tls())
        self._deadline = deadline
        self._guard = guard

    def https_open(self, req: Request) -> http.client.HTTPResponse:
        make = partial(_SecureConnection, deadline=self._deadline, guard=self._guard)
        return self.do_open(make, req, context=_tls())


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, *, deadline: Deadline, guard: Guard | None = None, **given: Any) -> None:
        super().__init__(host, **given)
        self._deadline = deadline
        self._guard = guard
        self._create_connection = self._dial
        self.response_class = partial(_Response, deadline=deadline)  # type: ignore[assignment]  # a factory

    def connect(self) -> None:
        """Connect, with TLS and through a proxy where there is one."""
        try:
            super().connect()
        except RefusedAddressError:
            raise
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise NotConnectedError(str(error) or type(error).__name__) from error

    def send(self, data: Any) -> None:
        """Send bytes, never beyond the deadline."""
        if self.sock is None:
            self.connect()
        view = memoryview(data)
        for start in range(0, len(view), _CHUNK):
            self.sock.settimeout(self._deadline.left())
            super().send(view[start : start + _CHUNK])

    def _dial(self, address: tuple[str, int], _timeout: object, _source: object) -> socket.socket:
        return dial(*address, self._deadline, self._guard)


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    pass


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, deadline: Deadline, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        unbounded, self.fp = self.fp, io.BufferedReader(Reader(sock, deadline))
        unbounded.close()


class Reader(io.RawIOBase):
    """Reads from a socket; every read gets what is left of the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock, self._deadline = sock, deadline
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


_Addresses = list[tuple[Any, ...]]


def _addresses(host: str, port: int, patience: Deadline) -> _Addresses:
    """The addresses of a name. The system's resolver knows no time-out, so it is asked in a thread."""
    answers: queue.SimpleQueue[Callable[[], _Addresses]] = queue.SimpleQueue()

    def fail(error: Exception) -> _Addresses:
        raise error

    def look() -> None:
        try:
            found: _Addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answers.put(partial(fail, error))
        else:
            answers.put(lambda: found)

    threading.Thread(target=look, name=f"resolve {host}", daemon=True).start()
    try:
        return answers.get(timeout=patience.left())()
    except queue.Empty:
        raise TimeoutError(f"the name {host} was not resolved in time") from None
