"""Read models of people's work: tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, case, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.pages import page_of, up
from keepwell.db.repositories.views import customer_names, staff_names
from keepwell.db.tables import Task, TaskComment


class CommentLine(Frozen):
    """What somebody has written at a task."""

    at: datetime
    by: str
    text: str


class TaskLine(Frozen):
    """Work for a person; `overdue` counts for open tasks only.

    `meant_for` is the owner for whom `owner` stands in. `snoozed` says that it is out of sight until
    `snoozed_until`. `outcome` is what came of it, `alert` that of its missed deadline.
    """

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
    outcome: str = ""
    meant_for: str = ""
    snoozed: bool = False
    snoozed_until: datetime | None = None
    alert: str | None = None
    comments: tuple[CommentLine, ...] = ()


class Tasks(Frozen):
    """The first tasks, and how many there are in all; `asleep` are those that are left out as snoozed.

    `next` is the cursor of those behind them, None at the end.
    """

    tasks: tuple[TaskLine, ...]
    total: int
    asleep: int = 0
    next: str | None = None


class TaskFilter(Frozen):
    """Which tasks a list holds; what is not said narrows nothing.

    `state` is open or closed. `snoozed` lets those be in it that are out of sight.
    """

    owner: str | None = None
    customer: str | None = None
    intervention: str | None = None
    state: Literal["open", "closed"] | None = "open"
    snoozed: bool = False
    due_before: datetime | None = None
    ids: tuple[str, ...] | None = None


def tasks(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    owner: str | None = None,
    customer: str | None = None,
    everything: bool = False,
    snoozed: bool = False,
    ids: Collection[str] | None = None,
    limit: int | None = None,
) -> Tasks:
    """Open tasks, the earliest due first; with `everything` the closed ones too, after the open ones.

    Snoozed ones are left out unless `snoozed` or `everything` asks for them; but one that is overdue is
    always there, and so are those that `ids` name.
    """
    state: Literal["open"] | None = None if everything or ids is not None else "open"
    named = None if ids is None else tuple(ids)
    wanted = TaskFilter(owner=owner, customer=customer, state=state, snoozed=snoozed, ids=named)
    return task_page(session, organisation, now, wanted, limit=limit)


def task_page(
    session: Session,
    organisation: str,
    now: datetime,
    wanted: TaskFilter,
    *,
    cursor: str = "",
    limit: int | None = None,
) -> Tasks:
    """A page of tasks: the open ones first, the earliest due first.

    Raises InputError for a cursor of another list.
    """
    query, asleep = select(Task).where(Task.organisation_id == organisation, *_narrowed(wanted)), 0
    if wanted.state == "open" and not wanted.snoozed:
        sleeps = (col(Task.snoozed_until) > now) & (col(Task.due_at) >= now)
        asleep = _count(session, query.where(sleeps))
        query = query.where(col(Task.snoozed_until).is_(None) | ~sleeps)
    keys = (
        up(case((col(Task.state) == "open", 0), else_=1), int),
        up(col(Task.due_at), datetime),
        up(col(Task.id), str),
    )
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    total = len(rows) if limit is None and not cursor else _count(session, query)
    owners = staff_names(session, [one for row in rows for one in (row.owner_id, row.for_id)])
    customers = customer_names(session, [row.customer_id for row in rows])
    comments = _comments(session, [row.id for row in rows])
    lines = tuple(
        _line(row, now, owners, customers[row.customer_id].name, comments.get(row.id, ())) for row in rows
    )
    return Tasks(tasks=lines, total=total, asleep=asleep, next=following)


def closed_lately(
    session: Session, organisation: str, customer: str, now: datetime, limit: int
) -> tuple[TaskLine, ...]:
    """The customer's tasks that were closed last, the latest first."""
    query = (
        select(Task.id)
        .where(Task.organisation_id == organisation, Task.customer_id == customer, Task.state != "open")
        .where(col(Task.closed_at).is_not(None))
        .order_by(col(Task.closed_at).desc(), col(Task.id))
    )
    ids = session.exec(query.limit(limit)).all()
    if not ids:
        return ()
    lines = {one.id: one for one in tasks(session, organisation, now, ids=ids).tasks}
    return tuple(lines[one] for one in ids)


def _narrowed(wanted: TaskFilter) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    for column, value in (
        (Task.owner_id, wanted.owner),
        (Task.customer_id, wanted.customer),
        (Task.intervention_id, wanted.intervention),
    ):
        if value is not None:
            parts.append(col(column) == value)
    if wanted.ids is not None:
        parts.append(col(Task.id).in_(wanted.ids))
    if wanted.state is not None:
        parts.append(col(Task.state) == "open" if wanted.state == "open" else col(Task.state) != "open")
    if wanted.due_before is not None:
        parts.append(col(Task.due_at) < wanted.due_before)
    return parts


def _line(
    row: Task, now: datetime, owners: Mapping[str, str], customer: str, comments: tuple[CommentLine, ...]
) -> TaskLine:
    return TaskLine(
        **row.model_dump(include={"id", "title", "detail", "kind", "state", "customer_id", "step"}),
        **row.model_dump(include={"owner_id", "created_at", "due_at", "closed_at", "closed_by", "note"}),
        customer=customer,
        intervention=row.intervention_id,
        owner=owners.get(row.owner_id or "", ""),
        overdue=row.state == "open" and row.due_at < now,
        outcome=row.outcome,
        meant_for=owners.get(row.for_id or "", ""),
        snoozed=row.state == "open" and row.snoozed_until is not None and row.snoozed_until > now,
        snoozed_until=row.snoozed_until,
        alert=row.overdue_alert,
        comments=comments,
    )


def _count(session: Session, query: SelectOfScalar[Task]) -> int:
    counted = func.count().select().select_from(query.subquery())
    return int(session.connection().execute(counted).scalar_one())


def _comments(session: Session, tasks: Collection[str]) -> dict[str, tuple[CommentLine, ...]]:
    """What was written at tasks, oldest first, by the task's id."""
    by_task: dict[str, tuple[CommentLine, ...]] = {}
    if not tasks:
        return by_task
    query = select(TaskComment).where(col(TaskComment.task_id).in_(tasks))
    for row in session.exec(query.order_by(col(TaskComment.at), col(TaskComment.id))).all():
        line = CommentLine(at=row.at, by=row.by, text=row.text)
        by_task[row.task_id] = (*by_task.get(row.task_id, ()), line)
    return by_task
