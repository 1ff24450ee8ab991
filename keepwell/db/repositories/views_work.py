"""Read models of people's work and of the journal: tasks and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views import customer_names, staff_names
from keepwell.db.tables import Event, Task


class TaskLine(Frozen):
    """Work for a person; `overdue` counts for open tasks only."""

    id: str
    title: str
    detail: str
    kind: str
    state: str
    customer_id: str
    customer: str
    intervention: str | None
    step: str
    owner_id: str | None
    owner: str
    created_at: datetime
    due_at: datetime
    overdue: bool
    closed_at: datetime | None
    closed_by: str
    note: str


class Tasks(Frozen):
    """The first tasks, and how many there are in all."""

    tasks: tuple[TaskLine, ...]
    total: int


def tasks(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    owner: str | None = None,
    customer: str | None = None,
    everything: bool = False,
    limit: int | None = None,
) -> Tasks:
    """Open tasks, the earliest due first; with `everything` the closed ones too, after the open ones."""
    query = select(Task).where(Task.organisation_id == organisation)
    if not everything:
        query = query.where(Task.state == "open")
    if owner is not None:
        query = query.where(Task.owner_id == owner)
    if customer is not None:
        query = query.where(Task.customer_id == customer)
    total = session.connection().execute(func.count().select().select_from(query.subquery())).scalar_one()
    ordered = query.order_by(col(Task.state) != "open", col(Task.due_at), col(Task.id))
    rows = session.exec(ordered.limit(limit)).all()
    owners = staff_names(session, [row.owner_id for row in rows])
    customers = customer_names(session, [row.customer_id for row in rows])
    lines = tuple(
        TaskLine(
            **row.model_dump(include={"id", "title", "detail", "kind", "state", "customer_id", "step"}),
            **row.model_dump(include={"owner_id", "created_at", "due_at", "closed_at", "closed_by", "note"}),
            customer=customers[row.customer_id].name,
            intervention=row.intervention_id,
            owner=owners.get(row.owner_id or "", ""),
            overdue=row.state == "open" and row.due_at < now,
        )
        for row in rows
    )
    return Tasks(tasks=lines, total=total)


class EventLine(Frozen):
    """A line of the journal."""

    id: str
    at: datetime
    recorded_at: datetime
    kind: str
    by: str
    text: str
    why: str
    customer_id: str | None
    customer: str
    intervention: str | None
    data: dict[str, Any]


def events(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    intervention: str | None = None,
    kind: str = "",
    recorded_from: datetime | None = None,
    limit: int | None = None,
) -> tuple[EventLine, ...]:
    """The newest lines of the journal, the oldest of them first.

    `kind` is a whole kind ("task.call") or its beginning ("task"). With `recorded_from`, the lines
    recorded at that moment or after.
    """
    query = select(Event).where(Event.organisation_id == organisation)
    if customer is not None:
        query = query.where(Event.customer_id == customer)
    if intervention is not None:
        query = query.where(Event.intervention_id == intervention)
    if kind:
        within = f"{kind.rstrip('.')}."
        query = query.where((col(Event.kind) == kind) | col(Event.kind).startswith(within, autoescape=True))
    if recorded_from is not None:
        query = query.where(col(Event.recorded_at) >= recorded_from)
    newest = query.order_by(col(Event.recorded_at).desc(), col(Event.id).desc())
    rows = sorted(session.exec(newest.limit(limit)).all(), key=lambda row: (row.recorded_at, row.id))
    customers = customer_names(session, [row.customer_id for row in rows])
    return tuple(
        EventLine(
            **row.model_dump(include={"id", "at", "recorded_at", "kind", "by", "text", "why", "data"}),
            customer_id=row.customer_id,
            customer=customers[row.customer_id].name if row.customer_id else "",
            intervention=row.intervention_id,
        )
        for row in rows
    )
