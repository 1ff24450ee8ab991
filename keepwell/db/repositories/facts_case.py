"""The rows that a message is about, those of them that its template needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.rendering import Person
from keepwell.db.repositories.directory import contact_order, usable_contacts
from keepwell.db.repositories.facts_parts import contact_person, staff_person
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.scorecards import scorecard_by_hash, scorecard_in_force
from keepwell.db.repositories.team import acting_owner, away, owner_of, standing_words
from keepwell.db.repositories.wishes import purpose_of
from keepwell.db.repositories.zones import first_zone, local_day
from keepwell.db.tables import Contact, Customer, Intervention, Organisation, Score, Staff
from scoring.scorecard import Owner, Scorecard


@dataclass(frozen=True, slots=True)
class Case:
    """What a step is about. `day` is the organisation's day of `call.now`."""

    call: StepCall
    intervention: Intervention
    organisation: Organisation
    customer: Customer
    zone: str
    day: date

    @property
    def currency(self) -> str:
        """The customer's currency, else the organisation's."""
        return self.customer.currency or self.organisation.currency


def case_of(session: Session, call: StepCall) -> Case:
    """The case of a step.

    Raises:
        NotFoundError: the intervention, its organisation or its customer is unknown.
    """
    intervention = found(session, Intervention, call.intervention, "intervention")
    organisation = found(session, Organisation, intervention.organisation_id, "organisation")
    customer = found(session, Customer, intervention.customer_id, "customer")
    zone = first_zone(organisation.time_zone)
    return Case(call, intervention, organisation, customer, zone, local_day(call.now, zone))


def first_contact(session: Session, case: Case) -> Person | None:
    """Who would get an email first; where nobody may, the first active contact, for the CSM's eyes."""
    contacts = usable_contacts(
        session, case.organisation, case.customer, "email", purpose_of(case.intervention)
    )
    if isinstance(contacts, str):
        query = select(Contact).where(col(Contact.customer_id) == case.customer.id, col(Contact.active))
        contacts = sorted(session.exec(query).all(), key=contact_order)
    return contact_person(contacts[0]) if contacts else None


def reader_of(session: Session, case: Case, recipient: Recipient | None) -> Person | None:
    """The recipient as a person; None without one, or where their row is gone."""
    if recipient is None:
        return None
    if recipient.kind == "staff":
        staff = session.get(Staff, recipient.id)
        return acting(session, case, staff) if staff else None
    contact = session.get(Contact, recipient.id)
    return contact_person(contact) if contact else None


def owner_person(session: Session, case: Case) -> Person | None:
    """The owner, also while somebody stands in for them; `away` says so."""
    owner = owner_of(session, case.intervention)
    if owner is None:
        return None
    return staff_person(owner).model_copy(update={"away": away(session, owner, case.call.now)})


def acting(session: Session, case: Case, row: Staff) -> Person:
    """A member of staff who writes or reads; `stands_in` says for whom, where it was meant for another."""
    words = standing_words(session, case.intervention, row, case.call.now)
    return staff_person(row).model_copy(update={"stands_in": words})


def last_score(session: Session, case: Case) -> tuple[Score | None, Scorecard]:
    """The customer's last score at `call.now` and its scorecard; without one, the one in force."""
    query = (
        select(Score)
        .where(col(Score.customer_id) == case.customer.id, col(Score.score).is_not(None))
        .where(col(Score.scored_at) <= case.call.now)
        .order_by(col(Score.scored_at).desc(), col(Score.id).desc())
    )
    score = session.exec(query.limit(1)).first()
    if score is not None:
        return score, scorecard_by_hash(session, score.scorecard)
    return None, scorecard_in_force(session, case.organisation, None, case.call.now)[1]


def doers(session: Session, case: Case, contact: Person | None) -> dict[Owner, str]:
    """Who carries out an action, by the scorecard's word for it."""
    company = case.organisation.name
    manager: Staff | None = acting_owner(session, case.intervention, case.call.now)
    return {
        Owner.CSM: manager.name if manager else f"the team at {company}",
        Owner.CUSTOMER: contact.name if contact else f"the team at {case.customer.name}",
        Owner.SUPPORT: f"support at {company}",
        Owner.PRODUCT: f"the product team at {company}",
    }
