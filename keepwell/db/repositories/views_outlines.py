"""Rows by the columns alone that overviews of thousands need: whole objects cost ten times more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select as rows_of
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from keepwell.db.repositories.directory import contact_order
from keepwell.db.repositories.lookup import own
from keepwell.db.tables import Contact, Customer, Intervention
from keepwell.db.tables.interventions import RUNNING

AT_ONCE = 500
"""Ids in one statement, well below what SQLite takes as variables."""

WITHOUT_DEFINITION = defer(Intervention.definition)  # type: ignore[arg-type]
"""Definitions are long, and most of them the same."""


class CustomerOutline(NamedTuple):
    """A customer by what names and places it."""

    id: str
    name: str
    country: str
    subdivision: str
    time_zone: str
    currency: str
    monthly_revenue: float | None
    owner_id: str | None


class ContactOutline(NamedTuple):
    """A contact by what decides whether and when it may be written to."""

    id: str
    customer_id: str
    name: str
    email: str
    role: str
    consent: str
    active: bool
    time_zone: str


class TaskOutline(NamedTuple):
    """An open task by what a calendar shows of it."""

    id: str
    customer_id: str
    intervention_id: str | None
    step: str
    owner_id: str | None
    title: str
    state: str
    due_at: datetime


def parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in parts that fit one statement."""
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def customer_in(session: Session, organisation: str, customer: str) -> Customer:
    """A customer's row by our id. Raises NotFoundError where the organisation has no such customer."""
    return own(session, Customer, organisation, customer, "customer")


def customers_of(session: Session, ids: Iterable[str]) -> dict[str, CustomerOutline]:
    """These customers by id."""
    columns = [getattr(Customer, name) for name in CustomerOutline._fields]
    found: dict[str, CustomerOutline] = {}
    for part in parts(sorted(set(ids))):
        query = rows_of(*columns).where(col(Customer.id).in_(part))
        rows = map(CustomerOutline._make, session.connection().execute(query))
        found.update({one.id: one for one in rows})
    return found


def contacts_of(session: Session, customers: Iterable[str]) -> dict[str, list[ContactOutline]]:
    """The contacts of these customers by the customer's id, in the order in which we write to them."""
    columns = [getattr(Contact, name) for name in ContactOutline._fields]
    found: dict[str, list[ContactOutline]] = {one: [] for one in customers}
    for part in parts(sorted(found)):
        query = rows_of(*columns).where(col(Contact.customer_id).in_(part))
        for one in map(ContactOutline._make, session.connection().execute(query)):
            found[one.customer_id].append(one)
    for contacts in found.values():
        contacts.sort(key=contact_order)
    return found


def outlines_of(session: Session, ids: Iterable[str]) -> dict[str, Intervention]:
    """Interventions by id, without their definitions."""
    found: dict[str, Intervention] = {}
    for part in parts(sorted(set(ids))):
        query = select(Intervention).where(col(Intervention.id).in_(part)).options(WITHOUT_DEFINITION)
        found.update({one.id: one for one in session.exec(query)})
    return found


def running(
    session: Session,
    organisation: str,
    *,
    owner: str | None = None,
    playbook: str = "",
    customer: str | None = None,
) -> list[Intervention]:
    """Open interventions without their definitions, which are long; the longest open first."""
    query = (
        select(Intervention)
        .where(Intervention.organisation_id == organisation, RUNNING)
        .options(WITHOUT_DEFINITION)
    )
    if owner is not None:
        query = query.where(Intervention.owner_id == owner)
    if playbook:
        query = query.where(Intervention.playbook == playbook)
    if customer is not None:
        query = query.where(Intervention.customer_id == customer)
    rows = session.exec(query).all()
    return sorted(rows, key=lambda row: (row.started_at, row.id))


def stands_still(run: Intervention) -> str:
    """Why an intervention's clock stands until nobody knows when; "" where it runs, or that is known."""
    if run.held_why:
        return run.held_why
    if run.paused and run.paused_until is None:
        return f"paused: {run.pause_reason}" if run.pause_reason else "paused until somebody resumes it"
    return ""
