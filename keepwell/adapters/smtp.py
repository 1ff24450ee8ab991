"""Email through a mail server of the organisation's own (RFC 5321), with the standard library's client.

The one thing that matters here is the moment at which the final dot has left us: before it, a broken
connection has surely handed nothing over; after it, nobody knows.
"""

from __future__ import annotations

import io
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal

from pydantic import SecretStr

from keepwell.adapters.answers import shown
from keepwell.adapters.deadline import WHOLE, Deadline, Reader, dial
from keepwell.adapters.mime import as_bytes, in_ascii
from keepwell.contracts.delivery import Accepted, CannotSay, Found, Message
from keepwell.errors import ConfigurationError, NoMailboxError, SendRefusedError, SendUnknownError
from keepwell.message_ids import message_id
from keepwell.settings import Settings

Security = Literal["starttls", "tls", "none"]

NO_MAILBOX = re.compile(r"\b5\.1\.(?:1|10)\b")
"""The mailbox does not exist (RFC 3463, X.1.1), or its domain takes no mail at all (RFC 7505, X.1.10)."""

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Server:
    """A mail server, and how we sign in; without a `user` we do not.

    `tls` is what certificates are checked by, None for the authorities that the system knows.
    """

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: SecretStr | None = None
    tls: ssl.SSLContext | None = field(default=None, compare=False)


def mail_server(settings: Settings) -> Server:
    """The mail server that the settings name.

    Raises:
        ConfigurationError: they name none, or half of what signing in takes.
    """
    if not settings.smtp_host:
        raise ConfigurationError(
            "KEEPWELL_EMAIL is 'smtp', but KEEPWELL_SMTP_HOST is not set.",
            hint="Set it to the name of your mail server, or set KEEPWELL_EMAIL=sendgrid.",
        )
    if bool(settings.smtp_user) != (settings.smtp_password is not None):
        missing, there = ("USER", "PASSWORD") if not settings.smtp_user else ("PASSWORD", "USER")
        raise ConfigurationError(
            f"KEEPWELL_SMTP_{there} is set, but KEEPWELL_SMTP_{missing} is not.",
            hint="Set both, or neither for a mail server that asks nobody to sign in.",
        )
    return Server(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )


class Smtp:
    """Implements the port `ChannelAdapter` for email. `deadline` bounds each sending as a whole."""

    provider = "smtp"

    def __init__(self, server: Server, *, deadline: timedelta = WHOLE) -> None:
        self._server = server
        self._deadline = deadline

    def send(self, message: Message) -> Accepted:
        """Hand the message over, once: nothing in here tries again.

        Raises:
            NoMailboxError: there is no such mailbox.
            SendRefusedError: the server said no, or the connection was lost before the whole message was out.
            SendUnknownError: the connection was lost after it, or the answer to it cannot be read.
        """
        sender, recipient = in_ascii(message.sender_address), in_ascii(message.recipient.address)
        content = as_bytes(message)
        client = self._connected()
        try:
            _agreed(client, self._server)
            _hand_over(client, sender, recipient, content)
        except _LostAfterError as error:
            raise SendUnknownError(
                f"{self._name} gave no usable answer to the message ({self._shown(str(error))}): "
                "nobody knows whether it was taken."
            ) from None
        except _NoError as error:
            raise self._refused(error, recipient) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            words = self._shown(str(error)) or type(error).__name__
            raise SendRefusedError(
                f"{self._name} took nothing: {words}.",
                retryable=isinstance(error, (OSError, smtplib.SMTPException)),
            ) from None
        finally:
            client.leave()
        return Accepted(provider=self.provider, provider_id=message_id(message))

    def find(self, key: str, address: str) -> Found:  # noqa: ARG002
        """Mail servers do not say what they have taken."""
        return CannotSay(why="A mail server cannot be asked what became of a message")

    def sign_in(self) -> None:
        """Connect and sign in without sending anything, to see whether that works.

        Raises:
            SendRefusedError: it does not.
        """
        client = self._connected()
        try:
            _agreed(client, self._server)
        except _NoError as error:
            raise self._refused(error, "") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            words = self._shown(str(error)) or type(error).__name__
            raise SendRefusedError(f"{self._name}: {words}.", retryable=True) from None
        finally:
            client.leave()

    def _connected(self) -> _Client:
        client = _Client(self._server, Deadline(self._deadline))
        try:
            code, words = client.connect(self._server.host, self._server.port)
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            client.leave()
            raise SendRefusedError(
                f"{self._name} cannot be reached: {self._shown(str(error)) or type(error).__name__}.",
                retryable=True,
            ) from None
        if code == 220:
            return client
        client.leave()
        raise self._refused(_NoError("the connection", code, words), "")

    def _refused(self, no: _NoError, recipient: str) -> SendRefusedError:
        words = self._shown(f"{no.code} {no.words.decode(errors='replace')}")
        text = f"{self._name} refused {no.what} ({words})."
        if 400 <= no.code < 500:
            return SendRefusedError(text, retryable=True)
        if no.what == _RECIPIENT and NO_MAILBOX.search(words):
            return NoMailboxError(text, address=recipient)
        todo = f" {_TO_DO[no.what]}" if no.what in _TO_DO else ""
        return SendRefusedError(f"{text}{todo}", retryable=False)

    def _shown(self, words: str) -> str:
        password = self._server.password
        return shown(words, *((password.get_secret_value(),) if password else ()))

    @property
    def _name(self) -> str:
        return f"The mail server {self._server.host}:{self._server.port}"


