"""The read model of the staff: who there is, who is away, and how many customers each owns."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.absences import absence_at, away_at, away_words, day_of
from keepwell.db.tables import Customer, Staff


class StaffLine(Frozen):
    """A member of staff. `away` says until when, empty while they are there; `customers` are active ones."""

    id: str
    external_id: str
    name: str
    email: str
    role: str
    title: str
    phone: str
    slack: str
    time_zone: str
    manager_id: str | None
    manager: str
    deputy: str
    active: bool
    away: str
    customers: int


def staff_lines(
    session: Session, organisation: str, now: datetime, *, active: bool | None = True
) -> tuple[StaffLine, ...]:
    """The staff by name: who is there, who has left (`active` False), or everybody (None)."""
    rows = session.exec(
        select(Staff).where(Staff.organisation_id == organisation).order_by(col(Staff.name), col(Staff.id))
    ).all()
    names = {row.id: row.name for row in rows}
    owned = _owned(session, organisation)
    away = {person.id: _away(session, person, now) for person in away_at(session, organisation, now)}
    fields = set(StaffLine.model_fields)
    return tuple(
        StaffLine(
            **row.model_dump(include=fields),
            manager=names.get(row.manager_id or "", ""),
            away=away.get(row.id, ""),
            customers=owned.get(row.id, 0),
        )
        for row in rows
        if active is None or row.active is active
    )


def _away(session: Session, person: Staff, now: datetime) -> str:
    absence = absence_at(session, person, now)
    return away_words(absence, day_of(session, person, now)) if absence is not None else ""


def _owned(session: Session, organisation: str) -> dict[str | None, int]:
    query = (
        select(Customer.owner_id, func.count())
        .where(Customer.organisation_id == organisation, col(Customer.active))
        .group_by(Customer.owner_id)
    )
    return dict(session.exec(query).all())
