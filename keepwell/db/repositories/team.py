"""Who among the staff is meant: a customer's owner, the lead, an executive."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.contracts.people import StaffRole
from keepwell.contracts.playbook import Sender
from keepwell.db.tables import Customer, Intervention, Organisation, Staff


def owner_of(session: Session, intervention: Intervention) -> Staff | None:
    """The intervention's owner, None where it has none or they are not active any more."""
    return _active(session, intervention.owner_id)


def responsible_for(session: Session, customer: Customer) -> Staff | None:
    """Who answers for a customer: the owner, or whom an escalation would reach."""
    owner = session.get(Staff, customer.owner_id) if customer.owner_id else None
    return owner if owner and owner.active else lead_of(session, customer.organisation_id, owner)


def lead_for(session: Session, intervention: Intervention) -> Staff | None:
    """Whom an escalation of this intervention reaches."""
    owner = session.get(Staff, intervention.owner_id) if intervention.owner_id else None
    return lead_of(session, intervention.organisation_id, owner)


def lead_of(session: Session, organisation: str, owner: Staff | None) -> Staff | None:
    """The owner's manager, else a lead, else an executive.

    The manager of an owner who has left counts too. The owner alone is never their own lead as long
    as there is another one.
    """
    manager = _active(session, owner.manager_id) if owner else None
    if manager is not None:
        return manager
    others = [
        person
        for role in (StaffRole.LEAD, StaffRole.EXECUTIVE)
        for person in with_role(session, organisation, role)
    ]
    strangers = [person for person in others if owner is None or person.id != owner.id]
    return next(iter(strangers or others), None)


def with_role(session: Session, organisation: str, role: StaffRole) -> list[Staff]:
    """The organisation's active staff of a role, those who came first in front."""
    query = (
        select(Staff)
        .where(col(Staff.organisation_id) == organisation, col(Staff.active), col(Staff.role) == role.value)
        .order_by(col(Staff.id))
    )
    return list(session.exec(query).all())


def sender_staff(session: Session, intervention: Intervention, sender: Sender) -> Staff | None:
    """Who signs a message; None means the organisation itself.

    An executive gives way to the lead, an owner too, and who has no email address signs nothing.
    """
    match sender:
        case Sender.EXECUTIVE:
            executives = with_role(session, intervention.organisation_id, StaffRole.EXECUTIVE)
            choices = [*executives, lead_for(session, intervention)]
        case Sender.OWNER:
            choices = [owner_of(session, intervention), lead_for(session, intervention)]
        case Sender.COMPANY:
            choices = []
    return next((person for person in choices if person is not None and person.email), None)


def company_sender(organisation: Organisation) -> tuple[str, str]:
    """Name and address of messages in the organisation's own name."""
    return organisation.sender_name or organisation.name, organisation.sender_address


def _active(session: Session, key: str | None) -> Staff | None:
    person = session.get(Staff, key) if key else None
    return person if person is not None and person.active else None
