"""Views of the portfolio that people keep: their own, and those that everybody in the organisation shares."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.tables import Organisation, SavedView
from keepwell.errors import NotFoundError, RefusedError

MOST = 100
"""Views of one person, and of all together."""


class ViewLine(Frozen):
    """A view: its name, and the filters and order as they stand behind the ? of the portfolio's address."""

    id: str
    name: str
    query: str
    shared: bool
    created_at: datetime


def saved_views(session: Session, organisation: str, account: str | None) -> tuple[ViewLine, ...]:
    """What somebody sees: their own views, then the shared ones, by name."""
    rows = _of(session, organisation, account) if account is not None else []
    return tuple(_line(row) for row in (*rows, *_of(session, organisation, None)))


def put_view(
    session: Session, organisation: str, account: str | None, name: str, query: str, now: datetime
) -> ViewLine:
    """Keep a view under a name, in place of one that has it; `account` None shares it with everybody.

    Raises RefusedError where there are too many.
    """
    # Two may share one of a name at the same moment, and no constraint knows that nobody is somebody.
    session.get_one(Organisation, organisation, with_for_update={"key_share": True})
    there = _of(session, organisation, account)
    row = next((one for one in there if one.name == name), None)
    if row is None:
        if len(there) >= MOST:
            raise RefusedError(f"There are {MOST} views already.", hint="Take one away first.")
        row = SavedView(
            organisation_id=organisation, account_id=account, name=name, query=query, created_at=now
        )
    row.query = query
    session.add(row)
    session.flush()
    return _line(row)


def drop_view(session: Session, organisation: str, account: str | None, name: str) -> ViewLine:
    """Take a view away. Raises NotFoundError for none of that name."""
    row = next((one for one in _of(session, organisation, account) if one.name == name), None)
    if row is None:
        whose = "shared view" if account is None else "view of yours"
        raise NotFoundError(f"There is no {whose} {name!r}.")
    session.delete(row)
    return _line(row)


def _of(session: Session, organisation: str, account: str | None) -> list[SavedView]:
    query = select(SavedView).where(
        SavedView.organisation_id == organisation, col(SavedView.account_id).is_not_distinct_from(account)
    )
    return list(session.exec(query.order_by(col(SavedView.name), col(SavedView.id))).all())


def _line(row: SavedView) -> ViewLine:
    shared = row.account_id is None
    return ViewLine(**row.model_dump(include={"id", "name", "query", "created_at"}), shared=shared)
