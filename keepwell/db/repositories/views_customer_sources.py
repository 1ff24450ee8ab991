"""The sources of a customer's timeline: the journal, scores that moved, and what the customer did in a day.

Each gives its lines below a place, newest first, as far as it has looked: `floor` is the place down to which
it has them all, None where it has come to its end. Each looks at so many rows at most, so that a page costs
the same however long the history is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, case, func, literal, tuple_
from sqlalchemy import select as rows_of
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import Session, col, select

from keepwell.db.repositories.zones import local_day, local_midnight
from keepwell.db.tables import EngagementEvent, Event, Score
from keepwell.db.tables.base import UtcDateTime

ACTIVITY, SCORE, EVENT = 0, 1, 2
"""Of one moment, what is higher is newer: a day's activity is placed where the day begins."""

CHUNK = 250
MOST_ROWS = 1_000
"""Lines of the journal that are looked at for one page."""

SCORES = 200
WINDOW = 31
WINDOWS = 4
"""Days of activity that are added up at once, and how often for one page."""

MOVED = 5.0
"""Points between one score and the next from which it is worth a line."""

DAY = timedelta(days=1)


class Place(NamedTuple):
    """Where in the timeline: lines are in the order of these, the greatest first."""

    at: datetime
    source: int
    id: str


@dataclass(frozen=True)
class Moved:
    """A score that moved by five points or more, is the first, or is by another scorecard than the last."""

    id: str
    at: datetime
    score: float
    before: float | None
    level: str | None
    previous: str | None
    scorecard_changed: bool


@dataclass(frozen=True)
class DayActivity:
    """What a customer did in a day, by kind."""

    day: date
    kinds: dict[str, int]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Found:
    """Lines of a source with their places, and how far down they are all there."""

    lines: list[tuple[Place, Event | Moved | DayActivity]]
    floor: Place | None


def journal_lines(
    session: Session, customer: str, below: Place | None, wanted: Callable[[str], bool], limit: int
) -> Found:
    """Lines of the journal whose kind is wanted; `limit` of them at most, after 1,000 others at most."""
    chosen: list[Place] = []
    looked, place = 0, below
    while looked < MOST_ROWS and len(chosen) < limit:
        rows = _journal_page(session, customer, place)
        places = [Place(at, EVENT, own) for own, at, _ in rows]
        chosen += [one for one, row in zip(places, rows, strict=True) if wanted(row[2])]
        looked += len(rows)
        if len(rows) < CHUNK:
            return Found(_read(session, chosen[:limit]), chosen[limit - 1] if len(chosen) >= limit else None)
        place = places[-1]
    floor = chosen[limit - 1] if len(chosen) >= limit else place
    return Found(_read(session, chosen[:limit]), floor)


def _journal_page(
    session: Session, customer: str, below: Place | None
) -> Sequence[tuple[str, datetime, str]]:
    query = select(Event.id, Event.at, Event.kind).where(Event.customer_id == customer)
    query = query.where(*_below(col(Event.at), col(Event.id), EVENT, below))
    return session.exec(query.order_by(col(Event.at).desc(), col(Event.id).desc()).limit(CHUNK)).all()


def _read(session: Session, places: Sequence[Place]) -> list[tuple[Place, Event | Moved | DayActivity]]:
    if not places:
        return []
    rows = session.exec(select(Event).where(col(Event.id).in_([one.id for one in places]))).all()
    by_id = {row.id: row for row in rows}
    return [(one, by_id[one.id]) for one in places]


def score_lines(session: Session, customer: str, below: Place | None) -> Found:
    """Scores that moved, of the last 200 scores at most."""
    columns = (col(Score.id), col(Score.scored_at), col(Score.score), col(Score.level), col(Score.scorecard))
    query = rows_of(*columns).where(col(Score.customer_id) == customer, col(Score.score).is_not(None))
    query = query.where(*_below(col(Score.scored_at), col(Score.id), SCORE, below))
    newest = query.order_by(col(Score.scored_at).desc(), col(Score.id).desc())
    rows = session.connection().execute(newest.limit(SCORES + 1)).all()
    lines: list[tuple[Place, Event | Moved | DayActivity]] = []
    for number, row in enumerate(rows[:SCORES]):
        moved = _moved(row, rows[number + 1] if number + 1 < len(rows) else None)
        if moved is not None:
            lines.append((Place(moved.at, SCORE, moved.id), moved))
    last = rows[SCORES - 1] if len(rows) > SCORES else None
    return Found(lines, Place(last[1], SCORE, last[0]) if last is not None else None)


def _moved(row: Any, before: Any) -> Moved | None:
    own, at, score, level, card = row
    if before is None:
        return Moved(own, at, score, None, level, None, False)
    if before[4] != card:
        return Moved(own, at, score, None, level, before[3], True)
    if abs(score - before[2]) < MOVED:
        return None
    return Moved(own, at, score, before[2], level, before[3], False)


