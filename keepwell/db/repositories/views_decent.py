"""Decent moments for many messages: each kind of place is looked up once, each night decided upon once."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from keepwell.db.repositories.manners import Zoned, ZonedPlace, contact_manners, staff_manners
from keepwell.db.tables import Organisation, Staff
from keepwell.gate.decide import At, Manners


class _Place(NamedTuple):
    """What the manners of a contact depend on."""

    own_zone: str
    zone: str
    country: str
    subdivision: str


class Decent:
    """The first moment at which a message may go, as the gate decides it, and why that is later."""

    def __init__(self, session: Session, organisation: Organisation) -> None:
        self._session, self._organisation = session, organisation
        self._contacts: dict[_Place, int] = {}
        self._staff: dict[str, int] = {}
        self._manners: list[Manners] = []
        self._stretches: dict[tuple[int, datetime], tuple[datetime, At]] = {}

    def for_contact(self, customer: ZonedPlace, contact: Zoned, at: datetime) -> tuple[datetime, str]:
        """The moment for a contact, and why it is later than `at`: "" where it is not."""
        place = _Place(contact.time_zone, customer.time_zone, customer.country, customer.subdivision)
        if place not in self._contacts:
            manners = contact_manners(self._session, self._organisation, customer, contact)
            self._contacts[place] = self._add(manners)
        return self._decide(self._contacts[place], at)

    def for_staff(self, person: Staff, at: datetime) -> tuple[datetime, str]:
        """The same for a member of staff."""
        if person.id not in self._staff:
            self._staff[person.id] = self._add(staff_manners(self._session, self._organisation, person))
        return self._decide(self._staff[person.id], at)

    def _add(self, manners: Manners) -> int:
        self._manners.append(manners)
        return len(self._manners) - 1

    def _decide(self, number: int, at: datetime) -> tuple[datetime, str]:
        """What is indecent at a moment is so until the first decent one after it: no need to ask again.

        By the hour, so that the reason names what is so in that hour.
        """
        key = number, at.replace(minute=0, second=0, microsecond=0)
        began, known = self._stretches.get(key, (None, None))
        if began is not None and known is not None and began <= at < known.moment:
            return known.moment, known.reason
        decision = self._manners[number].decide(at)
        if not isinstance(decision, At):
            return at, ""
        if began is None or at < began:
            self._stretches[key] = at, decision
        return decision.moment, decision.reason
