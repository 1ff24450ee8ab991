"""The accounts by which a demo is entered: made up, and tied to its made-up people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, func, select

from keepwell.contracts.access import Role
from keepwell.contracts.offers import OPEN_OFFER
from keepwell.contracts.people import StaffRole
from keepwell.db.tables import (
    Account,
    ClientInsight,
    Customer,
    Health,
    Intervention,
    Offer,
    Organisation,
    Staff,
)

ROLES: Final = (Role.CSM, Role.OPS, Role.ADMIN, Role.CLIENT)
"""Who a demo can be entered as."""

_STAFF: Mapping[Role, StaffRole] = {
    Role.CSM: StaffRole.CSM,
    Role.OPS: StaffRole.LEAD,
    Role.ADMIN: StaffRole.EXECUTIVE,
}


def demo_account(session: Session, organisation: str, role: Role, now: datetime) -> Account | None:
    """The made-up account of a demo for a role, tied to made-up people; None where that is no demo."""
    row = session.get(Organisation, organisation)
    if row is None or not row.demo or role not in ROLES:
        return None
    email = f"{role.value}@demo.invalid"
    known = session.exec(
        select(Account).where(Account.organisation_id == organisation, Account.email == email)
    ).first()
    if known is not None:
        if role is Role.CLIENT:
            _tie_anew(session, known)
        return known
    staff = None if role is Role.CLIENT else _demo_staff(session, organisation, role)
    customer = _demo_customer(session, organisation) if role is Role.CLIENT else None
    tied = staff or customer
    if tied is None:
        return None
    account = Account(
        organisation_id=organisation,
        email=email,
        name=tied.name,
        role=role.value,
        staff_id=staff.id if staff else None,
        customer_id=customer.id if customer else None,
        created_at=now,
        created_by="demo",
    )
    session.add(account)
    session.flush()
    return account


def _demo_staff(session: Session, organisation: str, role: Role) -> Staff | None:
    """Of the staff with the role the one with most running playbooks: there is something to do for them."""
    running = (
        select(Customer.owner_id, func.count().label("running"))
        .join(Intervention, col(Intervention.customer_id) == col(Customer.id))
        .where(Customer.organisation_id == organisation, col(Intervention.outcome).is_(None))
        .group_by(col(Customer.owner_id))
        .subquery()
    )
    query = (
        select(Staff)
        .join(running, running.c.owner_id == Staff.id, isouter=True)
        .where(Staff.organisation_id == organisation, col(Staff.active), Staff.role == _STAFF[role].value)
        .order_by(func.coalesce(running.c.running, 0).desc(), col(Staff.name))
    )
    return session.exec(query).first()


def _tie_anew(session: Session, account: Account) -> None:
    """Who came before the first offers were made becomes somebody to whom one was made."""
    offered = select(Offer.id).where(Offer.customer_id == account.customer_id)
    if session.exec(offered).first() is not None:
        return
    customer = _demo_customer(session, account.organisation_id)
    if customer is not None and customer.id != account.customer_id:
        account.customer_id, account.name = customer.id, customer.name
        session.add(account)
        session.flush()


def _demo_customer(session: Session, organisation: str) -> Customer | None:
    """A customer with insights on its page and an open offer: it sees a score, and something to answer.

    The demo gives insights only to those whose people are seen at work, so that there is a score.
    """
    offered = select(Offer.customer_id).where(
        Offer.organisation_id == organisation, col(Offer.state).in_(OPEN_OFFER)
    )
    furnished = select(ClientInsight.customer_id).where(ClientInsight.organisation_id == organisation)
    query = (
        select(Customer)
        .join(Health, col(Health.customer_id) == col(Customer.id))
        .where(Customer.organisation_id == organisation, col(Customer.active), col(Health.score).is_not(None))
        .order_by(
            col(Customer.id).in_(furnished).desc(), col(Customer.id).in_(offered).desc(), col(Customer.name)
        )
    )
    return session.exec(query).first()
