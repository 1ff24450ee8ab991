"""What may grow: opportunities that signals have shown, and offers made to customers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import (
    JSON_COLUMN,
    Json,
    Seconds,
    id_field,
    moment,
    moment_or_none,
    reference,
)


class Opportunity(SQLModel, table=True):
    """A signal that a customer could use more than it has, from its first sight to its end.

    `value` is what it may bring in a year, None where nobody knows. `state` is baseline (it was there
    at the customer's first score, and starts nothing until a person enrols it), open, running (a
    campaign has claimed it), converted, lost (the campaign ended without an upgrade) or gone (the
    signal ceased before a campaign began). `plan` and `monthly_revenue` are the customer's when it was
    last seen before a campaign began: a change of them while a campaign runs shows an upgrade. `reason`
    says why no campaign has begun, or how it ended.
    """

    __tablename__ = "opportunity"
    __table_args__ = (Index("ix_opportunity_customer_signal", "customer_id", "signal"),)
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id", index=False)
    signal: str = Field(max_length=40)
    urgency: str = Field(max_length=10)
    value: float | None = None
    currency: str = Field(default="", max_length=3)
    action: str = Field(max_length=60)
    words: str
    evidence: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    state: str = Field(default="open", index=True, max_length=20)
    reason: str = ""
    plan: str = ""
    monthly_revenue: float | None = None
    detected_at: datetime = moment()
    seen_at: datetime = moment()
    closed_at: datetime | None = moment_or_none()
    intervention_id: str | None = Field(default=None, max_length=40)


UNDECIDED = text("state IN ('offered', 'seen')")


class Offer(SQLModel, table=True):
    """An offer made by a step of an intervention, once, and what became of it.

    `options` holds the options with their limits; `terms` what was agreed. At `call_asked_at` the customer
    asked for a call about it, which leaves it open.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("intervention_id", "step"),
        Index(
            "ix_offer_open",
            "organisation_id",
            "valid_until",
            sqlite_where=UNDECIDED,
            postgresql_where=UNDECIDED,
        ),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id")
    customer_id: str = reference("customer.id")
    intervention_id: str = reference("intervention.id")
    step: str = Field(max_length=40)
    options: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    valid_for: timedelta = Field(sa_type=Seconds)
    state: str = Field(index=True, max_length=20)
    offered_at: datetime = moment()
    valid_until: datetime = moment()
    seen_at: datetime | None = moment_or_none()
    decided_at: datetime | None = moment_or_none()
    decided_by: str = ""
    call_asked_at: datetime | None = moment_or_none()
    terms: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    note: str = ""
