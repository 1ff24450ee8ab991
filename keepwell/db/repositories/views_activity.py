"""Read model of recent activity: the journal of an organisation, the newest lines first, page by page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from keepwell import cursors
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views import customer_names
from keepwell.db.repositories.views_journal import EventLine
from keepwell.db.repositories.views_portfolio_lines import LONGEST_PAGE
from keepwell.db.tables import Event
from keepwell.errors import InputError


class ActivityPage(Frozen):
    """Lines of the journal, the newest first; `next` is the cursor of the older ones, None at the end."""

    lines: tuple[EventLine, ...]
    next: str | None


def recent_activity(
    session: Session,
    organisation: str,
    *,
    kinds: Collection[str] = (),
    cursor: str | None = None,
    limit: int = 50,
) -> ActivityPage:
    """The newest lines of an organisation; `kinds` are whole kinds ("intervention.started").

    By when they were recorded. A line recorded while somebody turns the pages may be seen on the first page
    only: the cursor goes back in time.

    Raises:
        InputError: the limit is not 1 to LONGEST_PAGE, or the cursor is of another list.
    """
    if not 1 <= limit <= LONGEST_PAGE:
        raise InputError(f"A page has 1 to {LONGEST_PAGE} lines, not {limit}.", place="limit")
    query = select(Event).where(Event.organisation_id == organisation)
    if cursor is not None:
        at, last = cursors.decode(cursor, str, str)
        try:
            moment = datetime.fromisoformat(at)
        except ValueError as error:
            raise InputError("This cursor is none of this list.", place="cursor") from error
        query = query.where(tuple_(col(Event.recorded_at), col(Event.id)) < (moment, last))
    newest = query.order_by(col(Event.recorded_at).desc(), col(Event.id).desc()).limit(limit + 1)
    # Each kind by itself has its newest lines in the order of an index; all of some together do not.
    wanted = [newest.where(Event.kind == kind) for kind in dict.fromkeys(kinds)] or [newest]
    rows = [row for one in wanted for row in session.exec(one).all()]
    rows.sort(key=lambda row: (row.recorded_at, row.id), reverse=True)
    names = customer_names(session, [row.customer_id for row in rows[:limit]])
    lines = tuple(
        EventLine(
            **row.model_dump(include={"id", "at", "recorded_at", "kind", "by", "text", "why", "data"}),
            customer_id=row.customer_id,
            customer=names[row.customer_id].name if row.customer_id else "",
            intervention=row.intervention_id,
        )
        for row in rows[:limit]
    )
    following = None
    if len(rows) > limit:
        following = cursors.encode([lines[-1].recorded_at.isoformat(), lines[-1].id])
    return ActivityPage(lines=lines, next=following)
