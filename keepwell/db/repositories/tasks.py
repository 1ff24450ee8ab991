"""What people do with a task: snooze it, write at it, move its deadline, give it to somebody, close it.

Each takes the customer's lock first, as everything does that may raise or close alerts. The deadline of a
task stays what it is while it is snoozed; who moves it says why.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from keepwell.contracts.commands import Complete
from keepwell.contracts.intervention import StepState
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories import journal, pending
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.deadlines import close_alert_of
from keepwell.db.repositories.lookup import found, own
from keepwell.db.repositories.team import given_to
from keepwell.db.repositories.views import by_part
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Intervention, InterventionStep, Organisation, Staff, Task, TaskComment
from keepwell.errors import InputError, RefusedError
from keepwell.keys import new_id
from keepwell.moments import minute_words

SHORTEST_PART = 4
"""Fewer letters of an id would fit by accident."""

UNDONE = (StepState.MISSED, StepState.SKIPPED, StepState.HELD)
OF_TASKS = ("task", "escalate")


def snooze_task(session: Session, task: str, until: datetime | None, by: str, now: datetime) -> Task:
    """Put a task out of sight until a moment, or bring it back with None. Its deadline stays.

    Raises NotFoundError for none, RefusedError for one that is not open.
    """
    row = _open_task(session, task)
    row.snoozed_until = until
    session.add(row)
    zone = _zone(session, row)
    text = f"Snoozed until {minute_words(until, zone)}" if until is not None else "Woken up again"
    tell(session, row, "task.snoozed", f"{text}: {row.title}", by, now)
    return row


def comment_on(session: Session, task: str, text: str, by: str, now: datetime) -> Task:
    """Write something at a task, also at one that is closed. Raises NotFoundError."""
    row = found(session, Task, task, "task")
    if not text.strip():
        raise InputError("An empty comment says nothing.", hint="Write what the next one should know.")
    session.add(TaskComment(id=new_id(), task_id=row.id, by=by, text=text.strip(), at=now))
    tell(session, row, "task.commented", f"{text.strip()} ({row.title})", by, now)
    return row


def move_due(session: Session, task: str, due_at: datetime, reason: str, by: str, now: datetime) -> Task:
    """Move a task's deadline, with a reason; the alert of the old one is over.

    Raises NotFoundError, RefusedError for one that is not open, InputError without a reason.
    """
    if not reason.strip():
        raise InputError("A deadline is moved with a reason.", place="reason")
    row = _open_task(session, task)
    zone = _zone(session, row)
    words = f"due {minute_words(due_at, zone)} instead of {minute_words(row.due_at, zone)}"
    close_alert_of(session, row, f"the deadline was moved by {by}: {reason.strip()}", now)
    row.due_at, row.overdue_alert = due_at, None
    session.add(row)
    tell(session, row, "task.due_moved", f"{row.title}: {words}", by, now, why=reason.strip())
    return row


def give_task(session: Session, task: str, to: Staff, by: str, now: datetime) -> Task:
    """Give one task to somebody else; while they are away, to who stands in for them.

    Raises NotFoundError, RefusedError for one that is not open.
    """
    row = _open_task(session, task)
    given = given_to(session, to, now)
    row.owner_id, row.for_id = given["owner_id"], given["for_id"]
    session.add(row)
    tell(session, row, "task.given", f"{row.title}: given to {to.name}", by, now, {"to": to.id})
    return row


def close_task(
    session: Session, task: str, outcome: TaskOutcome, note: str, by: str, now: datetime
) -> tuple[Task, bool]:
    """Close a task with what came of it; the task, and whether its intervention's run is told.

    A task of a step completes the step: the command is kept in the same transaction and told to the run.

    Raises NotFoundError, RefusedError for one that is not open.
    """
    row = _open_task(session, task)
    row.state = "withdrawn" if outcome is TaskOutcome.NOT_NEEDED else "done"
    row.outcome, row.note, row.closed_at, row.closed_by = outcome.value, note.strip(), now, by
    row.snoozed_until = None
    session.add(row)
    close_alert_of(session, row, f"the task is {row.state}: {outcome.words} ({by})", now)
    why = f"{outcome.words}: {note.strip()}" if note.strip() else outcome.words
    tell(session, row, "task.closed", row.title, by, now, {"outcome": outcome.value}, why=why)
    return row, _complete_step(session, row, why, by, now)


def find_task(session: Session, organisation: str, text: str) -> str:
    """Our id of the task meant by its id, or the beginning or end of it.

    Raises NotFoundError for none, InputError for several.
    """
    ours = select(Task.id).where(Task.organisation_id == organisation)
    return by_part(session, ours, Task.id, text, "task", "keepwell tasks --all")


def own_task(session: Session, organisation: str, task: str) -> str:
    """The id of the organisation's task of exactly that id. Raises NotFoundError."""
    return own(session, Task, organisation, task, "task").id


def _open_task(session: Session, task: str) -> Task:
    """The task's row, locked after its customer."""
    row = found(session, Task, task, "task")
    lock_customers(session, (row.customer_id,))
    session.refresh(row, with_for_update=True)
    if row.state != "open":
        by = f" by {row.closed_by}" if row.closed_by else ""
        raise RefusedError(f"The task “{row.title}” is {row.state}{by} already.")
    return row


def _complete_step(session: Session, row: Task, note: str, by: str, now: datetime) -> bool:
    """Keep the command that completes the task's step, where its run still takes it."""
    run = session.get(Intervention, row.intervention_id) if row.intervention_id else None
    step = session.get(InterventionStep, (run.id, row.step)) if run is not None and row.step else None
    if run is None or step is None or run.outcome is not None:
        return False
    if step.state not in UNDONE and not (step.state == StepState.DONE and step.kind in OF_TASKS):
        return False
    key = f"task/{row.id}"
    command = Complete(id=key, intervention=run.id, by=by[:200], step=row.step, note=note[:500])
    return pending.put(session, run, key=key, source="task", by=by, command=command, now=now)


def _zone(session: Session, row: Task) -> str:
    return first_zone(session.get_one(Organisation, row.organisation_id).time_zone)


def tell(
    session: Session,
    row: Task,
    kind: str,
    text: str,
    by: str,
    now: datetime,
    data: dict[str, str] | None = None,
    *,
    why: str = "",
) -> None:
    """A line in the journal about a task."""
    journal.write(
        session,
        key=f"task/{row.id}/{kind}/{new_id()}",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.intervention_id,
        kind=kind,
        text=text,
        why=why,
        by=by,
        at=now,
        data={"task": row.id, **(data or {})},
    )
