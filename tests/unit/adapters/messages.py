"""Messages for tests of channels."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from keepwell.contracts.delivery import Attachment, Message, Recipient
from keepwell.contracts.playbook import Channel
from tests.ports import KeptPort

KEY = "org-1/i1/critical@1/executive_email/pat/email"
SHORT = timedelta(seconds=0.6)
"""A whole deadline for tests of silence, where it makes no difference how far the talk had come by then."""
AMPLE = timedelta(seconds=2.5)
"""One for a silence that follows something: a busy machine has to get that far before it is over."""
PATIENT = timedelta(seconds=60)
"""One for tests in which nobody is silent: a busy machine is not taken for a server that is."""


def email(**fields: Any) -> Message:
    """An email with everything in it."""
    values = {
        "key": KEY,
        "organisation": "org-1",
        "customer": "acme",
        "channel": Channel.EMAIL,
        "recipient": person("Pat Person", "pat@acme.example"),
        "sender_name": "Erin Cole, CEO",
        "sender_address": "erin@brightdesk.example",
        "subject": "Grüße: your plan",
        "text": "Dear Pat",
        "html": "<p>Dear Pat</p>",
        "attachments": (
            Attachment(filename="plan.html", media_type="text/html; charset=utf-8", content="<p>Pläne</p>"),
        ),
    }
    return Message.model_validate(values | fields)


def slack(address: str, **fields: Any) -> Message:
    """A Slack message to an address."""
    return email(
        channel=Channel.SLACK,
        recipient=person("Dana Reyes", address),
        text="*Acme: critical*\nCall them",
        attachments=(),
        **fields,
    )


def person(name: str, address: str) -> Recipient:
    """A recipient."""
    return Recipient(id="pat", kind="contact", name=name, address=address, time_zone="UTC")


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and which meanwhile nobody else is given."""
    port = KeptPort()
    try:
        yield port.number
    finally:
        port.give_back()


@contextmanager
def full_queue() -> Iterator[int]:
    """A port whose server never comes to accept: connections to it take for ever."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port: int = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for one in waiting:
                one.close()
