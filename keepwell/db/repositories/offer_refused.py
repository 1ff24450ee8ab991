"""An answer from an offer's page that its run did not take: a person sees to it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.team import given_to, responsible_for
from keepwell.db.tables import Customer, PendingCommand, Task
from keepwell.rendering.filters import count

SOURCE = "offer"
"""Where commands come from that were given on an offer's page."""

TIME = timedelta(hours=4)


def by_run(session: Session, key: str, why: str, now: datetime) -> None:
    """The run itself has refused a command, which may have come from the page."""
    row = session.get(PendingCommand, key, with_for_update=True)
    if row is not None and row.source == SOURCE and row.state != "refused":
        row.state, row.why, row.told_at = "refused", why, row.told_at or now
        session.add(row)
        see_to_refused(session, row, why, now)


def see_to_refused(session: Session, row: PendingCommand, why: str, now: datetime) -> None:
    """Give whoever looks after the customer a task, once; a look at the page needs none."""
    kind = row.command.get("kind")
    if row.source != SOURCE or kind not in ("accept", "decline"):
        return
    customer = session.get_one(Customer, row.customer_id)
    person = responsible_for(session, customer)
    chosen = str(row.command.get("option") or "").replace("_", " ")
    said = f"accepted {chosen}" if kind == "accept" else "declined"
    months, plan = row.command.get("months"), row.command.get("plan")
    terms = [f"for {count(months, 'month')}" if months else "", f"onto {plan}" if plan else ""]
    task = Task(
        key=f"{row.id}/refused",
        organisation_id=row.organisation_id,
        customer_id=row.customer_id,
        kind="offer",
        title=f"{customer.name} has {said} on the offer's page: see to it by hand",
        detail=f"{row.by} {' '.join([said, *filter(None, terms)])} at {row.received_at:%Y-%m-%d %H:%M} UTC. "
        f"The intervention could not take it: {why} The customer was told that somebody gets in touch."
        + (f"\nThey say: {row.command['note']}" if row.command.get("note") else ""),
        due_at=now + TIME,
        created_at=now,
    )
    insert_if_absent(session, "task", {**task.model_dump(), **given_to(session, person, now)})
