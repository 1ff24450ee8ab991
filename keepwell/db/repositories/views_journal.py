"""Read model of the journal: its lines, by whom, of what kind, about what, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, TextClause, and_, func, select, true, tuple_
from sqlalchemy import text as sql
from sqlmodel import Session, col
from sqlmodel import select as rows_of
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import found, table
from keepwell.db.repositories.pages import Page, cursor_of, down, page_of
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Event


class EventLine(Frozen):
    """A line of the journal."""

    id: str
    at: datetime
    recorded_at: datetime
    kind: str
    by: str
    text: str
    why: str
    customer_id: str | None
    customer: str
    intervention: str | None
    data: dict[str, Any]


def events(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    intervention: str | None = None,
    kind: str = "",
    by: Collection[str] = (),
    recorded_from: datetime | None = None,
    recorded_before: datetime | None = None,
    before: str | None = None,
    limit: int | None = None,
) -> tuple[EventLine, ...]:
    """The newest lines of the journal, the oldest of them first.

    `kind` is a whole kind ("task.call") or its beginning ("task"), `by` whole names. With
    `recorded_from`, the lines recorded at that moment or after; `recorded_before` ends the span. `before` is
    the id of a line: only those that were recorded before it.
    """
    query = rows_of(Event).where(Event.organisation_id == organisation)
    if customer is not None:
        query = query.where(Event.customer_id == customer)
    if intervention is not None:
        query = query.where(Event.intervention_id == intervention)
    query = _recorded(query, recorded_from, recorded_before)
    if before is not None:
        line = found(session, Event, before, "line of the journal")
        query = query.where(tuple_(Event.recorded_at, Event.id) < (line.recorded_at, line.id))
    if customer is None and intervention is None:
        wanted = [and_(*one) for one in product(_of_kinds(session, organisation, kind), _of_names(by))]
    else:
        wanted = [_fits(kind, by)]
    return lines_of(session, _newest(session, query, wanted, limit))


class EventFilter(Frozen):
    """Which lines are wanted; what is not said narrows nothing. `kinds` are whole kinds, `by` whole names."""

    customer: str | None = None
    intervention: str | None = None
    kinds: tuple[str, ...] | None = None
    by: tuple[str, ...] = ()
    recorded_from: datetime | None = None
    recorded_before: datetime | None = None


def narrowed(organisation: str, wanted: EventFilter) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    parts: list[ColumnElement[bool]] = [col(Event.organisation_id) == organisation]
    if wanted.customer is not None:
        parts.append(col(Event.customer_id) == wanted.customer)
    if wanted.intervention is not None:
        parts.append(col(Event.intervention_id) == wanted.intervention)
    if wanted.kinds is not None:
        parts.append(col(Event.kind).in_(wanted.kinds))
    if wanted.by:
        parts.append(col(Event.by).in_(wanted.by))
    if wanted.recorded_from is not None:
        parts.append(col(Event.recorded_at) >= wanted.recorded_from)
    if wanted.recorded_before is not None:
        parts.append(col(Event.recorded_at) < wanted.recorded_before)
    return parts


def event_page(
    session: Session,
    organisation: str,
    wanted: EventFilter,
    *,
    cursor: str = "",
    limit: int | None = None,
    within: ColumnElement[bool] | None = None,
) -> Page[EventLine]:
    """A page of lines, the newest first. Raises InputError for a cursor of another list."""
    about = wanted.customer is not None or wanted.intervention is not None
    # What it is about narrows it down much further than kinds and names, which have indexes of their own.
    rest = wanted if about else wanted.model_copy(update={"kinds": None, "by": ()})
    query = rows_of(Event).where(*narrowed(organisation, rest))
    if within is not None:
        query = query.where(within)
    keys = (down(col(Event.recorded_at), datetime), down(col(Event.id), str))
    rows, more = list[Event](), False
    for one in [true()] if about else _each(wanted):
        found, following = page_of(session, query.where(one), keys, cursor=cursor, limit=limit)
        rows, more = rows + found, more or following is not None
    rows.sort(key=lambda row: (row.recorded_at, row.id), reverse=True)
    more = more or (limit is not None and len(rows) > limit)
    shown = rows if limit is None else rows[:limit]
    behind = cursor_of((shown[-1].recorded_at, shown[-1].id)) if more else None
    return Page(items=lines_of(session, shown), next=behind)


def _each(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """Each kind with each name, asked for by itself: so it has its newest lines in the order of an index."""
    of_kinds = [true()] if wanted.kinds is None else [col(Event.kind) == one for one in wanted.kinds]
    return [and_(*one) for one in product(of_kinds, _of_names(wanted.by))]


def lines_of(session: Session, rows: Sequence[Event]) -> tuple[EventLine, ...]:
    """The read models of these lines, in their order."""
    customers = customer_names(session, [row.customer_id for row in rows])
    return tuple(
        EventLine(
            **row.model_dump(include={"id", "at", "recorded_at", "kind", "by", "text", "why", "data"}),
            customer_id=row.customer_id,
            customer=customers[row.customer_id].name if row.customer_id else "",
            intervention=row.intervention_id,
        )
        for row in rows
    )


def kinds(session: Session, organisation: str) -> list[str]:
    """The kinds of which the journal has a line, in their order."""
    return _each_once(session, organisation, "kind")


def people(session: Session, organisation: str) -> list[str]:
    """Who stands in the journal beside the engine itself, by whatever name, in their order."""
    return _each_once(session, organisation, "by", sql("by <> 'engine'"))


def _each_once(session: Session, organisation: str, column: str, *where: TextClause) -> list[str]:
    """The values of a column. It goes from one to the next by an index: the journal is long, they are few."""
    event = table("event")
    values = event.c[column]
    first = select(func.min(values).label("value")).where(event.c.organisation_id == organisation, *where)
    known = first.cte("known", recursive=True)
    after = first.where(values > known.c.value).scalar_subquery()
    known = known.union_all(select(after).where(known.c.value.is_not(None)))
    result = session.connection().execute(select(known.c.value).where(known.c.value.is_not(None)))
    return sorted(result.scalars())


def begins(kind: str, beginning: str) -> bool:
    """Whether a kind is meant by its name, or by the whole words of its beginning."""
    return kind == beginning or kind.startswith(f"{beginning.rstrip('.')}.")


def _of_kinds(session: Session, organisation: str, kind: str) -> list[ColumnElement[bool]]:
    if not kind:
        return [true()]
    return [col(Event.kind) == one for one in kinds(session, organisation) if begins(one, kind)]


def _of_names(by: Collection[str]) -> list[ColumnElement[bool]]:
    if not by:
        return [true()]
    said = {name: col(Event.by) == name for name in by}
    # Said once more, for the index that holds nothing of the engine's.
    return [one if name == journal.ENGINE else and_(one, sql("by <> 'engine'")) for name, one in said.items()]


def _fits(kind: str, by: Collection[str]) -> ColumnElement[bool]:
    """In words that no index of kinds or names fits: what it is about narrows it down much further."""
    within = f"{kind.rstrip('.')}."
    of_kind = (col(Event.kind) == kind) | col(Event.kind).startswith(within, autoescape=True)
    return and_(of_kind if kind else true(), col(Event.by).in_(by) if by else true())


def _newest(
    session: Session,
    query: SelectOfScalar[Event],
    wanted: Sequence[ColumnElement[bool]],
    limit: int | None,
) -> list[Event]:
    """The newest lines that fit one of these, the oldest of them first.

    Each is asked for by itself: it has its newest lines in the order of an index, all together do not.
    """
    newest = query.order_by(col(Event.recorded_at).desc(), col(Event.id).desc()).limit(limit)
    rows = [row for one in wanted for row in session.exec(newest.where(one)).all()]
    rows.sort(key=lambda row: (row.recorded_at, row.id))
    return rows if limit is None else rows[-limit:]


def _recorded(
    query: SelectOfScalar[Event], since: datetime | None, before: datetime | None
) -> SelectOfScalar[Event]:
    if since is not None:
        query = query.where(col(Event.recorded_at) >= since)
    return query if before is None else query.where(col(Event.recorded_at) < before)
