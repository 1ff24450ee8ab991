"""Finding customers, contacts and interventions by what people type."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, case, or_
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views import SHORTEST_PART
from keepwell.db.tables import Contact, Customer, Health, Intervention
from scoring.levels import Level

SHORTEST = 2
"""A single letter finds nearly everything, and so nothing."""
SHOWN = 10


class FoundCustomer(Frozen):
    """A customer that was found."""

    id: str
    external_id: str
    name: str
    active: bool
    level: Level | None
    score: float | None


class FoundContact(Frozen):
    """A contact that was found, with its customer."""

    id: str
    name: str
    email: str
    phone: str
    title: str
    customer_id: str
    customer: str


class FoundIntervention(Frozen):
    """An intervention that was found, with its customer; `outcome` is None while it is open."""

    id: str
    playbook: str
    customer_id: str
    customer: str
    started_at: datetime
    outcome: str | None


class Found(Frozen):
    """The first of each kind, those that begin with what was typed first. `short`: too little was typed."""

    text: str
    short: bool = False
    customers: tuple[FoundCustomer, ...] = ()
    contacts: tuple[FoundContact, ...] = ()
    interventions: tuple[FoundIntervention, ...] = ()

    @property
    def total(self) -> int:
        """How many are there."""
        return len(self.customers) + len(self.contacts) + len(self.interventions)


def search(session: Session, organisation: str, text: str, *, limit: int = SHOWN) -> Found:
    """Customers by name or id; contacts by name, address or number; interventions by id, playbook, customer.

    At most `limit` of each kind; case does not count.
    """
    text = text.strip()
    if len(text) < SHORTEST:
        return Found(text=text, short=True)
    return Found(
        text=text,
        customers=_customers(session, organisation, text, limit),
        contacts=_contacts(session, organisation, text, limit),
        interventions=_interventions(session, organisation, text, limit),
    )


def _has(column: object, text: str) -> ColumnElement[bool]:
    return col(column).icontains(text, autoescape=True)


def _first(column: object, text: str) -> ColumnElement[int]:
    """Those that begin with it before those that only contain it."""
    return case((col(column).istartswith(text, autoescape=True), 0), else_=1)


def _customers(session: Session, organisation: str, text: str, limit: int) -> tuple[FoundCustomer, ...]:
    query = (
        select(Customer, Health)
        .outerjoin(Health, col(Health.customer_id) == col(Customer.id))
        .where(Customer.organisation_id == organisation)
        .where(or_(_has(Customer.name, text), _has(Customer.external_id, text), col(Customer.id) == text))
        .order_by(col(Customer.active).desc(), _first(Customer.name, text), col(Customer.name))
    )
    found: list[FoundCustomer] = []
    for row in session.exec(query.limit(limit)):
        # The outer join leaves None where a customer was never scored.
        customer, health = row[0], row[1] or None
        found.append(
            FoundCustomer(
                **customer.model_dump(include={"id", "external_id", "name", "active"}),
                level=Level(health.level) if health and health.level else None,
                score=health.score if health else None,
            )
        )
    return tuple(found)


def _contacts(session: Session, organisation: str, text: str, limit: int) -> tuple[FoundContact, ...]:
    fits = [_has(Contact.name, text), _has(Contact.email, text), col(Contact.id) == text]
    if any(letter.isdigit() for letter in text):
        fits.append(_has(Contact.phone, text))
    query = (
        select(Contact, Customer.name)
        .join(Customer, col(Customer.id) == col(Contact.customer_id))
        .where(Contact.organisation_id == organisation, or_(*fits))
        .order_by(col(Contact.active).desc(), _first(Contact.name, text), col(Contact.name))
    )
    shown = {"id", "name", "email", "phone", "title", "customer_id"}
    return tuple(
        FoundContact(**contact.model_dump(include=shown), customer=customer)
        for contact, customer in session.exec(query.limit(limit))
    )


def _interventions(
    session: Session, organisation: str, text: str, limit: int
) -> tuple[FoundIntervention, ...]:
    name, _, version = text.partition("@")
    playbook = col(Intervention.playbook).istartswith(name.replace(" ", "_"), autoescape=True)
    if version.isdigit():
        playbook &= col(Intervention.version) == int(version)
    fits = [playbook, col(Intervention.workflow_id) == text, _has(Customer.name, text)]
    if len(text) >= SHORTEST_PART:
        fits.append(col(Intervention.id).istartswith(text, autoescape=True))
        fits.append(col(Intervention.id).iendswith(text, autoescape=True))
    query = (
        select(Intervention, Customer.name)
        .join(Customer, col(Customer.id) == col(Intervention.customer_id))
        .where(Intervention.organisation_id == organisation, or_(*fits))
        .order_by(col(Intervention.outcome).is_not(None), col(Intervention.started_at).desc())
    )
    return tuple(
        FoundIntervention(
            **row.model_dump(include={"id", "customer_id", "started_at", "outcome"}),
            playbook=f"{row.playbook}@{row.version}",
            customer=customer,
        )
        for row, customer in session.exec(query.limit(limit))
    )
