"""The days that an organisation has entered itself: closed ones, and open ones among the holidays."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import WaitsFor
from keepwell.db.repositories import journal
from keepwell.db.repositories.switches import Stop, look_again
from keepwell.db.tables import ClosedDay
from keepwell.errors import NotFoundError
from keepwell.keys import new_id


def closed_days(session: Session, organisation: str, since: date | None = None) -> list[ClosedDay]:
    """The days entered, in their order; `since` leaves out those before it."""
    query = select(ClosedDay).where(ClosedDay.organisation_id == organisation)
    if since is not None:
        query = query.where(col(ClosedDay.day) >= since)
    return list(session.exec(query.order_by(col(ClosedDay.day))))


def enter(
    session: Session, organisation: str, day: date, *, name: str, open_: bool, by: str, now: datetime
) -> None:
    """Enter a day as closed, or as open whatever the calendar says. One that is there is changed."""
    row = session.get(ClosedDay, (organisation, day)) or ClosedDay(organisation_id=organisation, day=day)
    row.name, row.open = name, open_
    session.add(row)
    session.flush()
    text = f"{day:%d %b %Y} is {'open' if open_ else 'closed'}"
    _tell(session, organisation, day, text, by, name, now)


def remove(session: Session, organisation: str, day: date, *, by: str, now: datetime) -> None:
    """Let the calendar say again what a day is.

    Raises NotFoundError where it was not entered, naming those that are.
    """
    row = session.get(ClosedDay, (organisation, day))
    if row is None:
        known = ", ".join(one.day.isoformat() for one in closed_days(session, organisation)) or "none"
        raise NotFoundError(f"{day.isoformat()} was not entered.", hint=f"Entered are: {known}.")
    name = row.name
    session.delete(row)
    session.flush()
    _tell(session, organisation, day, f"{day:%d %b %Y} is as the calendar says", by, name, now)


def _tell(
    session: Session, organisation: str, day: date, text: str, by: str, why: str, now: datetime
) -> None:
    key = new_id()
    journal.write(
        session,
        key=f"closed_day/{key}",
        organisation=organisation,
        kind="organisation.closed_day",
        text=text,
        why=why,
        by=by,
        at=now,
        data={"day": day.isoformat()},
    )
    # What waits for the next open day may go earlier now, or later: it asks again.
    look_again(session, Stop(organisation), WaitsFor.HOURS, key=f"closed_day/{key}", by=by, now=now)
