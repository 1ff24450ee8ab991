"""Opening a task again that was closed: by mistake, or too early."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from keepwell.contracts.drafts import DraftState
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.drafts_ending import task_key
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.tasks import OF_TASKS, tell
from keepwell.db.repositories.team import given_to, responsible_for
from keepwell.db.tables import Customer, Draft, Intervention, InterventionStep, Staff, Task
from keepwell.errors import RefusedError

APPROVAL, FALLBACK = "approval", "fallback"


def reopen_task(session: Session, task: str, by: str, now: datetime) -> Task:
    """Open a task again. Its deadline stays; past it, there is an alert again.

    Whose owner has left goes to whoever looks after the customer now.

    Raises:
        NotFoundError: there is no such task.
        RefusedError: it is open, or what it was for has gone on: then `closed_for_good` says why.
    """
    row = found(session, Task, task, "task")
    lock_customers(session, (row.customer_id,))
    session.refresh(row, with_for_update=True)
    if row.state == "open":
        raise RefusedError(f"The task “{row.title}” is open already.")
    why = closed_for_good(session, row)
    if why:
        raise RefusedError(
            f"The task “{row.title}” can't be opened again: {why}.",
            hint="Write a comment at it, or give somebody a task of its own.",
        )
    was = f"it was {row.state} ({row.closed_by})" if row.closed_by else f"it was {row.state}"
    row.state, row.outcome, row.note = "open", "", ""
    row.closed_at, row.closed_by, row.overdue_alert = None, "", None
    owner = session.get(Staff, row.owner_id) if row.owner_id else None
    if owner is None or not owner.active:
        customer = session.get_one(Customer, row.customer_id)
        given = given_to(session, responsible_for(session, customer), now)
        row.owner_id, row.for_id = given["owner_id"], given["for_id"]
    session.add(row)
    tell(session, row, "task.reopened", f"Opened again: {row.title}", by, now, why=was)
    return row


def closed_for_good(session: Session, row: Task) -> str:
    """Why a closed task can't be opened again, as a part of a sentence; "" where it can.

    A run is told when the task of its step is done, and can't be told that it is not. Where none runs any
    more, or the task is of no step, nothing has gone on because of it.
    """
    if row.kind == APPROVAL:
        draft = session.get(Draft, row.key.removeprefix(task_key("")))
        return "the draft it asks about is decided" if _decided(draft) else ""
    run = session.get(Intervention, row.intervention_id) if row.intervention_id else None
    if run is None or run.outcome is not None or not row.step:
        return ""
    step = session.get(InterventionStep, (run.id, row.step))
    if step is None or (step.kind not in OF_TASKS and row.kind != FALLBACK):
        return ""
    return f"its playbook was told that step {row.step} is {row.state}, and has gone on"


def _decided(draft: Draft | None) -> bool:
    return draft is None or draft.state != DraftState.WAITING
