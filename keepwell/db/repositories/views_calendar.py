"""The forward calendar: what goes out to whom in the coming days, and each person's load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.manners import home_calendar
from keepwell.db.repositories.views_ahead import Outlook
from keepwell.db.repositories.views_calendar_entries import entries_of
from keepwell.db.repositories.views_calendar_items import (
    Asked,
    Item,
    of_drafts,
    of_offers,
    of_steps,
    of_tasks,
    overdue,
)
from keepwell.db.repositories.views_calendar_lines import (
    CalendarDay,
    CalendarEntry,
    EntryKind,
    ForwardCalendar,
    StandsStill,
)
from keepwell.db.repositories.views_calendar_load import loads
from keepwell.db.repositories.views_outlines import customers_of, running, stands_still
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.zones import first_zone, local_day, local_midnight
from keepwell.db.tables import Intervention, Organisation
from keepwell.errors import InputError

DAYS = 14
MOST_DAYS = 60
LIMIT = 500
STILL_SHOWN = 100
DAY = timedelta(days=1)


def calendar(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    days: int = DAYS,
    owner: str | None = None,
    playbook: str = "",
    limit: int = LIMIT,
) -> ForwardCalendar:
    """The calendar of an organisation from today on, `limit` entries at most.

    `owner` narrows it to what belongs to a member of staff (what they own, and tasks given to them),
    `playbook` to a playbook's name. Raises NotFoundError for an unknown organisation, InputError for days
    outside of 1 to 60.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InputError(f"A calendar of {days} days is none.", place="days", hint="It takes 1 to 60.")
    home = found(session, Organisation, organisation, "organisation")
    zone = first_zone(home.time_zone)
    first = local_day(now, zone)
    until = local_midnight(first + days * DAY, zone)
    people = People(session, home, now, until)
    runs = running(session, organisation, owner=owner, playbook=playbook)
    still = [run for run in runs if stands_still(run)]
    going = [run for run in runs if not stands_still(run)]
    outlook = Outlook(session, home, now, until, people)
    customers = customers_of(session, [run.customer_id for run in going])
    asked = Asked(organisation, now, until, owner, playbook)
    by_id = {run.id: run for run in runs}
    drafts = list(of_drafts(session, asked, by_id))
    steps = of_steps(outlook.coming(going, customers), {(one.intervention, one.step) for one in drafts})
    items = [*steps, *drafts, *of_tasks(session, asked), *of_offers(session, asked, by_id)]
    items.sort(key=lambda item: (item.at, item.id))
    shown = entries_of(session, items[:limit], people)
    dates = tuple(first + number * DAY for number in range(days))
    return ForwardCalendar(
        zone=zone,
        from_day=first,
        until_day=first + (days - 1) * DAY,
        total=len(items),
        more=len(items) > limit,
        days=_days(session, home, dates, items, shown),
        load=loads(items, overdue(session, asked), people, dates, zone),
        still=_still(session, still[:STILL_SHOWN], outlook, people),
        still_total=len(still),
    )


def _days(
    session: Session,
    home: Organisation,
    dates: Sequence[date],
    items: Sequence[Item],
    shown: Sequence[CalendarEntry],
) -> tuple[CalendarDay, ...]:
    zone, calendar_ = first_zone(home.time_zone), home_calendar(session, home)
    counts: dict[date, Counter[EntryKind]] = {}
    for item in items:
        counts.setdefault(local_day(item.at, zone), Counter())[item.kind] += 1
    entries: dict[date, list[CalendarEntry]] = {}
    for entry in shown:
        entries.setdefault(local_day(entry.at, zone), []).append(entry)
    return tuple(
        CalendarDay(
            day=day,
            closed=calendar_.closed(day),
            total=counts.get(day, Counter()).total(),
            counts=dict(counts.get(day, {})),
            entries=tuple(entries.get(day, ())),
        )
        for day in dates
    )


def _still(
    session: Session, runs: Sequence[Intervention], outlook: Outlook, people: People
) -> tuple[StandsStill, ...]:
    customers = customers_of(session, [run.customer_id for run in runs])
    waiting = outlook.waiting(runs)
    return tuple(
        StandsStill(
            intervention=run.id,
            customer_id=run.customer_id,
            customer=customers[run.customer_id].name,
            playbook=f"{run.playbook}@{run.version}",
            owner_id=run.owner_id,
            owner=people.name(run.owner_id),
            why=stands_still(run),
            since=run.held_at if run.held_why else run.paused_at,
            waiting=waiting.get(run.id, 0),
        )
        for run in runs
    )
