"""The send ledger, what stands behind the channels, and pinned templates."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference

ON_HOLD = text("state IN ('deferred', 'unknown')")


class Delivery(SQLModel, table=True):
    """One row per intended message, under its stable key: the send ledger.

    `lease` marks the attempt that holds the row in `sending`, until `leased_until`. `begun_at` is when the
    last attempt began, on the run's own clock: caps count by it. `waits_for` says what a deferred one waits
    for, in a word. `reply_token` stands in the address that its reader answers to; "" where it has none.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_begun", "organisation_id", "begun_at"),
        Index("ix_delivery_begun_customer", "customer_id", "begun_at"),
        # What waits, or waits for somebody to find out, is little beside what has gone out.
        Index(
            "ix_delivery_on_hold",
            "organisation_id",
            "state",
            sqlite_where=ON_HOLD,
            postgresql_where=ON_HOLD,
        ),
    )
    key: str = Field(primary_key=True, max_length=240)
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    intervention_id: str = reference("intervention.id")
    step: str = Field(max_length=40)
    channel: str = Field(max_length=10)
    recipient_id: str = Field(max_length=40)
    recipient_kind: str = Field(max_length=10)
    recipient_zone: str = "UTC"
    recipient_name: str = ""
    address: str = ""
    template: str = Field(default="", max_length=64)
    subject: str = ""
    state: str = Field(index=True, max_length=20)
    reason: str = ""
    attempts: int = 0
    lease: str = Field(default="", max_length=40)
    leased_until: datetime | None = moment_or_none()
    provider: str = ""
    provider_id: str = ""
    planned_at: datetime = moment(index=True)
    begun_at: datetime | None = moment_or_none()
    deferred_until: datetime | None = moment_or_none()
    waits_for: str = Field(default="", max_length=10)
    accepted_at: datetime | None = moment_or_none()
    delivered_at: datetime | None = moment_or_none()
    opened_at: datetime | None = moment_or_none()
    clicked_at: datetime | None = moment_or_none()
    updated_at: datetime = moment()
    reply_token: str = Field(default="", index=True, max_length=32)


class OutboxMessage(SQLModel, table=True):
    """A message that the outbox took, as its recipient would see it.

    The key is not unique on purpose: the outbox is a provider like the others, and a message sent
    twice must show as two. `headers` are those of an email beside the ones that stand in columns.
    A notice about Keepwell itself has no customer.
    """

    __tablename__ = "outbox_message"
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str | None = reference("customer.id", optional=True)
    key: str = Field(index=True, max_length=240)
    channel: str = Field(max_length=10)
    recipient_name: str
    address: str
    sender_name: str
    sender_address: str
    subject: str
    text: str
    html: str = ""
    attachments: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    headers: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    accepted_at: datetime = moment(index=True)


class InAppNotification(SQLModel, table=True):
    """A notification inside the product; the row is the message.

    `state` is unseen, seen, read, dismissed or acted_on: the furthest it has come.
    """

    __tablename__ = "in_app_notification"
    id: str = id_field()
    key: str = Field(unique=True, max_length=240)
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    contact_id: str = reference("contact.id")
    title: str
    body: str
    action_label: str = ""
    action_url: str = ""
    state: str = Field(default="unseen", max_length=20)
    created_at: datetime = moment()
    seen_at: datetime | None = moment_or_none()
    read_at: datetime | None = moment_or_none()
    dismissed_at: datetime | None = moment_or_none()
    acted_at: datetime | None = moment_or_none()


class Template(SQLModel, table=True):
    """A template with all the files it includes, by the hash of their content."""

    __tablename__ = "template"
    hash: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=120)
    files: Json = Field(sa_type=JSON_COLUMN)
    stored_at: datetime = moment()
