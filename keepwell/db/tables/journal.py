"""The append-only event journal: what happened, to whom, by whom, why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from keepwell.db.tables.base import JSON_COLUMN, Json, id_field, moment, reference

BY_PEOPLE = text("by <> 'engine'")


class Event(SQLModel, table=True):
    """One line of the journal. `key` makes a line once, however often its cause is tried.

    `at` is when it happened on the intervention's clock (virtual in a rehearsal), `recorded_at` when
    the line was written. A trigger refuses every change of a line, and its removal.
    """

    __tablename__ = "event"
    __table_args__ = (
        # Each holds what it narrows down to in the order in which lines are read: the newest first.
        Index("ix_event_listed", "organisation_id", "recorded_at", "id"),
        Index("ix_event_kinds", "organisation_id", "kind", "recorded_at", "id"),
        Index("ix_event_customer", "customer_id", "recorded_at", "id"),
        # A customer's timeline has scores and engagement events too, so it goes by when things happened.
        Index("ix_event_timeline", "customer_id", "at", "id"),
        Index("ix_event_intervention", "intervention_id", "recorded_at", "id"),
        # What people did is little beside what the engine does, and is asked for by name.
        Index(
            "ix_event_people",
            "organisation_id",
            "by",
            "recorded_at",
            "id",
            sqlite_where=BY_PEOPLE,
            postgresql_where=BY_PEOPLE,
        ),
    )
    id: str = id_field()
    key: str = Field(unique=True, max_length=240)
    organisation_id: str = reference("organisation.id", index=False)
    customer_id: str | None = reference("customer.id", optional=True, index=False)
    intervention_id: str | None = reference("intervention.id", optional=True, index=False)
    kind: str = Field(max_length=60)
    by: str
    text: str
    why: str = ""
    data: Json = Field(default_factory=dict, sa_type=JSON_COLUMN)
    at: datetime = moment()
    recorded_at: datetime = moment()
