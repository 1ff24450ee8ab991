"""The customer that tests rehearse, and others like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import col, delete

from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.tables import Alert, Contact, Customer, Opportunity, Organisation
from scoring.signal import Signal
from scoring.triggers import Finding
from tests.unit.db.world import World
from tests.workflows.rehearsal_scripts import DAY, FIGURES

KEY = "acme"
DUE = timedelta(hours=14, minutes=58)
CONTACTS = tuple(f"{KEY}-{number}" for number in range(2))


def furnish(world: World, signal: Signal | None = None, finding: Finding | None = None) -> str:
    """A customer with a past, and others like it, some of whom found their way up or have upgraded.

    With a finding it has an alert that nobody has decided upon, due in about 15 hours.
    """
    now = datetime.now(UTC)
    alike: dict[str, Any] = {"industry": "Retail", "segment": "small business"}
    world.customer(KEY, owner_id="dana", monthly_revenue=1200.0, plan="Team", **alike)
    for contact, role in zip(CONTACTS, ("decision_maker", "champion"), strict=True):
        world.contact(contact, KEY, role=role, consent="granted")
    world.score(KEY, 78, now - 40 * DAY)
    world.score(KEY, 72, now - 3 * DAY)
    for number in range(6):
        peer = world.customer(f"peer-{number}", **alike)
        world.score(peer, 30 + 5 * number, now - 90 * DAY)
        world.score(peer, 70 + 3 * number, now - 2 * DAY)
    if signal is not None:
        world.measure(KEY, FIGURES[signal], now - 2 * DAY)
        for number in range(4):
            upgraded(world, f"peer-{number}", signal, now - 20 * DAY)
    if finding is not None:
        with world.store.write() as session:
            alert = raise_alert(session, session.get_one(Customer, KEY), finding, "one", now)
            # Between two full steps of the grid: a rehearsal begins some seconds later than the real run.
            session.get_one(Alert, alert).due_at = now + DUE
    return KEY


def _no_contacts(world: World) -> None:
    with world.store.write() as session:
        session.connection().execute(delete(Contact).where(col(Contact.customer_id) == KEY))


def _no_owner_first_withdrew(world: World) -> None:
    world.change(Customer, KEY, owner_id=None)
    world.change(Contact, CONTACTS[0], consent="denied")


def _all_withdrew(world: World) -> None:
    for contact in CONTACTS:
        world.change(Contact, contact, consent="denied")


def _consent_required(world: World) -> None:
    """The organisation asks for consent, and nobody has said anything."""
    world.change(Organisation, world.organisation, consent_required=True)
    for contact in CONTACTS:
        world.change(Contact, contact, consent="unknown")


LACKS: Mapping[str, Callable[[World], None]] = {
    "no contacts": _no_contacts,
    "no owner, and the first contact withdrew": _no_owner_first_withdrew,
    "all contacts withdrew": _all_withdrew,
    "consent required": _consent_required,
}
"""What the furnished customer is left without."""


def upgraded(world: World, customer: str, signal: Signal, at: datetime) -> None:
    """An opportunity of another customer that led to an upgrade."""
    moments: dict[str, Any] = {"detected_at": at - DAY, "seen_at": at - DAY, "closed_at": at}
    world.add(
        Opportunity(
            id=f"opportunity-{customer}",
            organisation_id=world.organisation,
            customer_id=customer,
            signal=signal.value,
            urgency="HIGH",
            action="CALL",
            words="others",
            state="converted",
            **moments,
        )
    )
