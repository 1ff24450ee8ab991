"""What came into the journal since somebody read it: each line once, also where transactions overlap.

A line's id and moments are made before its transaction commits, so a line may appear behind younger ones. A
reader is given only what no open transaction can add to any more, up to a horizon that moves on. PostgreSQL
says which transaction is the oldest that is open, and each row knows the one that has written it (`xmin`, in
a savepoint a greater one). On SQLite one writes at a time, and rows are numbered in the order of commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Text, and_, cast, func, literal_column, or_
from sqlmodel import Session, col, select, text

from keepwell import cursors
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.pages import moment_in
from keepwell.db.repositories.views_journal import EventFilter, EventLine, lines_of, narrowed
from keepwell.db.tables import Event
from keepwell.errors import InputError

OVERLAP: Final = timedelta(minutes=30)
"""No transaction of ours is open that long: further back nothing can appear any more."""

HELD: Final = timedelta(days=1)
"""Somebody else's transaction may hold the horizon back that long."""

TURN: Final = 2**32
"""PostgreSQL's rows keep the last 32 bits of their transaction's number."""


class Since(Frozen):
    """Lines that came since, in the order in which they were recorded. `after` is where to go on."""

    items: tuple[EventLine, ...]
    after: str
    more: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Up to which horizon somebody has read. What is beyond it was recorded after `moment`, or little before.

    Where a page ended in between, `now` is the horizon up to which they read, behind this line.
    """

    seen: int
    moment: datetime
    now: int | None = None
    at: datetime | None = None
    line: str = ""

    @property
    def cursor(self) -> str:
        """The place as one word."""
        first = [self.seen, self.moment.isoformat()]
        if self.now is None or self.at is None:
            return cursors.encode(first)
        return cursors.encode([*first, self.now, self.at.isoformat(), self.line])


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to where all is told; `within` narrows a query to it, `cursor` goes on behind it."""

    within: ColumnElement[bool]
    cursor: str


def horizon(session: Session) -> Horizon:
    """The horizon of this moment, for who reads the newest lines and wants to go on from there."""
    now, edge = datetime.now(UTC), _edge(session)
    young = col(Event.recorded_at) >= now - HELD
    place = _Place(edge, _oldest(session, young, edge, now))
    return Horizon(or_(~young, _between(session, 0, edge)), place.cursor)


def since(session: Session, organisation: str, wanted: EventFilter, cursor: str, limit: int) -> Since:
    """What came since the cursor. Raises InputError for a cursor of another list, or of another database."""
    place, now = _place(cursor), datetime.now(UTC)
    edge = place.now if place.now is not None else _edge(session)
    if edge < place.seen:
        raise InputError("This cursor is of another database.", place="after", hint="Begin anew without it.")
    young = col(Event.recorded_at) >= place.moment - OVERLAP
    parts = [young, _between(session, place.seen, edge)]
    if place.at is not None:
        later = (col(Event.recorded_at) == place.at) & (col(Event.id) > place.line)
        parts.append(or_(col(Event.recorded_at) > place.at, later))
    query = select(Event).where(*narrowed(organisation, wanted), *parts)
    rows = session.exec(query.order_by(col(Event.recorded_at), col(Event.id)).limit(limit + 1)).all()
    shown, more = list(rows[:limit]), len(rows) > limit
    if more:
        further = _Place(place.seen, place.moment, edge, shown[-1].recorded_at, shown[-1].id)
    else:
        further = _Place(edge, _oldest(session, young, edge, now))
    return Since(items=lines_of(session, shown), after=further.cursor, more=more)


def _edge(session: Session) -> int:
    """The number of the first transaction, on SQLite of the first row, of which not all is told yet."""
    if _sqlite(session):
        newest = session.connection().execute(text("SELECT max(rowid) FROM event")).scalar()
        return int(newest or 0) + 1
    found = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    return int(session.connection().execute(found).scalar_one())


def _oldest(session: Session, young: ColumnElement[bool], edge: int, now: datetime) -> datetime:
    """Since when what lies beyond the horizon was recorded, as far as it can be seen."""
    if _sqlite(session):
        return now
    beyond = select(func.min(Event.recorded_at)).where(young, ~_between(session, 0, edge))
    found = session.exec(beyond).one()
    return now if found is None else min(now, found)


def _between(session: Session, first: int, end: int) -> ColumnElement[bool]:
    """Whether a line was written from the one number on and before the other; a first of 0 is long ago."""
    if _sqlite(session):
        number: Any = literal_column("event.rowid", BigInteger())
        return and_(number >= first, number < end)
    written: Any = cast(cast(literal_column("event.xmin"), Text), BigInteger)
    # The numbers go round: how far it lies before the end says which turn it is of.
    length = min(end - first, TURN // 2) if first else TURN // 2
    before: ColumnElement[bool] = (end % TURN - 1 - written + TURN) % TURN < length
    return before


def _sqlite(session: Session) -> bool:
    return session.connection().dialect.name == "sqlite"


def _place(cursor: str) -> _Place:
    try:
        seen, moment = cursors.decode(cursor, int, str)
        return _Place(_number(seen), _moment(moment))
    except InputError:
        seen, moment, now, at, line = cursors.decode(cursor, int, str, int, str, str)
    return _Place(_number(seen), _moment(moment), _number(now), _moment(at), line)


def _number(number: int) -> int:
    if not 0 <= number < 2**62:
        raise InputError("This cursor is none of this list.", place="after")
    return number


def _moment(said: str) -> datetime:
    found = moment_in(said, "after")
    if not 2000 <= found.year < 2200:
        raise InputError("This cursor is none of this list.", place="after")
    return found
