"""What a person needs who is to call: the number, when to call, what was sent, and what may be offered."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from keepwell.business_time import CLOSES, OPENS, Closed, weekend, working_moment
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.rendering import CallFigures
from keepwell.db.repositories.directory import contact_order, usable_contacts
from keepwell.db.repositories.facts_case import Case
from keepwell.db.repositories.manners import DaysOff
from keepwell.db.repositories.team import acting_owner
from keepwell.db.repositories.wishes import purpose_of
from keepwell.db.repositories.zones import city_of, first_zone
from keepwell.db.tables import Contact, Delivery

LEAST_OPENS = 3
"""Fewer opened emails say nothing about somebody's day."""

SHOWN = 5
"""Messages that are listed, the newest."""


def call_of(session: Session, case: Case) -> CallFigures:
    """The call to the customer's first contact, as `first_contact` finds it."""
    contact = _contact(session, case)
    zone = first_zone(
        contact.time_zone if contact else "", case.customer.time_zone, case.organisation.time_zone
    )
    owner = acting_owner(session, case.intervention, case.call.now)
    ours = first_zone(owner.time_zone if owner else "", case.organisation.time_zone)
    return CallFigures(
        hours=hours_words(case.call.now, zone, ours, DaysOff(session, case.organisation).at(case.customer)),
        usual=_usual(session, contact.id, zone) if contact else "",
        others=_others(session, case, contact),
        sent=_sent(session, case, ours),
        offers=_offers(case),
    )


def hours_words(now: datetime, theirs: str, ours: str, closed: Closed = weekend) -> str:
    """Their next working hours, and what the caller's clock says then.

    "09:00 to 17:00 in São Paulo, which is 13:00 to 21:00 in Berlin"; days are named where they differ.
    Where those are of a later day than theirs is now: ", next on Monday 28 December". `closed` says which
    days they do not work.
    """
    there = ZoneInfo(theirs)
    day = working_moment(now, theirs, closed).astimezone(there).date()
    later = day != now.astimezone(there).date()
    return _both_clocks(day, theirs, ours) + (f", next on {day:%A} {day.day} {day:%B}" if later else "")


def _both_clocks(day: date, theirs: str, ours: str) -> str:
    there, here = ZoneInfo(theirs), ZoneInfo(ours)
    opens, closes = datetime.combine(day, OPENS, there), datetime.combine(day, CLOSES, there)
    words = f"{opens:%H:%M} to {closes:%H:%M} in {city_of(theirs)}"
    if opens.utcoffset() == opens.astimezone(here).utcoffset():
        return words if theirs == ours else f"{words}, and the same in {city_of(ours)}"
    from_, until = opens.astimezone(here), closes.astimezone(here)
    first = f"{from_:%H:%M}" if from_.date() == day else f"{from_:%A %H:%M}"
    last = f"{until:%H:%M}" if until.date() == from_.date() else f"{until:%A %H:%M}"
    return f"{words}, which is {first} to {last} in {city_of(ours)}"


def _contact(session: Session, case: Case) -> Contact | None:
    usable = usable_contacts(
        session, case.organisation, case.customer, "email", purpose_of(case.intervention)
    )
    found = _active(session, case) if isinstance(usable, str) else usable
    return next(iter(found), None)


def _active(session: Session, case: Case) -> list[Contact]:
    query = select(Contact).where(col(Contact.customer_id) == case.customer.id, col(Contact.active))
    return sorted(session.exec(query).all(), key=contact_order)


def _usual(session: Session, contact: str, zone: str) -> str:
    """At which hour of their day somebody opens what we send, where that is known."""
    query = (
        select(Delivery.opened_at)
        .where(Delivery.recipient_id == contact, col(Delivery.opened_at).is_not(None))
        .order_by(col(Delivery.opened_at).desc())
    )
    opened = [at.astimezone(ZoneInfo(zone)).hour for at in session.exec(query.limit(50)).all() if at]
    if len(opened) < LEAST_OPENS:
        return ""
    hour, times = Counter(opened).most_common(1)[0]
    return f"{times} of {len(opened)} emails were opened around {hour:02}:00 there" if times > 1 else ""


def _others(session: Session, case: Case, first: Contact | None) -> tuple[str, ...]:
    """Other contacts with a number: "Omar Haddad, +49 30 1234"."""
    rows = [row for row in _active(session, case) if row.phone and (first is None or row.id != first.id)]
    return tuple(f"{row.name}, {row.phone}" for row in rows[:3])


def _sent(session: Session, case: Case, zone: str) -> tuple[str, ...]:
    """What went out to the customer in this intervention, oldest first, and whether it was looked at."""
    query = (
        select(Delivery)
        .where(Delivery.intervention_id == case.intervention.id, Delivery.recipient_kind == "contact")
        .where(col(Delivery.accepted_at).is_not(None), col(Delivery.accepted_at) <= case.call.now)
        .order_by(col(Delivery.accepted_at).desc(), col(Delivery.key))
    )
    rows = session.exec(query.limit(SHOWN)).all()
    return tuple(_sent_words(row, ZoneInfo(zone)) for row in reversed(rows))


def _sent_words(row: Delivery, zone: ZoneInfo) -> str:
    assert row.accepted_at is not None  # noqa: S101  (the query asks for such)
    at = row.accepted_at.astimezone(zone)
    name = row.subject or row.step.replace("_", " ")
    return f"{at.day} {at:%b %H:%M} to {row.recipient_name}: “{name}”, {_looked_at(row)}"


def _looked_at(row: Delivery) -> str:
    if row.clicked_at is not None:
        return "opened, and a link followed"
    if row.opened_at is not None:
        return "opened"
    if row.state == "bounced":
        return "did not arrive"
    return "arrived, not opened" if row.delivered_at is not None else "sent, no sign of it being opened"


def _offers(case: Case) -> tuple[str, ...]:
    """What the playbook may offer, with its terms; also before it has."""
    if "steps" not in case.intervention.definition:
        return ()
    offer = Playbook.model_validate(case.intervention.definition).offer
    return tuple(option.words for option in offer.options) if offer is not None else ()
