"""A customer's new owner: interventions of every family, and open tasks, go along."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, or_, select

from keepwell.contracts.commands import Reassign
from keepwell.db.repositories import journal, pending
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.team import given_to
from keepwell.db.tables import Customer, Intervention, Staff, Task
from keepwell.keys import new_id


def carry_along(
    session: Session, customer: Customer, to: Staff, by: str, now: datetime, *, told: str | None = None
) -> int:
    """Make `to` the owner of a customer and of what is open for it; how many tasks went along.

    Open tasks of the owners before go along, also those that others have for them, and those that nobody has.
    While the new owner is away, whoever stands in has them. The runs of other open interventions than `told`
    are sent the command. Messages that are still to come go in the new owner's name by themselves. The caller
    holds the customer's lock.
    """
    runs = open_interventions(session, customer.id)
    before = {one for one in (customer.owner_id, *(run.owner_id for run in runs)) if one and one != to.id}
    customer.owner_id = to.id
    session.add(customer)
    for run in runs:
        if run.owner_id == to.id:
            continue
        run.owner_id = to.id
        session.add(run)
        if run.id != told:
            _tell(session, run, to, by, now)
    given = given_to(session, to, now)
    tasks = session.exec(
        select(Task)
        .where(Task.customer_id == customer.id, Task.state == "open")
        .where(
            or_(col(Task.owner_id).in_(before), col(Task.for_id).in_(before), col(Task.owner_id).is_(None))
        )
    ).all()
    for task in tasks:
        task.owner_id, task.for_id = given["owner_id"], given["for_id"]
        session.add(task)
    return len(tasks)


def reassign_customer(session: Session, customer: str, to: Staff, by: str, now: datetime) -> int:
    """The same for a customer without a command to one of its runs: with its line in the journal."""
    lock_customers(session, (customer,))
    # Not against those who write a line about it: they would wait, and hold what this waits for.
    row = session.get_one(Customer, customer, with_for_update={"key_share": True})
    before = session.get(Staff, row.owner_id) if row.owner_id else None
    tasks = carry_along(session, row, to, by, now)
    journal.write(
        session,
        key=f"customer/{customer}/reassigned/{new_id()}",
        organisation=row.organisation_id,
        customer=customer,
        kind="customer.reassigned",
        text=f"Reassigned to {to.name}, with {tasks} open task{'' if tasks == 1 else 's'}",
        why=f"before, {before.name} was the owner" if before else "it had no owner",
        by=by,
        at=now,
        data={"from": before.id if before else None, "to": to.id},
    )
    return tasks


def customers_of_owner(session: Session, owner: str) -> list[str]:
    """The active customers of a member of staff, by our ids."""
    query = select(Customer.id).where(Customer.owner_id == owner, col(Customer.active))
    return list(session.exec(query.order_by(col(Customer.id))).all())


def open_interventions(session: Session, customer: str) -> list[Intervention]:
    """A customer's interventions of every family that have not ended, oldest first."""
    query = select(Intervention).where(
        Intervention.customer_id == customer, col(Intervention.outcome).is_(None)
    )
    return list(session.exec(query.order_by(col(Intervention.id))).all())


def _tell(session: Session, run: Intervention, to: Staff, by: str, now: datetime) -> None:
    key = f"reassign/{new_id()}"
    command = Reassign(id=key, intervention=run.id, by=by[:200], to=to.id, to_name=to.name)
    pending.put(session, run, key=key, source="reassign", by=by, command=command, now=now)
