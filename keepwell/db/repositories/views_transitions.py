"""Read models of transitions that were just handed over: what became of them."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views import customer_names, staff_names
from keepwell.db.tables import Customer, Transition


class Decision(Frozen):
    """What a transition led to. `decision` is None until the customer's run has claimed it."""

    transition: str
    customer_id: str
    customer: str
    handed: str | None
    decision: str | None
    code: str
    reason: str
    intervention: str | None


def decisions(session: Session, transitions: Collection[str]) -> tuple[Decision, ...]:
    """What became of these transitions, by customer name."""
    query = select(Transition).where(col(Transition.id).in_(transitions))
    rows = session.exec(query).all()
    names = customer_names(session, [row.customer_id for row in rows])
    found = [
        Decision(
            transition=row.id,
            customer_id=row.customer_id,
            customer=names[row.customer_id].name,
            handed=row.handed,
            decision=row.decision,
            code=row.code,
            reason=row.reason,
            intervention=row.intervention_id,
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: (one.customer, one.transition)))


def owners_of(session: Session, customers: Collection[str]) -> dict[str, str]:
    """The owners' names by customer; those without one are missing."""
    query = select(Customer.id, Customer.owner_id).where(col(Customer.id).in_(customers))
    owned = {own: owner for own, owner in session.exec(query).all() if owner}
    names = staff_names(session, owned.values())
    return {own: names[owner] for own, owner in owned.items() if owner in names}
