"""What goes out beside the playbooks' messages: notices of alerts, webhooks; and drafts that wait."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class Draft(SQLModel, table=True):
    """A message that waits for a person's word, under the key of its row in the send ledger.

    `original` is the text as it was rendered, with the frame that an edited one is put into. `state` is
    waiting, approved, rejected or withdrawn (the step has become needless, or its time is over). `decide_by`
    is when the step counts as missed, on the intervention's clock; `note` why it was rejected or withdrawn.
    """

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("key"), Index("ix_draft_listed", "organisation_id", "state"))
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str = reference("customer.id")
    intervention_id: str = reference("intervention.id")
    step: str = Field(max_length=40)
    key: str = Field(max_length=240)
    channel: str = Field(max_length=10)
    recipient_id: str = Field(max_length=40)
    recipient_name: str
    subject: str
    text: str
    html: str = ""
    original: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    state: str = Field(default="waiting", max_length=10)
    created_at: datetime = moment()
    decide_by: datetime = moment()
    edited_by: str = ""
    edited_at: datetime | None = moment_or_none()
    decided_by: str = ""
    decided_at: datetime | None = moment_or_none()
    note: str = ""


class AlertChannel(SQLModel, table=True):
    """Whether alerts go out by email, Slack or webhook, from which severity on, and to whom.

    `since` is when it was last switched on: what was raised before is not told.
    """

    __tablename__ = "alert_channel"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    channel: str = Field(primary_key=True, max_length=10)
    enabled: bool = False
    severity: str = Field(default="warning", max_length=10)
    target: str = Field(default="", max_length=320)
    since: datetime = moment()


class Notice(SQLModel, table=True):
    """What is told to the staff about an alert or a task, once per key; its states are the send ledger's.

    Several may go in one message: `message` is the key that the provider knows it by, empty before the first
    attempt. Without an alert and a task it tells admins of what is wrong, in `words`. `instead` is why Slack
    did not take it, where this is the email in its place.
    """

    __tablename__ = "notice"
    key: str = Field(primary_key=True, max_length=240)
    organisation_id: str = reference("organisation.id")
    alert_id: str | None = reference("alert.id", optional=True)
    task_id: str | None = reference("task.id", optional=True)
    severity: str = Field(max_length=10)
    words: str = ""
    channel: str = Field(max_length=10)
    address: str = Field(max_length=320)
    recipient_id: str = Field(default="", max_length=40)
    recipient_name: str = ""
    recipient_zone: str = Field(default="", max_length=64)
    instead: str = ""
    message: str = Field(default="", index=True, max_length=240)
    state: str = Field(default="planned", index=True, max_length=20)
    reason: str = ""
    attempts: int = 0
    lease: str = Field(default="", max_length=40)
    deferred_until: datetime | None = moment_or_none()
    leased_until: datetime | None = moment_or_none()
    provider: str = ""
    provider_id: str = ""
    planned_at: datetime = moment()
    accepted_at: datetime | None = moment_or_none()
    updated_at: datetime = moment()


class WebhookEndpoint(SQLModel, table=True):
    """An address of somebody's that is told of events.

    `kinds` has under "wanted" the beginnings of the events' kinds, "*" for all. `old_secret` signs too until
    `old_secret_until`. `failures` are calls in a row that failed, `failing_since` the first of them.
    """

    __tablename__ = "webhook_endpoint"
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    url: str = Field(max_length=2000)
    secret: str = Field(max_length=100)
    old_secret: str = Field(default="", max_length=100)
    old_secret_until: datetime | None = moment_or_none()
    kinds: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    description: str = ""
    active: bool = True
    stopped_why: str = ""
    removed_at: datetime | None = moment_or_none()
    failures: int = 0
    failing_since: datetime | None = moment_or_none()
    created_by: str
    created_at: datetime = moment()


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint. A replay is a row of its own, `replay` counts them.

    `state` is waiting, delivered or failed. `handed_at` is when its run was started.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id", "replay"),
        Index("ix_webhook_delivery_listed", "organisation_id", "state", "created_at"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    endpoint_id: str = reference("webhook_endpoint.id", index=False)
    event_id: str = Field(max_length=40)
    replay: int = 0
    kind: str = Field(max_length=60)
    state: str = Field(default="waiting", max_length=10)
    why: str = ""
    attempts: int = 0
    created_at: datetime = moment()
    handed_at: datetime | None = moment_or_none()
    ended_at: datetime | None = moment_or_none()


class WebhookAttempt(SQLModel, table=True):
    """One call of an endpoint, and what it answered. `status` is None where no answer came."""

    __tablename__ = "webhook_attempt"
    id: str = id_field()
    delivery_id: str = reference("webhook_delivery.id")
    at: datetime = moment()
    status: int | None = None
    milliseconds: int = 0
    why: str = ""
