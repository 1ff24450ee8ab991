"""What a customer's own page shows beside its figures: insights."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import id_field, moment, moment_or_none, reference


class ClientInsight(SQLModel, table=True):
    """Something that a customer may like to know of itself. `key` makes it once for the customer.

    `kind` is weekly_summary, achievement, recommendation, milestone or tip; `state` unread, read, dismissed
    or acted_on: the furthest it has come. After `expires_at` it is shown no more.
    """

    __tablename__ = "insight"
    __table_args__ = (
        UniqueConstraint("customer_id", "key"),
        Index("ix_insight_customer", "customer_id", "created_at", "id"),
        Index("ix_insight_expires", "organisation_id", "expires_at"),
    )
    id: str = id_field()
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str = reference("customer.id", index=False)
    key: str = Field(max_length=120)
    kind: str = Field(max_length=20)
    state: str = Field(default="unread", max_length=10)
    title: str
    body: str = ""
    action_label: str = Field(default="", max_length=80)
    action_url: str = Field(default="", max_length=500)
    created_at: datetime = moment()
    expires_at: datetime | None = moment_or_none()
    read_at: datetime | None = moment_or_none()
    dismissed_at: datetime | None = moment_or_none()
    acted_at: datetime | None = moment_or_none()
