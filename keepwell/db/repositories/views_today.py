"""What needs a person today, in the order of what waiting costs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.views_today_cost import Weigher
from keepwell.db.repositories.views_today_found import Open, Whose, open_of
from keepwell.db.repositories.views_today_lines import NeedKind, Today
from keepwell.db.repositories.views_today_told import NeedTeller, as_clocks_stand
from keepwell.db.tables import Organisation
from keepwell.errors import NotFoundError

LIMIT = 50
PER_KIND = 500
"""Of each kind so many are weighed, those with the nearest deadline; the counts are of all."""

AHEAD = timedelta(hours=48)
"""Escalations that come within this time are told."""


def today(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    staff: str | None = None,
    team: Collection[str] = (),
    kinds: Collection[NeedKind] = (),
    limit: int = LIMIT,
    offset: int = 0,
) -> Today:
    """What needs somebody now, what costs most by waiting first; no kinds means all.

    `staff` narrows it to what is theirs: what they own and have been given, and what belongs to those for
    whom they stand in now (`covers` names them); `team` are others whose work is shown beside it. The order
    is that of `Weigher`. Raises NotFoundError for an unknown organisation or member of staff.
    """
    home = found(session, Organisation, organisation, "organisation")
    people = People(session, home, now, now + AHEAD)
    if staff is not None and staff not in people.all:
        raise NotFoundError(f"There is no member of staff {staff!r}.")
    own = _whose(people, home, staff, now)
    whose = own and replace(own, covers=(*own.covers, *team))
    wanted = tuple(one for one in NeedKind if not kinds or one in kinds)
    counts, overdue, needs = dict.fromkeys(NeedKind, 0), 0, list[Open]()
    for kind in NeedKind:
        part = open_of(session, organisation, now, now + AHEAD, kind, whose, PER_KIND)
        if kind is NeedKind.ESCALATION:
            part = as_clocks_stand(session, home, people, part, now, now + AHEAD)
        counts[kind] = part.total
        overdue += part.overdue if kind in wanted else 0
        needs += part.first
    # Weighed among all that is there: what a row costs, and why, stays the same when some kinds are hidden.
    weigher = Weigher(session, home, needs, now)
    needs = [one for one in needs if one.kind in wanted]
    needs.sort(key=lambda one: (-weigher.cost(one), one.due_at or one.since, one.kind, one.ref))
    page = needs[offset : offset + limit]
    teller = NeedTeller(session, home, people, weigher, now)
    return Today(
        needs=teller.tell(page),
        counts=counts,
        total=sum(counts[kind] for kind in wanted),
        overdue=overdue,
        covers=tuple(people.name(one) for one in own.covers) if own is not None else (),
        next=offset + limit if len(needs) > offset + limit else None,
    )


def _whose(people: People, home: Organisation, staff: str | None, now: datetime) -> Whose | None:
    if staff is None:
        return None
    covers = people.stands_in_for(staff, now)
    return Whose(staff=staff, covers=covers, unowned=people.has_what_nobody_owns(staff, home.id))
