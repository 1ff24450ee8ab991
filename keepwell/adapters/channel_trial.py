"""Trying an alert channel: a test message goes out by it now, and what comes of it is told."""

from __future__ import annotations

from typing import Final, Literal

from keepwell.adapters.ways import channels
from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import Message, Recipient
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.team import company_sender
from keepwell.db.tables import Organisation
from keepwell.errors import KeepwellError
from keepwell.keys import new_id
from keepwell.settings import Settings

KEPT: Final = "outbox"
"""The provider that sends nothing."""


class Tried(Frozen):
    """What came of one message: the provider took it, it is kept in the outbox, or it failed."""

    to: str
    state: Literal["sent", "kept", "failed"]
    text: str


def try_channel(
    settings: Settings, store: Store, organisation: str, channel: Channel, *, to: str, name: str
) -> Tried:
    """Send a test by email or Slack to an address, as an alert would go; a refusal is no error."""
    with store.read() as session:
        row = session.get_one(Organisation, organisation)
    sender_name, sender_address = company_sender(row)
    message = Message(
        key=f"{row.id}/notice/{new_id()}",
        organisation=row.id,
        customer="",
        channel=channel,
        recipient=Recipient(id="", kind="staff", name=name, address=to, time_zone=row.time_zone),
        sender_name=sender_name,
        sender_address=sender_address,
        subject="A test of alerts from Keepwell",
        text=f"This is a test: alerts of {row.name} reach you here. There is nothing to do.",
        html="",
        category="alert_test",
    )
    try:
        accepted = channels(settings, store)[channel].send(message)
    except KeepwellError as error:
        hint = f" {error.hint}" if error.hint else ""
        return Tried(to=to, state="failed", text=f"{to}: not sent. {error.message}{hint}")
    if accepted.provider != KEPT:
        return Tried(to=to, state="sent", text=f"{to}: {accepted.provider} took it.")
    why = "this is a demo" if row.demo else "messages are kept, not sent (KEEPWELL_SENDING)"
    return Tried(to=to, state="kept", text=f"{to}: kept in the outbox, because {why}.")
