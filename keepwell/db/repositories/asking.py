"""Tasks that follow from what comes in from outside: a bounce, a complaint, a reply."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.team import given_to, lead_of, responsible_for
from keepwell.db.tables import Customer, Staff
from keepwell.keys import new_id

DUE = timedelta(hours=4)


def ask_somebody(
    session: Session,
    customer: Customer,
    *,
    key: str,
    kind: str,
    title: str,
    detail: str,
    now: datetime,
    intervention: str | None = None,
    step: str = "",
    not_to: str = "",
) -> bool:
    """Give whoever answers for the customer a task, once per key; False where it was given before.

    One that belongs to an `intervention` is withdrawn with it when the customer answers. `not_to` is a
    member of staff whom it cannot go to: then it is their lead's.
    """
    meant = responsible_for(session, customer)
    if meant is not None and meant.id == not_to:
        meant = lead_of(session, customer.organisation_id, session.get_one(Staff, not_to))
    values = {
        "id": new_id(),
        **given_to(session, meant, now),
        "key": key,
        "organisation_id": customer.organisation_id,
        "customer_id": customer.id,
        "intervention_id": intervention,
        "step": step,
        "kind": kind,
        "title": title,
        "detail": detail,
        "due_at": now + DUE,
        "created_at": now,
        "state": "open",
        "closed_by": "",
        "note": "",
    }
    return insert_if_absent(session, "task", values)
