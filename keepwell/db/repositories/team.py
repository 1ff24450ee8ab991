"""Who among the staff is meant: a customer's owner, the lead, an executive; and who stands in for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.people import StaffRole
from keepwell.contracts.playbook import Audience, Sender
from keepwell.db.repositories.absences import absence_at, away_words, day_of
from keepwell.db.tables import Absence, Customer, Intervention, Organisation, Staff


def standing_in(session: Session, person: Staff, at: datetime) -> Staff:
    """Who does somebody's work at a moment: they themselves, unless they are away.

    Then it is the cover that the absence names, else their deputy, else the lead; where that one is away,
    too, whoever stands in for them, and so on. A circle of people who are all away ends at the first lead or
    executive who is there; where nobody is, at the lead, because somebody has to be told.
    """
    seen, one = {person.id}, person
    while (absence := absence_at(session, one, at)) is not None:
        cover = _cover_of(session, one, absence)
        if cover is None or cover.id in seen:
            return _who_is_left(session, person, at)
        seen.add(cover.id)
        one = cover
    return one


def standing_words(session: Session, row: Intervention, reader: Staff, at: datetime) -> str:
    """ "for Dana Reyes, who is away until 3 December", where somebody reads what was meant for another."""
    owner = session.get(Staff, row.owner_id) if row.owner_id else None
    meant = [owner, lead_of(session, row.organisation_id, owner)]
    for person in meant:
        if person is not None and person.id != reader.id:
            words = away(session, person, at)
            if words and standing_in(session, person, at).id == reader.id:
                return f"for {person.name}, who is {words}"
    return ""


def owner_away_words(session: Session, owner_id: str | None, at: datetime) -> str:
    """ "away until 3 December; Omar Haddad stands in"; empty while the owner is there."""
    owner = _active(session, owner_id)
    words = away(session, owner, at) if owner is not None else ""
    return f"{words}; {standing_in(session, owner, at).name} stands in" if owner and words else ""


def is_there(session: Session, person: Staff, at: datetime) -> bool:
    """Whether somebody is not away at a moment."""
    return absence_at(session, person, at) is None


def away(session: Session, person: Staff, at: datetime) -> str:
    """ "away until 3 December", empty where somebody is there."""
    absence = absence_at(session, person, at)
    return away_words(absence, day_of(session, person, at)) if absence is not None else ""


def owner_of(session: Session, intervention: Intervention) -> Staff | None:
    """The intervention's owner, None where it has none or they are not active any more."""
    return _active(session, intervention.owner_id)


def staff_for(session: Session, intervention: Intervention, audience: Audience, at: datetime) -> Staff | None:
    """Whom of the staff an audience means at a moment; None where there is nobody.

    Who is away is stood in for. The lead stands in for an owner and an executive who is not there at all. For
    support it is the owner first; of several in support, or several executives, one who is there.
    """
    match audience:
        case Audience.SUPPORT:
            among = with_role(session, intervention.organisation_id, StaffRole.SUPPORT)
            return _there(session, among, at) or acting_owner(session, intervention, at)
        case Audience.EXECUTIVE:
            among = with_role(session, intervention.organisation_id, StaffRole.EXECUTIVE)
            return _there(session, among, at) or lead_for(session, intervention, at)
        case Audience.OWNER:
            return acting_owner(session, intervention, at)
        case Audience.COVER:
            return cover_for(session, intervention, at)
        case _:
            return lead_for(session, intervention, at)


def acting_owner(session: Session, intervention: Intervention, at: datetime) -> Staff | None:
    """Who acts as an intervention's owner at a moment: the owner, who stands in for them, or the lead."""
    owner = owner_of(session, intervention)
    return standing_in(session, owner, at) if owner is not None else lead_for(session, intervention, at)


def cover_for(session: Session, intervention: Intervention, at: datetime) -> Staff | None:
    """Who hears of it when the owner is silent, before the manager does.

    The deputy of whoever acts as owner, or who stands in for that deputy; without one, the lead.
    """
    acting = acting_owner(session, intervention, at)
    deputy = deputy_of(session, acting) if acting is not None else None
    cover = standing_in(session, deputy, at) if deputy is not None else None
    if cover is None or (acting is not None and cover.id == acting.id):
        return lead_for(session, intervention, at)
    return cover


def responsible_for(session: Session, customer: Customer) -> Staff | None:
    """Who answers for a customer: the owner, or whom an escalation would reach; away or not."""
    return owner_or_lead(session, customer.organisation_id, customer.owner_id)


