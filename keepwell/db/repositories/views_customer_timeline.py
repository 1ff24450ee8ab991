"""One customer's timeline: all that happened to it, newest first, and what its open interventions plan.

Lines are in the order of when things happened, as scores and the customer's own events have no other, and a
page begins strictly below the last line of the page before: so none is told twice, and none is left out that
was there when the first page was read.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from keepwell import cursors
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views_customer_kinds import kind_of, told_elsewhere
from keepwell.db.repositories.views_customer_lines import CustomerTimeline, LineKind
from keepwell.db.repositories.views_customer_plan import customer_plan
from keepwell.db.repositories.views_customer_sources import (
    Found,
    Place,
    activity_lines,
    journal_lines,
    score_lines,
)
from keepwell.db.repositories.views_customer_told import Teller
from keepwell.db.repositories.views_outlines import customer_in
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Organisation
from keepwell.errors import InputError

PAGE = 50
"""Lines of a page, unless another number is asked for."""

MOST = 200


def customer_timeline(
    session: Session,
    organisation: str,
    customer: str,
    now: datetime,
    *,
    before: str | None = None,
    kinds: Collection[LineKind] = (),
    limit: int = PAGE,
) -> CustomerTimeline:
    """A page of the timeline of a customer, by our id of it; no kinds means all. `limit` is 1 to 200.

    `before` is the `next` of the page before. Raises NotFoundError where the organisation has no such
    customer, InputError for a `before` that is none of ours.
    """
    row = customer_in(session, organisation, customer)
    zone = first_zone(row.time_zone, found(session, Organisation, organisation, "organisation").time_zone)
    below, limit = _place(before) if before is not None else None, max(1, min(limit, MOST))
    sources = _sources(session, customer, below, frozenset(kinds), zone, limit)
    floor = max((one.floor for one in sources if one.floor is not None), default=None)
    lines = [line for one in sources for line in one.lines if floor is None or line[0] >= floor]
    lines.sort(key=lambda line: line[0], reverse=True)
    last = lines[limit - 1][0] if len(lines) > limit else floor
    teller = Teller(session, customer, [told for _, told in lines[:limit]])
    plan = customer_plan(session, organisation, customer, now) if before is None else None
    return CustomerTimeline(
        lines=tuple(teller.line(place, told) for place, told in lines[:limit]),
        next=None if last is None else cursors.encode([last.at.isoformat(), last.source, last.id]),
        plan=plan,
    )


def _sources(
    session: Session, customer: str, below: Place | None, kinds: frozenset[LineKind], zone: str, limit: int
) -> list[Found]:
    """The sources that may have lines of these kinds, each with one more than the page has room for."""

    def wanted(kind: str) -> bool:
        return not told_elsewhere(kind) and (not kinds or kind_of(kind) in kinds)

    sources = []
    if kinds != {LineKind.ENGAGEMENT}:
        sources.append(journal_lines(session, customer, below, wanted, limit + 1))
    if not kinds or LineKind.SCORE in kinds:
        sources.append(score_lines(session, customer, below))
    if not kinds or LineKind.ENGAGEMENT in kinds:
        floor = max((one.floor for one in sources if one.floor is not None), default=None)
        sources.append(activity_lines(session, customer, below, zone, limit + 1, floor))
    return sources


def _place(cursor: str) -> Place:
    at, source, own = cursors.decode(cursor, str, int, str)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError(
            "This cursor is none of this timeline.", place="before", hint="Take `next` unchanged."
        )
    return Place(moment, source, own)
