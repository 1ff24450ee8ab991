"""A message as the bytes of an email (RFC 5322): text, HTML beside it, attachments."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from keepwell.adapters.answers import shown
from keepwell.contracts.delivery import Attachment, Message
from keepwell.contracts.lines import one_line
from keepwell.errors import SendRefusedError
from keepwell.mail import checked_address, headers_of
from keepwell.message_ids import KEY_HEADER, message_id

LONGEST_LINE = 998
"""Characters of a line (RFC 5322, 2.1.1)."""


def as_bytes(message: Message) -> bytes:
    """The whole email, with CRLF at the end of each line.

    Raises:
        SendRefusedError: an address or a header cannot stand in an email.
    """
    plain = all(in_ascii(one).isascii() for one in (message.sender_address, message.recipient.address))
    mail = EmailMessage(policy=SMTP if plain else SMTPUTF8)
    try:
        mail["From"] = _person(message.sender_name, message.sender_address)
        mail["To"] = _person(message.recipient.name, message.recipient.address)
        mail["Subject"] = one_line(message.subject)
        if message.reply_to:
            mail["Reply-To"] = _person("", message.reply_to)
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        for one in message.attachments:
            _attach(mail, one)
        body = mail.as_bytes()
    except (ValueError, IndexError) as error:
        raise SendRefusedError(
            f"The message cannot be written as an email: {error}.", retryable=False
        ) from None
    return _machine_headers(message) + body


def _attach(mail: EmailMessage, one: Attachment) -> None:
    kind, _, subtype = one.media_type.partition(";")[0].strip().partition("/")
    name = one_line(one.filename)
    if kind == "text":
        mail.add_attachment(one.content, subtype=subtype, filename=name)
    else:
        mail.add_attachment(one.content.encode(), maintype=kind, subtype=subtype, filename=name)


def _machine_headers(message: Message) -> bytes:
    """What programs read, each on one line: the library would fold long words into what they cannot read."""
    fields = {
        "Date": format_datetime(datetime.now(UTC)),
        "Message-ID": message_id(message),
        KEY_HEADER: message.key,
        **headers_of(message),
    }
    lines = [f"{name}: {one_line(value)}" for name, value in fields.items()]
    for line in lines:
        if len(line) > LONGEST_LINE or not line.isascii():
            raise SendRefusedError(
                f"{line.partition(':')[0]} cannot stand in an email: it is too long, or not ASCII.",
                retryable=False,
            )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _person(name: str, address: str) -> Address:
    local, _, domain = in_ascii(address).rpartition("@")
    return Address(display_name=one_line(name), username=local, domain=domain)


def in_ascii(address: str) -> str:
    """An address with its domain in ASCII; what stands before the @ may need SMTPUTF8 (RFC 6531).

    Raises:
        SendRefusedError: it is none, or holds what could begin another header or command.
    """
    local, _, domain = checked_address(address).rpartition("@")
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        raise SendRefusedError(
            f"{shown(address)!r} has a domain that there cannot be.", retryable=False
        ) from None