_RECIPIENT = "the recipient"
_SIGN_IN = "to sign us in"
_TLS = "encryption"
_TO_DO = {
    _SIGN_IN: "Check KEEPWELL_SMTP_USER and KEEPWELL_SMTP_PASSWORD.",
    _TLS: "Set KEEPWELL_SMTP_SECURITY to what the server offers.",
    "the sender": "It must let the signed-in user send in this name.",
}
"""What we asked when the server said no, and what there is to do about it."""


class _NoError(Exception):
    """The server answered a question with no: which, and in what words."""

    def __init__(self, what: str, code: int, words: bytes) -> None:
        super().__init__(what, code)
        self.what, self.code, self.words = what, code, words


class _LostAfterError(Exception):
    """The whole message was out, and then no answer came that says yes or no."""


def _agreed(client: _Client, server: Server) -> None:
    """Greet, encrypt and sign in, as the settings say: never with less than they ask for."""
    with _asking("our greeting"):
        client.ehlo_or_helo_if_needed()
    if server.security == "starttls":
        if not client.has_extn("starttls"):
            raise _NoError(_TLS, 502, b"it does not offer STARTTLS")
        with _asking(_TLS):
            client.starttls(context=server.tls or _verifying())
        with _asking("our greeting"):
            client.ehlo_or_helo_if_needed()
    if server.user:
        with _asking(_SIGN_IN):
            client.login(server.user, server.password.get_secret_value() if server.password else "")


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Give what the library raises for a no the form of a no; a lost connection stays one."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        raise _NoError(what, error.smtp_code, said if isinstance(said, bytes) else said.encode()) from None
    except smtplib.SMTPServerDisconnected:
        raise
    except (smtplib.SMTPException, UnicodeError) as error:
        # No way of signing in that both sides know, or a name that none of them can carry.
        raise _NoError(what, 504, (str(error) or type(error).__name__).encode()) from None


def _hand_over(client: _Client, sender: str, recipient: str, content: bytes) -> None:
    options = [] if (sender + recipient).isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    if options and not client.has_extn("smtputf8"):
        raise _NoError(_RECIPIENT, 553, b"it takes no addresses with other letters than ASCII")
    _said_yes("the sender", client.mail(sender, options))
    _said_yes(_RECIPIENT, client.rcpt(recipient))
    code, words = client.docmd("DATA")
    if code != 354:
        raise _NoError("the message", code if code >= 400 else 451, words)
    client.send(_quoted(content))
    try:
        code, words = client.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise _LostAfterError(str(error) or type(error).__name__) from None
    if 400 <= code < 600:
        raise _NoError("the message", code, words)
    if not 200 <= code < 300:
        raise _LostAfterError(f"it answered {code} {words.decode(errors='replace')}")


def _said_yes(what: str, answer: tuple[int, bytes]) -> None:
    code, words = answer
    if not 200 <= code < 300:
        # An answer that is none says nothing of later.
        raise _NoError(what, code if code >= 400 else 451, words)


def _quoted(content: bytes) -> bytes:
    """The message with dots doubled at the beginning of lines, and with the final dot (RFC 5321, 4.5.2)."""
    return re.sub(rb"(?m)^\.", b"..", content).removesuffix(b"\r\n") + b"\r\n.\r\n"


@lru_cache(maxsize=1)
def _verifying() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Client(smtplib.SMTP):
    """The library's client, with one deadline for everything."""

    def __init__(self, server: Server, deadline: Deadline) -> None:
        # The library would look a name up, which may take longer than the deadline.
        super().__init__(local_hostname=_own_name())
        # What certificates are checked against.
        self._host = server.host
        self._server = server
        self._deadline = deadline

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:  # noqa: ARG002
        sock = dial(host, port, self._deadline)
        if self._server.security != "tls":
            return sock
        try:
            sock.settimeout(self._deadline.left())
            return (self._server.tls or _verifying()).wrap_socket(sock, server_hostname=host)
        except OSError:
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """An answer, never beyond the deadline."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(Reader(self.sock, self._deadline))
        return super().getreply()

    def send(self, s: Any) -> None:
        """Send bytes, never beyond the deadline."""
        data = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        for start in range(0, len(data), _CHUNK):
            if self.sock is not None:
                self.sock.settimeout(self._deadline.left())
            super().send(data[start : start + _CHUNK])

    def leave(self) -> None:
        """Say goodbye without waiting for the answer, and hang up."""
        with suppress(OSError, smtplib.SMTPException):
            if self.sock is not None:
                self.putcmd("quit")
        with suppress(OSError):
            self.close()


@lru_cache(maxsize=1)
def _own_name() -> str:
    """Who we say we are: the machine's name where it is a whole one, else a literal (RFC 5321, 4.1.3)."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
