"""Engagement events, what is watched because of them, and the alerts raised."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, moment_or_none, reference


class EngagementEvent(SQLModel, table=True):
    """What a customer did, or what happened to it, as the product or another system reports it.

    `key` makes it once: it is made of the sender's own id, or else of customer, kind and moment.
    """

    __tablename__ = "engagement_event"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key"),
        Index("ix_engagement_event_customer_at", "customer_id", "at"),
        # All that figures of a period read of it.
        Index("ix_engagement_event_listed", "organisation_id", "at", "kind", "customer_id"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str = reference("customer.id", index=False)
    key: str = Field(max_length=80)
    kind: str = Field(max_length=60)
    at: datetime = moment()
    data: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    received_at: datetime = moment()


class Watch(SQLModel, table=True):
    """What the monitor waits for: the next event of a customer, of one of its features or tasks.

    `what` is activity, feature, task or once; `name` says which. `check_at` is when its silence has to be
    looked at, empty where there is nothing to wait for: so a pass reads only what is due, by an index.
    """

    __tablename__ = "watch"
    __table_args__ = (
        Index("ix_watch_due", "organisation_id", "check_at"),
        Index("ix_watch_newest", "organisation_id", "what", "last_at"),
    )
    customer_id: str = Field(foreign_key="customer.id", primary_key=True, max_length=40)
    what: str = Field(primary_key=True, max_length=20)
    name: str = Field(primary_key=True, max_length=100)
    organisation_id: str = reference("organisation.id", index=False)
    first_at: datetime = moment()
    last_at: datetime = moment()
    days: int = 1
    done: bool = False
    detail: str = Field(default="", max_length=40)
    check_at: datetime | None = moment_or_none()


class Alert(SQLModel, table=True):
    """Something that a person should know of a customer. `key` makes each occurrence fire once.

    `decision` is what its playbook made of it: empty until it was handed over, then started, refused or
    none (no playbook goes with it), with the `reason`. `tries` is how often the hand-over has failed, and
    `retry_at` when it is due again.
    """

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key"),
        Index("ix_alert_customer_state", "customer_id", "state"),
        Index("ix_alert_listed", "organisation_id", "state", "raised_at"),
        Index("ix_alert_undecided", "organisation_id", "decision"),
        Index("ix_alert_fading", "organisation_id", "trigger", "state", "raised_at"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str = reference("customer.id", index=False)
    key: str = Field(max_length=240)
    trigger: str = Field(max_length=30)
    subject: str = Field(default="", max_length=100)
    severity: str = Field(max_length=10)
    words: str
    evidence: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    raised_at: datetime = moment()
    due_at: datetime = moment()
    escalated_at: datetime | None = moment_or_none()
    state: str = Field(default="open", max_length=20)
    acknowledged_at: datetime | None = moment_or_none()
    acknowledged_by: str = ""
    closed_at: datetime | None = moment_or_none()
    closed_why: str = ""
    decision: str | None = Field(default=None, max_length=20)
    reason: str = ""
    decided_at: datetime | None = moment_or_none()
    intervention_id: str | None = Field(default=None, max_length=40)
    tries: int = 0
    retry_at: datetime | None = moment_or_none()


class AlertRule(SQLModel, table=True):
    """What an organisation has set for a trigger; for a category threshold, of one category.

    No row: the trigger's own default. `number` is the threshold, `words` a list, where the trigger takes one.
    """

    __tablename__ = "alert_rule"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    trigger: str = Field(primary_key=True, max_length=30)
    subject: str = Field(primary_key=True, max_length=60)
    enabled: bool = True
    number: float | None = None
    words: str = ""


class MonitorState(SQLModel, table=True):
    """How far the monitor of an organisation has come.

    `figures_day` is the last day whose momentum figures are complete; of `figures_begun` they are written as
    far as the customer `figures_after`. `passed_at` is the moment up to which predictions are looked at.
    `held_until` is until when silence says nothing, because the feed of events had stopped.
    """

    __tablename__ = "monitor_state"
    organisation_id: str = Field(foreign_key="organisation.id", primary_key=True, max_length=40)
    figures_day: date | None = None
    figures_begun: date | None = None
    figures_after: str = Field(default="", max_length=40)
    passed_at: datetime | None = moment_or_none()
    held_until: datetime | None = moment_or_none()