def owner_or_lead(session: Session, organisation: str, owner_id: str | None) -> Staff | None:
    """The owner, or the lead where there is none or they have left; away or not."""
    owner = session.get(Staff, owner_id) if owner_id else None
    return owner if owner is not None and owner.active else lead_of(session, organisation, owner)


def given_to(session: Session, meant: Staff | None, at: datetime) -> dict[str, str | None]:
    """The columns of a task that say who has it: who stands in has it for whoever it is meant for."""
    if meant is None:
        return {"owner_id": None, "for_id": None}
    holder = standing_in(session, meant, at)
    return {"owner_id": holder.id, "for_id": None if holder.id == meant.id else meant.id}


def lead_for(session: Session, intervention: Intervention, at: datetime) -> Staff | None:
    """Whom an escalation of this intervention reaches at a moment.

    Where the owner is away and the lead stands in for them, it is the lead's own lead.
    """
    owner = session.get(Staff, intervention.owner_id) if intervention.owner_id else None
    lead = lead_of(session, intervention.organisation_id, owner)
    if lead is None:
        return None
    found = standing_in(session, lead, at)
    if owner is not None and owner.active and found.id == standing_in(session, owner, at).id:
        above = lead_of(session, intervention.organisation_id, found)
        found = standing_in(session, above, at) if above is not None else found
    return found


def lead_of(session: Session, organisation: str, owner: Staff | None) -> Staff | None:
    """The owner's manager, else a lead, else an executive.

    The manager of an owner who has left counts too. The owner alone is never their own lead as long
    as there is another one.
    """
    manager = _active(session, owner.manager_id) if owner else None
    if manager is not None:
        return manager
    others = _leads(session, organisation)
    strangers = [person for person in others if owner is None or person.id != owner.id]
    return next(iter(strangers or others), None)


def deputy_of(session: Session, person: Staff) -> Staff | None:
    """The standing deputy of a member of staff, None without one who is active."""
    if not person.deputy:
        return None
    query = select(Staff).where(
        Staff.organisation_id == person.organisation_id,
        Staff.external_id == person.deputy,
        col(Staff.active),
        Staff.id != person.id,
    )
    return session.exec(query).first()


def with_role(session: Session, organisation: str, role: StaffRole) -> list[Staff]:
    """The organisation's active staff of a role, those who came first in front."""
    query = (
        select(Staff)
        .where(col(Staff.organisation_id) == organisation, col(Staff.active), col(Staff.role) == role.value)
        .order_by(col(Staff.id))
    )
    return list(session.exec(query).all())


def sender_staff(session: Session, intervention: Intervention, sender: Sender, at: datetime) -> Staff | None:
    """Who signs a message at a moment; None means the organisation itself.

    An executive gives way to the lead, an owner too, and who has no email address signs nothing. Who is away
    does not sign either, as nobody would read the answer: whoever stands in does.
    """
    match sender:
        case Sender.EXECUTIVE:
            among = with_role(session, intervention.organisation_id, StaffRole.EXECUTIVE)
            there = [one for one in among if is_there(session, one, at)]
            choices = [*there, _there(session, among, at), lead_for(session, intervention, at)]
        case Sender.OWNER:
            choices = [acting_owner(session, intervention, at), lead_for(session, intervention, at)]
        case Sender.COMPANY:
            choices = []
    return next((person for person in choices if person is not None and person.email), None)


def company_sender(organisation: Organisation) -> tuple[str, str]:
    """Name and address of messages in the organisation's own name."""
    return organisation.sender_name or organisation.name, organisation.sender_address


def _cover_of(session: Session, person: Staff, absence: Absence) -> Staff | None:
    named = _active(session, absence.cover_id)
    return named or deputy_of(session, person) or lead_of(session, person.organisation_id, person)


def _who_is_left(session: Session, person: Staff, at: datetime) -> Staff:
    leads = [one for one in _leads(session, person.organisation_id) if one.id != person.id]
    there = next((one for one in leads if is_there(session, one, at)), None)
    return there or lead_of(session, person.organisation_id, person) or person


def _there(session: Session, people: Iterable[Staff], at: datetime) -> Staff | None:
    """The first of them who is there, else whoever stands in for the first."""
    among = list(people)
    there = next((one for one in among if is_there(session, one, at)), None)
    return there or (standing_in(session, among[0], at) if among else None)


def _leads(session: Session, organisation: str) -> list[Staff]:
    return [
        person
        for role in (StaffRole.LEAD, StaffRole.EXECUTIVE)
        for person in with_role(session, organisation, role)
    ]


def _active(session: Session, key: str | None) -> Staff | None:
    person = session.get(Staff, key) if key else None
    return person if person is not None and person.active else None
