"""Each person's load in the forward calendar, by day and by week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from keepwell.db.repositories.absences import away_words
from keepwell.db.repositories.views_calendar_items import Item
from keepwell.db.repositories.views_calendar_lines import DayLoad, EntryKind, PersonLoad, WeekLoad
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.zones import local_day

DAY = timedelta(days=1)
PARTS = {
    EntryKind.MESSAGE: "messages",
    EntryKind.TASK: "tasks",
    EntryKind.TASK_DUE: "tasks",
    EntryKind.ESCALATION: "escalations",
    EntryKind.DRAFT: "drafts",
}
"""What an item counts as; the others are nobody's work."""

OF_NOBODY = frozenset({EntryKind.TASK, EntryKind.TASK_DUE, EntryKind.DRAFT})
"""What is somebody's work though nobody has it; a message of the company is not."""

_Counts = dict[str | None, dict[date, Counter[str]]]


def loads(
    items: Sequence[Item], overdue: Mapping[str | None, int], people: People, days: Sequence[date], zone: str
) -> tuple[PersonLoad, ...]:
    """The load of everybody who has some, or is away; the most tasks first, then by name.

    `days` are those of the calendar, in the time zone `zone`.
    """
    counts: _Counts = {}
    known = set(days)
    for item in items:
        part, day = PARTS.get(item.kind), local_day(item.due_at, zone)
        if part is not None and day in known and (item.has is not None or item.kind in OF_NOBODY):
            counts.setdefault(item.has, {}).setdefault(day, Counter())[part] += 1
    away = _away(people, days)
    concerned = {*counts, *(one for one, number in overdue.items() if number), *away}
    found = [
        _load(one, counts.get(one, {}), overdue.get(one, 0), away.get(one or "", {}), people, days)
        for one in concerned
    ]
    return tuple(sorted(found, key=lambda one: (-one.tasks - one.overdue, one.name, one.staff_id or "")))


def _load(
    person: str | None,
    counts: Mapping[date, Counter[str]],
    overdue: int,
    away: Mapping[date, str],
    people: People,
    days: Sequence[date],
) -> PersonLoad:
    total = sum(counts.values(), Counter[str]())
    none: Counter[str] = Counter()
    by_day = tuple(DayLoad(day=day, **counts.get(day, none), away=away.get(day, "")) for day in days)
    return PersonLoad(
        staff_id=person,
        name=people.name(person) if person else "nobody",
        tasks=total["tasks"],
        overdue=overdue,
        messages=total["messages"],
        escalations=total["escalations"],
        drafts=total["drafts"],
        days=by_day,
        weeks=_weeks(by_day),
    )


def _weeks(days: Sequence[DayLoad]) -> tuple[WeekLoad, ...]:
    of: dict[date, list[DayLoad]] = {}
    for one in days:
        of.setdefault(one.day - one.day.weekday() * DAY, []).append(one)
    return tuple(
        WeekLoad(
            begins=monday,
            tasks=sum(one.tasks for one in some),
            messages=sum(one.messages for one in some),
            escalations=sum(one.escalations for one in some),
            drafts=sum(one.drafts for one in some),
            days_away=sum(bool(one.away) for one in some),
        )
        for monday, some in of.items()
    )


def _away(people: People, days: Sequence[date]) -> dict[str, dict[date, str]]:
    """On which of the days who is away, with the words that say until when."""
    found: dict[str, dict[date, str]] = {}
    for day in days:
        for one in people.absences:
            if one.from_on <= day <= one.until_on and one.staff_id in people.all:
                found.setdefault(one.staff_id, {})[day] = away_words(one, day)
    return found
