"""Who among the staff is meant by what lies ahead, for many interventions at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.people import StaffRole
from keepwell.contracts.playbook import Audience
from keepwell.db.repositories.team import lead_of, staff_for, standing_in, with_role
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Absence, Intervention, Organisation, Staff

DAY = timedelta(days=1)


class People:
    """The organisation's staff, and who does whose work on which day.

    The answers are those of `team`; each is asked for once for all the interventions of an owner, and anew
    for a day only where other people are away on it. `owners` is for whoever asks of their interventions
    alone: `all` then has nobody else.
    """

    def __init__(
        self,
        session: Session,
        organisation: Organisation,
        now: datetime,
        until: datetime,
        *,
        owners: Collection[str] | None = None,
    ) -> None:
        self._session = session
        self._zone = organisation.time_zone
        query = select(Staff).where(Staff.organisation_id == organisation.id).order_by(col(Staff.id))
        if owners is not None:
            query = query.where(col(Staff.id).in_(owners))
        self.all = {one.id: one for one in session.exec(query)}
        self.absences = _absences(session, organisation.id, now, until)
        self._days: dict[date, frozenset[str]] = {}
        self._meant: dict[tuple[str | None, str, frozenset[str]], Staff | None] = {}

    def name(self, key: str | None) -> str:
        """The name of a member of staff, "" for nobody."""
        return self.all[key].name if key in self.all else ""

    def away_on(self, day: date) -> frozenset[str]:
        """Who is away on a day."""
        if day not in self._days:
            away = (one.staff_id for one in self.absences if one.from_on <= day <= one.until_on)
            self._days[day] = frozenset(away)
        return self._days[day]

    def meant(self, run: Intervention, audience: Audience, at: datetime) -> Staff | None:
        """Whom of the staff an audience means at a moment; see `team.staff_for`."""
        away = self.away_on(local_day(at, self._zone))
        owner = self.all.get(run.owner_id or "")
        if audience is Audience.OWNER and owner is not None and owner.active and owner.id not in away:
            return owner
        # Owner and organisation are all that it depends on, and who is away.
        key = (run.owner_id, audience.value, away)
        if key not in self._meant:
            self._meant[key] = staff_for(self._session, run, audience, at)
        return self._meant[key]

    def stands_in_for(self, person: str, at: datetime) -> tuple[str, ...]:
        """Those whose work is this person's at a moment because they are away, by their ids."""
        # A day more on both sides: what day it is for whom depends on their zone.
        today = local_day(at, self._zone)
        away = {one for day in (-1, 0, 1) for one in self.away_on(today + timedelta(days=day))}
        return tuple(
            one
            for one in sorted(away)
            if one in self.all and one != person and self._stands_in(one, at).id == person
        )

    def has_what_nobody_owns(self, person: str, organisation: str) -> bool:
        """Whether customers without an owner are this person's to look after."""
        lead = lead_of(self._session, organisation, None)
        return lead is not None and lead.id == person

    def executives(self) -> Mapping[str, Staff]:
        """Active executives by id."""
        some = next(iter(self.all.values()), None)
        if some is None:
            return {}
        found = with_role(self._session, some.organisation_id, StaffRole.EXECUTIVE)
        return {one.id: one for one in found}

    def _stands_in(self, person: str, at: datetime) -> Staff:
        return standing_in(self._session, self.all[person], at)


def _absences(session: Session, organisation: str, now: datetime, until: datetime) -> list[Absence]:
    # A day more on both sides: what day it is for whom depends on their zone.
    query = select(Absence).where(
        Absence.organisation_id == organisation,
        col(Absence.withdrawn_at).is_(None),
        col(Absence.from_on) <= until.date() + DAY,
        col(Absence.until_on) >= now.date() - DAY,
    )
    return list(session.exec(query.order_by(col(Absence.from_on), col(Absence.id))))
