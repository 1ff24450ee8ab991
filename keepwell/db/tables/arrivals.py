"""What comes in from outside and must not be lost: providers' events, replies, and commands on their way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class ProviderEvent(SQLModel, table=True):
    """What a provider reported of a message, once per `event_id`; `effect` says what it has changed.

    `delivery` is the message's key in the send ledger, as the provider gave it back.
    """

    __tablename__ = "provider_event"
    __table_args__ = (UniqueConstraint("provider", "event_id"),)
    id: str = id_field()
    organisation_id: str | None = reference("organisation.id", optional=True)
    provider: str = Field(max_length=20)
    event_id: str = Field(max_length=120)
    delivery: str = Field(default="", index=True, max_length=240)
    kind: str = Field(max_length=30)
    at: datetime = moment()
    data: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    received_at: datetime = moment()
    effect: str = ""


class InboundMessage(SQLModel, table=True):
    """A message that came in by email, once per `message_id`, and what was made of it.

    `automatic` is one that no person wrote: an out-of-office note, a bounce, a list's.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("message_id"),
        Index("ix_inbound_message_listed", "organisation_id", "received_at"),
    )
    id: str = id_field()
    organisation_id: str | None = reference("organisation.id", optional=True)
    customer_id: str | None = reference("customer.id", optional=True)
    contact_id: str | None = reference("contact.id", optional=True)
    intervention_id: str | None = reference("intervention.id", optional=True)
    message_id: str = Field(max_length=200)
    delivery: str = Field(default="", max_length=240)
    from_address: str = Field(max_length=320)
    from_name: str = ""
    subject: str = ""
    text: str = ""
    automatic: bool = False
    effect: str = ""
    received_at: datetime = moment()


class PendingCommand(SQLModel, table=True):
    """A command from outside, kept until its run has heard of it: a button, a reply, a page, a widget.

    `id` makes it once: the same click again is the same command. `command` is the command as data, empty
    where the run need only look again. `state` is waiting, told or refused (with `why`); one that could not
    be told is tried again at `retry_at`. It is asking as long as nobody knows who sent it. `back` says where
    the one who sent it hears what became of it; at `answer_at` that is due (None: it is done, or not wanted).
    Without an intervention it acknowledges the alerts of a notice, and is done when its sender is known.
    """

    __tablename__ = "pending_command"
    __table_args__ = (Index("ix_pending_command_due", "state", "retry_at"),)
    id: str = Field(primary_key=True, max_length=100)
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    intervention_id: str | None = reference("intervention.id", optional=True)
    source: str = Field(max_length=20)
    by: str
    command: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    back: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    received_at: datetime = moment()
    state: str = Field(default="waiting", max_length=10)
    why: str = ""
    tries: int = 0
    retry_at: datetime = moment()
    told_at: datetime | None = moment_or_none()
    answer_at: datetime | None = moment_or_none(index=True)
    answer_tries: int = 0
