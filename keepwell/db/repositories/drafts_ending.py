"""Drafts whose step is needless, or whose time is over, are withdrawn; a pause gives them more time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.drafts import DraftState
from keepwell.db.repositories import journal
from keepwell.db.repositories.deadlines import close_alert_of
from keepwell.db.tables import Delivery, Draft, Task

UNSENT = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.DRAFT)
"""The states in which a message has not been tried, or is to be tried again."""


def task_key(draft: str) -> str:
    """The key of the task that asks somebody to decide upon a draft."""
    return f"draft/{draft}"


def withdraw(
    session: Session,
    intervention: str,
    why: str,
    by: str,
    now: datetime,
    *,
    steps: Collection[str] | None = None,
) -> None:
    """Withdraw the drafts of an intervention that have not gone out, or those of these steps.

    What was approved and is still on its way goes with them: its row in the ledger is cancelled too.
    """
    for draft in _of(session, intervention, (DraftState.WAITING, DraftState.APPROVED), steps):
        delivery = session.get_one(Delivery, draft.key, with_for_update=True)
        if delivery.state not in UNSENT:
            continue
        delivery.state, delivery.reason, delivery.updated_at = DeliveryState.CANCELLED, why, now
        was, draft.state, draft.note = draft.state, DraftState.WITHDRAWN.value, why
        session.add_all([delivery, draft])
        close_task(session, draft, "withdrawn", by, now, why)
        approved = f" It was approved by {draft.decided_by}." if was == DraftState.APPROVED else ""
        journal.write(
            session,
            key=f"{draft.key}/draft.withdrawn",
            organisation=draft.organisation_id,
            customer=draft.customer_id,
            intervention=draft.intervention_id,
            kind="draft.withdrawn",
            by=by,
            text=f"{draft.step}: the draft for {draft.recipient_name} was withdrawn.{approved}",
            why=why,
            at=now,
            data={"draft": draft.id, "step": draft.step, "delivery": draft.key},
        )


def give_more_time(session: Session, intervention: str, more: timedelta, now: datetime) -> None:
    """The playbook's clock has stood still, and so has the time to decide. Under the customer's lock."""
    for draft in _of(session, intervention, (DraftState.WAITING,), None):
        draft.decide_by += more
        session.add(draft)
        task = _task(session, draft)
        if task is not None:
            task.due_at += more
            if task.due_at > now:
                close_alert_of(session, task, "there is more time: the playbook stood still", now)
                task.overdue_alert = None
            session.add(task)


def close_task(session: Session, draft: Draft, state: str, by: str, now: datetime, note: str) -> None:
    """Close the task that asked for the decision."""
    task = _task(session, draft)
    if task is not None and task.state == "open":
        task.state, task.closed_at, task.closed_by, task.note = state, now, by, note
        session.add(task)


def _task(session: Session, draft: Draft) -> Task | None:
    return session.exec(select(Task).where(Task.key == task_key(draft.id))).first()


def _of(
    session: Session, intervention: str, states: Collection[DraftState], steps: Collection[str] | None
) -> Sequence[Draft]:
    query = select(Draft).where(Draft.intervention_id == intervention, col(Draft.state).in_(states))
    if steps is not None:
        query = query.where(col(Draft.step).in_(steps))
    # The state as it is now, whatever was read before the row was held.
    held = query.order_by(col(Draft.id)).with_for_update().execution_options(populate_existing=True)
    return session.exec(held).all()
