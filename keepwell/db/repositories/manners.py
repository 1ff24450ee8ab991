"""What is a decent moment for a contact or a member of staff, from what the store knows of them."""

from __future__ import annotations

from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from keepwell.business_time import Closed
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import ClosedDay, Organisation, Staff
from keepwell.gate.calendar import Calendar, OwnDay
from keepwell.gate.countries import country_code, subdivision_code
from keepwell.gate.decide import Manners
from keepwell.gate.hours import hours_of

MONDAY_TO_FRIDAY = "12345"


class Place(Protocol):
    """Where somebody is: the columns of a customer's row that say it."""

    @property
    def country(self) -> str:
        """A code or a name."""

    @property
    def subdivision(self) -> str:
        """A code or a name, or ""."""


class Zoned(Protocol):
    """Whose clock it is: a contact's row, or a part of it."""

    @property
    def time_zone(self) -> str:
        """The name of a zone, or ""."""


class ZonedPlace(Zoned, Place, Protocol):
    """Both: a customer's row, or a part of it."""


def contact_manners(
    session: Session, organisation: Organisation, customer: ZonedPlace, contact: Zoned
) -> Manners:
    """Quiet hours on the contact's clock, business days, the public holidays of the customer's country.

    A customer without a country we know has the organisation's. The zone is the contact's, else the
    customer's, else the organisation's.
    """
    zone = first_zone(contact.time_zone, customer.time_zone, organisation.time_zone)
    return _manners(session, organisation, zone, *_place(organisation, customer))


def staff_manners(session: Session, organisation: Organisation, person: Staff) -> Manners:
    """The same for a member of staff: their clock, the organisation's country."""
    return _manners(
        session, organisation, first_zone(person.time_zone, organisation.time_zone), *_place(organisation)
    )


class DaysOff:
    """Which days are no business days: the organisation's own, public holidays, and others than its days.

    One that has set no business days works Monday to Friday here, public holidays or not: work is due on no
    Sunday.
    """

    def __init__(self, session: Session, organisation: Organisation) -> None:
        self._organisation = organisation
        self._own = own_days(session, organisation.id)

    def ours(self) -> Closed:
        """For the organisation's own people."""
        return self._at(*_place(self._organisation))

    def at(self, customer: Place) -> Closed:
        """For a customer's people: the holidays are those of its country, where that is known."""
        return self._at(*_place(self._organisation, customer))

    def _at(self, country: str, subdivision: str) -> Closed:
        days = self._organisation.business_days
        place = (country, subdivision) if days else ("", "")
        calendar = Calendar(days or MONDAY_TO_FRIDAY, *place, self._own)
        return lambda day: calendar.closed(day) != ""


def calendar_of(session: Session, organisation: Organisation, country: str, subdivision: str) -> Calendar:
    """The days on which messages go out to a country."""
    return Calendar(organisation.business_days, country, subdivision, own_days(session, organisation.id))


def home_calendar(session: Session, organisation: Organisation) -> Calendar:
    """The days on which messages go out in the organisation's own country."""
    return calendar_of(session, organisation, *_place(organisation))


def own_days(session: Session, organisation: str) -> dict[date, OwnDay]:
    """The days that the organisation has entered itself."""
    query = select(ClosedDay).where(ClosedDay.organisation_id == organisation).order_by(col(ClosedDay.day))
    return {row.day: OwnDay(name=row.name, open=row.open) for row in session.exec(query)}


def _manners(
    session: Session, organisation: Organisation, zone: str, country: str, subdivision: str
) -> Manners:
    return Manners(
        zone=ZoneInfo(zone),
        hours=hours_of(organisation.quiet_from, organisation.quiet_until),
        days=calendar_of(session, organisation, country, subdivision),
    )


def _place(organisation: Organisation, customer: Place | None = None) -> tuple[str, str]:
    """Country and subdivision whose public holidays count; empty where nobody knows."""
    for one in (customer, organisation):
        country = country_code(one.country) if one is not None else ""
        if one is not None and country:
            return country, subdivision_code(country, one.subdivision)
    return "", ""