def activity_lines(
    session: Session, customer: str, below: Place | None, zone: str, limit: int, down_to: Place | None
) -> Found:
    """Days with activity, a line each, down to `down_to`, where the other sources have lines no more."""
    lines: list[tuple[Place, Event | Moved | DayActivity]] = []
    upper = _end_of(below, zone)
    newest = _newest(session, customer, upper)
    for _ in range(WINDOWS):
        if newest is None:
            return Found(lines, None)
        last = local_day(newest, zone)
        first = last - (WINDOW - 1) * DAY
        if down_to is not None:
            first = min(last, max(first, local_day(down_to.at, zone)))
        days, newest = _window(session, customer, first, last, upper, zone)
        lines += days
        reached = upper = local_midnight(first, zone)
        if len(lines) >= limit or (down_to is not None and reached <= down_to.at):
            break
    return Found(lines, Place(reached, ACTIVITY, ""))


def _end_of(below: Place | None, zone: str) -> datetime | None:
    """The moment before which events belong to lines below a place: a day's line is where the day begins."""
    if below is None:
        return None
    day = local_day(below.at, zone)
    begins = local_midnight(day, zone)
    behind = begins < below.at or (begins == below.at and below.source > ACTIVITY)
    return local_midnight(day + DAY, zone) if behind else begins


def _newest(session: Session, customer: str, upper: datetime | None) -> datetime | None:
    query = select(EngagementEvent.at).where(EngagementEvent.customer_id == customer)
    if upper is not None:
        query = query.where(col(EngagementEvent.at) < upper)
    return session.exec(query.order_by(col(EngagementEvent.at).desc()).limit(1)).first()


def active_days(
    session: Session, customer: str, first: date, last: date, upper: datetime | None, zone: str
) -> list[tuple[Place, DayActivity]]:
    """What a customer did on the days from `first` to `last` and before `upper`, the newest first."""
    return _window(session, customer, first, last, upper, zone)[0]


def _window(
    session: Session, customer: str, first: date, last: date, upper: datetime | None, zone: str
) -> tuple[list[tuple[Place, DayActivity]], datetime | None]:
    """`active_days`, and when the customer did something last before them; None also where it did nothing
    on these days."""
    days = [last - number * DAY for number in range((last - first).days + 1)]
    begins = [local_midnight(day, zone) for day in days]
    given = {"customer": customer, "upper": upper, **{f"day_{at}": one for at, one in enumerate(begins)}}
    if upper is None:
        del given["upper"]
    found: dict[int, list[Any]] = {}
    rows = session.connection().execute(_by_day(len(days), bounded=upper is not None), given).all()
    for row in rows:
        found.setdefault(row[0], []).append(row)
    lines = [
        (Place(begins[index], ACTIVITY, days[index].isoformat()), _added_up(days[index], found[index]))
        for index in sorted(found)
    ]
    return lines, rows[0].before if rows else None


@lru_cache(maxsize=128)
def _by_day(number: int, *, bounded: bool) -> Select[Any]:
    """A customer's events of so many days by day and kind, each row with the moment of the last event before.

    Put together once: SQLAlchemy takes longer over a day each of a month than the databases do. The days'
    beginnings are parameters, the last day's first.
    """
    at, kind, own = col(EngagementEvent.at), col(EngagementEvent.kind), col(EngagementEvent.customer_id)
    customer: BindParameter[str] = bindparam("customer")
    begins = [bindparam(f"day_{index}", type_=UtcDateTime()) for index in range(number)]
    day = case(*((at >= begin, literal(index)) for index, begin in enumerate(begins)))
    earlier = aliased(EngagementEvent)
    before = (
        rows_of(func.max(col(earlier.at)))
        .where(col(earlier.customer_id) == customer, col(earlier.at) < begins[-1])
        .scalar_subquery()
    )
    query = rows_of(day, kind, func.count(), func.min(at), func.max(at), before.label("before"))
    query = query.where(own == customer, at >= begins[-1])
    if bounded:
        query = query.where(at < bindparam("upper", type_=UtcDateTime()))
    return query.group_by(day, kind)


def _added_up(day: date, rows: Sequence[Any]) -> DayActivity:
    ordered = sorted(rows, key=lambda row: (-row[2], row[1]))
    return DayActivity(
        day=day,
        kinds={row[1]: row[2] for row in ordered},
        first_at=min(row[3] for row in rows),
        last_at=max(row[4] for row in rows),
    )


def _below(
    at: Mapped[datetime], own: Mapped[str], source: int, place: Place | None
) -> list[ColumnElement[bool]]:
    """What a source's rows have to be to come below a place."""
    if place is None:
        return []
    if source < place.source:
        return [at <= place.at]
    if source > place.source:
        return [at < place.at]
    return [tuple_(at, own) < (place.at, place.id)]
