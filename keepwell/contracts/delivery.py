"""Messages, the ledger's states and the gate's answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from keepwell.contracts.base import Frozen
from keepwell.contracts.playbook import Channel


class DeliveryState(StrEnum):
    """Where a delivery stands in the send ledger."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class Attachment(Frozen):
    """A file that goes with a message."""

    filename: str
    media_type: str
    content: str


class Recipient(Frozen):
    """Who gets a message: a contact or a member of staff, and the address on the channel."""

    id: str
    kind: Literal["contact", "staff"]
    name: str
    address: str
    time_zone: str


class LedgerRow(Frozen):
    """What the delivery code sees of a row in the send ledger; `lease` is the attempt that holds it."""

    key: str
    state: DeliveryState
    reason: str
    lease: str
    leased_until: datetime | None
    recipient: Recipient


class LeftOver(Frozen):
    """A row in `sending` that no attempt will come back to."""

    key: str
    channel: Channel
    address: str


class Message(Frozen):
    """A rendered message, ready for a channel. `key` is its key in the send ledger."""

    key: str
    organisation: str
    customer: str
    channel: Channel
    recipient: Recipient
    sender_name: str
    sender_address: str
    subject: str
    text: str
    html: str = ""
    action_label: str = ""
    action_url: str = ""
    attachments: tuple[Attachment, ...] = ()


class Accepted(Frozen):
    """The provider took the message."""

    kind: Literal["accepted"] = "accepted"
    provider: str
    provider_id: str


class Absent(Frozen):
    """The provider knows for certain that it has no such message."""

    kind: Literal["absent"] = "absent"


class CannotSay(Frozen):
    """The provider cannot tell whether it took the message."""

    kind: Literal["cannot_say"] = "cannot_say"
    why: str


Found = Accepted | Absent | CannotSay


class GoNow(Frozen):
    """The gate lets the message through."""

    kind: Literal["now"] = "now"


class GoAt(Frozen):
    """The gate lets the message through later, and why."""

    kind: Literal["at"] = "at"
    at: datetime
    reason: str


class DoNotGo(Frozen):
    """The gate holds the message back for good, and why."""

    kind: Literal["skip"] = "skip"
    reason: str


GateAnswer = GoNow | GoAt | DoNotGo
