"""What is said of an alert that starts no playbook: the task for whoever looks after the customer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, select

from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.team import given_to, responsible_for
from keepwell.db.tables import Alert, Customer, Task
from keepwell.keys import new_id

LEAST_TIME = timedelta(hours=4)
"""What a person gets for a task whose alert was due at once."""


def words_of(row: Alert) -> str:
    """An alert's reason as a line of its own."""
    return f"{row.words[:1].upper()}{row.words[1:]}"


def ask_owner(session: Session, row: Alert, playbook: Playbook, reason: str, now: datetime) -> None:
    """An alert whose playbook does not start gets a person's eyes instead."""
    customer = session.get_one(Customer, row.customer_id)
    task = {
        "id": new_id(),
        "key": _key(row),
        "organisation_id": row.organisation_id,
        "customer_id": row.customer_id,
        "kind": "alert",
        "title": f"{customer.name}: {row.words}",
        "detail": f"The playbook {playbook.label} does not start: {reason}. Look at it by hand, or fit it "
        "into what goes on with the customer already.",
        **given_to(session, responsible_for(session, customer), now),
        "due_at": max(row.due_at, now + LEAST_TIME),
        "created_at": now,
        "state": "open",
        "step": "",
        "closed_by": "",
        "note": "",
    }
    insert_if_absent(session, "task", task)


def spare_owner(session: Session, row: Alert, why: str, now: datetime) -> None:
    """Withdraw that task: the playbook has begun after all."""
    query = select(Task).where(Task.key == _key(row), Task.state == "open")
    for task in session.exec(query).all():
        task.state, task.closed_at, task.closed_by, task.note = "withdrawn", now, journal.ENGINE, why
        session.add(task)


def _key(row: Alert) -> str:
    return f"alert/{row.id}/{row.trigger}"
