"""Messages, the ledger's states and the gate's answers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import field_validator

from keepwell.contracts.base import Frozen
from keepwell.contracts.lines import one_line
from keepwell.contracts.playbook import Channel


class DeliveryState(StrEnum):
    """Where a delivery stands in the send ledger."""

    PLANNED = "planned"
    DRAFT = "draft"
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


MessageAction = Literal["acknowledge", "take", "take_all", "pause", "respond", "open"]
"""What a message lets a member of staff do at once, where its channel can.

"take" and "take_all" acknowledge the alerts that the message tells; the others are about its intervention.
"""


class WaysBack(Frozen):
    """How the reader of an email answers and leaves; empty where there is no such way.

    `reply_to` is where answers go instead of to the sender. The other two stand in the header
    `List-Unsubscribe` (see `keepwell.mail.headers_of`): a page of ours, and an address that unsubscribes who
    writes to it.
    """

    reply_to: str = ""
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""


class Message(WaysBack):
    """A rendered message, ready for a channel. `key` is its key in the send ledger.

    `category` says to a provider's statistics what kind of message it is: its playbook's name. `actions` are
    what staff may do at once about the `intervention`. Subject and names stay on one line.
    """

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
    category: str = ""
    intervention: str = ""
    actions: tuple[MessageAction, ...] = ()

    @field_validator("subject", "sender_name")
    @classmethod
    def _stays_on_one_line(cls, value: str) -> str:
        return one_line(value)

    @field_validator("recipient")
    @classmethod
    def _with_a_plain_name(cls, value: Recipient) -> Recipient:
        name = one_line(value.name)
        return value if name == value.name else value.model_copy(update={"name": name})


SANDBOX = "sendgrid sandbox"
"""The provider of a message that SendGrid has checked and not sent."""


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


class WaitsFor(StrEnum):
    """What a deferred message waits for: who frees it tells those that wait for it."""

    HOURS = "hours"
    ROOM = "room"
    SWITCH = "switch"
    VOICE = "voice"
    DRAFT = "draft"


class GoAt(Frozen):
    """The gate lets the message through later, why, and what it waits for.

    Hours: quiet hours or a closed day. Room: a cap. Switch: a person has stopped sending. Voice: another
    playbook speaks with the customer. Draft: a person has not decided yet.
    """

    kind: Literal["at"] = "at"
    at: datetime
    reason: str
    waits_for: WaitsFor | None = None


class DoNotGo(Frozen):
    """The gate holds the message back for good, and why."""

    kind: Literal["skip"] = "skip"
    reason: str


GateAnswer = GoNow | GoAt | DoNotGo
