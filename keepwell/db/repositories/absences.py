"""Absences: who is away on which days, and who covers. Entered by people, withdrawn, never deleted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views import by_part, staff_names
from keepwell.db.repositories.zones import first_zone, local_day
from keepwell.db.tables import Absence, Organisation, Staff
from keepwell.errors import InputError, RefusedError
from keepwell.keys import new_id

SHORTEST_PART = 4
"""Fewer letters of an id would fit by accident."""

DAY = timedelta(days=1)
LONGEST = timedelta(days=730)
"""Who is away for longer has left: hand their customers over instead."""


class AbsenceLine(Frozen):
    """An absence; the days are those of whoever is away, first and last included."""

    id: str
    staff_id: str
    staff: str
    from_on: date
    until_on: date
    cover_id: str | None
    cover: str
    reason: str
    entered_by: str
    entered_at: datetime
    withdrawn_at: datetime | None
    now: bool


def absence_at(session: Session, person: Staff, at: datetime) -> Absence | None:
    """The absence that keeps somebody from working at a moment, on their own calendar."""
    day = day_of(session, person, at)
    query = (
        select(Absence)
        .where(Absence.staff_id == person.id, col(Absence.withdrawn_at).is_(None))
        .where(col(Absence.from_on) <= day, col(Absence.until_on) >= day)
    )
    return session.exec(query.order_by(col(Absence.id).desc()).limit(1)).first()


def away_at(session: Session, organisation: str, at: datetime) -> list[Staff]:
    """Everybody who is away at a moment, in the order of their ids."""
    # A day more on both sides: what day it is for whom depends on their zone.
    near = (
        select(Absence.staff_id)
        .where(Absence.organisation_id == organisation, col(Absence.withdrawn_at).is_(None))
        .where(col(Absence.from_on) <= at.date() + DAY, col(Absence.until_on) >= at.date() - DAY)
    )
    people = session.exec(select(Staff).where(col(Staff.id).in_(near)).order_by(col(Staff.id))).all()
    return [one for one in people if absence_at(session, one, at) is not None]


def day_of(session: Session, person: Staff, at: datetime) -> date:
    """Which day it is for a member of staff."""
    home = session.get(Organisation, person.organisation_id)
    return local_day(at, first_zone(person.time_zone, home.time_zone if home else ""))


def away_words(absence: Absence, today: date) -> str:
    """ "away until 3 December", with the year where it is another one."""
    until = absence.until_on
    year = f" {until.year}" if until.year != today.year else ""
    return f"away until {until.day} {until:%B}{year}"


def add_absence(
    session: Session,
    person: Staff,
    from_on: date,
    until_on: date,
    *,
    cover: Staff | None,
    reason: str,
    by: str,
    now: datetime,
) -> Absence:
    """Enter an absence.

    A cover who is away at that time is no mistake: whoever covers for the cover stands in then.

    Raises:
        InputError: the days are the wrong way round, over or too many, or the cover is the person.
        RefusedError: one is entered already for some of these days.
    """
    _check(session, person, from_on, until_on, cover, now)
    # Two people may enter the same at the same moment: the row of whoever is away is the gate.
    session.refresh(person, with_for_update=True)
    overlapping = session.exec(
        select(Absence)
        .where(Absence.staff_id == person.id, col(Absence.withdrawn_at).is_(None))
        .where(col(Absence.from_on) <= until_on, col(Absence.until_on) >= from_on)
        .limit(1)
    ).first()
    if overlapping is not None:
        raise RefusedError(
            f"{person.name} is away from {overlapping.from_on} until {overlapping.until_on} already.",
            hint="Withdraw that one first.",
            command=f"keepwell absences withdraw {overlapping.id[-8:]}",
        )
    row = Absence(
        id=new_id(),
        organisation_id=person.organisation_id,
        staff_id=person.id,
        from_on=from_on,
        until_on=until_on,
        cover_id=cover.id if cover else None,
        reason=reason,
        entered_by=by,
        entered_at=now,
    )
    session.add(row)
    who = f"{cover.name} covers" if cover else "nobody is named as cover"
    _tell(session, row, "staff.absent", f"{person.name} is away {from_on} to {until_on}; {who}", by, now)
    return row


def withdraw_absence(session: Session, absence: str, by: str, now: datetime) -> Absence:
    """Withdraw an absence, also one that has begun: from now on it counts as if it had ended.

    Raises NotFoundError for none, RefusedError where it was withdrawn already.
    """
    row = found(session, Absence, absence, "absence")
    session.refresh(row, with_for_update=True)
    if row.withdrawn_at is not None:
        raise RefusedError(f"The absence was withdrawn at {row.withdrawn_at:%Y-%m-%d %H:%M} UTC already.")
    row.withdrawn_at = now
    session.add(row)
    name = session.get_one(Staff, row.staff_id).name
    text = f"The absence of {name}, {row.from_on} to {row.until_on}, was withdrawn"
    _tell(session, row, "staff.absence_withdrawn", text, by, now)
    return row


def find_absence(session: Session, organisation: str, text: str) -> str:
    """Our id of the absence meant by its id, or the beginning or end of it.

    Raises NotFoundError for none, InputError for several.
    """
    ours = select(Absence.id).where(Absence.organisation_id == organisation)
    return by_part(session, ours, Absence.id, text, "absence", "keepwell absences --all")


def absences(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    staff: str | None = None,
    everything: bool = False,
    ids: Collection[str] | None = None,
) -> tuple[AbsenceLine, ...]:
    """Absences that last or are to come, the first to begin first; with `everything` the others too."""
    query = select(Absence).where(Absence.organisation_id == organisation)
    if staff is not None:
        query = query.where(Absence.staff_id == staff)
    if ids is not None:
        query = query.where(col(Absence.id).in_(ids))
    if not everything:
        query = query.where(col(Absence.withdrawn_at).is_(None), col(Absence.until_on) >= now.date() - DAY)
    rows = session.exec(query.order_by(col(Absence.from_on), col(Absence.id))).all()
    names = staff_names(session, [one for row in rows for one in (row.staff_id, row.cover_id)])
    lines = []
    for row in rows:
        today = day_of(session, session.get_one(Staff, row.staff_id), now)
        if not everything and row.until_on < today:
            continue
        lines.append(
            AbsenceLine(
                **row.model_dump(exclude={"organisation_id"}),
                staff=names[row.staff_id],
                cover=names.get(row.cover_id or "", ""),
                now=row.withdrawn_at is None and row.from_on <= today <= row.until_on,
            )
        )
    return tuple(lines)


def _check(
    session: Session, person: Staff, from_on: date, until_on: date, cover: Staff | None, now: datetime
) -> None:
    if until_on < from_on:
        raise InputError(
            f"The absence would end on {until_on}, before it begins on {from_on}.",
            hint="Give the first day, then the last one.",
        )
    if until_on - from_on > LONGEST:
        raise InputError(
            f"From {from_on} until {until_on} are more than two years.",
            hint="Hand the customers over for good.",
            command="keepwell reassign --from A --to B",
        )
    today = day_of(session, person, now)
    if until_on < today:
        raise InputError(f"{until_on} is past: for {person.name} it is {today}.", hint="Name days to come.")
    if cover is not None and cover.id == person.id:
        raise InputError(
            f"{person.name} cannot cover for {person.name}.", place="cover", hint="Name somebody else."
        )


def _tell(session: Session, row: Absence, kind: str, text: str, by: str, now: datetime) -> None:
    journal.write(
        session,
        key=f"absence/{row.id}/{kind}",
        organisation=row.organisation_id,
        kind=kind,
        text=text,
        why=row.reason,
        by=by,
        at=now,
        data={"absence": row.id, "staff": row.staff_id, "cover": row.cover_id},
    )
