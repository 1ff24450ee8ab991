"""What changed since somebody looked: exact also where transactions commit in another order than they begin.

A position says which transactions its holder could see. On PostgreSQL that is a snapshot of the server's; on
SQLite, where one writes at a time, rows are numbered in the order in which they are committed (ADR 0021).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlmodel import Session

from keepwell import cursors
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.live import KEPT, About
from keepwell.db.repositories.lookup import table
from keepwell.errors import InputError

MOST: Final = 2_000
"""More changes than these are not told one by one: whoever missed them looks at everything again."""

LARGEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class Position:
    """What somebody has seen: all transactions before `end` but the `open` ones. `at` is when."""

    end: int
    open: frozenset[int]
    at: datetime

    @classmethod
    def never(cls) -> Position:
        """So long ago that nothing since can be told."""
        return cls(0, frozenset(), datetime.fromtimestamp(0, UTC))

    def sees(self, one: int) -> bool:
        """Whether a transaction (or on SQLite a row) was there."""
        return one < self.end and one not in self.open

    @property
    def cursor(self) -> str:
        """The position as a word for whoever comes back with it."""
        return cursors.encode((int(self.at.timestamp()), self.end, sorted(self.open)))

    def comes_before(self, now: Position) -> bool:
        """Whether what was missed since can still be told: nothing of it is forgotten, and it is of this
        database and no copy that was put back from earlier."""
        return self.end <= now.end and now.at - self.at < KEPT


def position_of(cursor: str) -> Position:
    """The position that a cursor names.

    Raises:
        InputError: it is none of ours.
    """
    seconds, end, still = cursors.decode(cursor, int, int, list)
    numbers = (seconds, end, *still)
    if not all(type(one) is int and 0 <= one < LARGEST for one in numbers) or seconds > 2**35:
        raise InputError("This cursor is none of ours.", place="since", hint="Leave it out to begin now.")
    return Position(end, frozenset(still), datetime.fromtimestamp(seconds, UTC))


class LiveChange(Frozen):
    """A change, as its row says it (`keepwell.db.tables.live`)."""

    organisation_id: str
    about: About
    ids: tuple[str, ...]
    kinds: tuple[str, ...]
    number_of: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to `now`; None where it is too much to tell."""

    now: Position
    rows: tuple[LiveChange, ...] | None


def where_now(session: Session, before: Position | None = None) -> Position:
    """The position of this moment; never one that lies behind `before`."""
    connection, at = session.connection(), datetime.now(UTC)
    if connection.dialect.name == "sqlite":
        newest = connection.execute(select(func.max(table("live_change").c.number))).scalar() or 0
        return Position(max(newest + 1, before.end if before else 0), frozenset(), at)
    first, end, still = connection.execute(text("SELECT pg_current_snapshot()::text")).scalar_one().split(":")
    # What began before the first open one is over, so the open ones are all that are missing.
    del first
    return Position(int(end), frozenset(int(one) for one in still.split(",") if one), at)


def changes(session: Session, before: Position, now: Position, organisations: Collection[str]) -> Changes:
    """The changes that `now` sees and `before` did not, of these organisations."""
    rows = table("live_change").c
    order: ColumnElement[Any] = rows.number if session.connection().dialect.name == "sqlite" else rows.txn
    missed = [order >= before.end]
    if before.open:
        missed.append(order.in_(sorted(before.open)))
    columns = (rows.organisation_id, rows.about, rows.ids, rows.kinds, rows.number_of, rows.at)
    query = (
        select(rows.number, order.label("place"), *columns)
        .where(or_(*missed), rows.organisation_id.in_(sorted(organisations)))
        .limit(MOST + 1)
    )
    # Sorted here: asked for in order, PostgreSQL may go through all numbers from the first one.
    found = sorted(session.connection().execute(query).mappings(), key=lambda row: row["number"])
    if len(found) > MOST:
        return Changes(now, None)
    seen = [LiveChange.model_validate(dict(row)) for row in found if now.sees(row["place"])]
    return Changes(now, tuple(seen))


class LiveLine(Frozen):
    """A line of the journal, or an engagement event (then `by` and `text` are empty)."""

    id: str
    kind: str
    customer: str | None
    by: str = ""
    text: str = ""
    at: datetime
    data: dict[str, Any]


def lines(session: Session, organisation: str, ids: Collection[str]) -> tuple[LiveLine, ...]:
    """These lines of an organisation's journal, in the order in which they happened."""
    rows = table("event").c
    query = select(
        rows.id, rows.kind, rows.customer_id.label("customer"), rows.by, rows.text, rows.at, rows.data
    )
    return _found(session, query.where(rows.organisation_id == organisation, rows.id.in_(sorted(ids))))


def engagements(session: Session, organisation: str, ids: Collection[str]) -> tuple[LiveLine, ...]:
    """These engagement events of an organisation, in the order in which they happened."""
    rows = table("engagement_event").c
    query = select(rows.id, rows.kind, rows.customer_id.label("customer"), rows.at, rows.data)
    return _found(session, query.where(rows.organisation_id == organisation, rows.id.in_(sorted(ids))))


def _found(session: Session, query: Select[Any]) -> tuple[LiveLine, ...]:
    rows = session.connection().execute(query).mappings()
    return tuple(
        sorted((LiveLine.model_validate(dict(row)) for row in rows), key=lambda one: (one.at, one.id))
    )
