"""What the calendar's page shows: days with their first entries, and loads as a table with shades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from keepwell.db.repositories.views_calendar_lines import (
    CalendarDay,
    CalendarEntry,
    DayLoad,
    EntryKind,
    ForwardCalendar,
    PersonLoad,
)

SATURDAY = 5
SHADES = 4


class Group(StrEnum):
    """By what the calendar is narrowed."""

    MESSAGES = "messages"
    TASKS = "tasks"
    ESCALATIONS = "escalations"
    DRAFTS = "drafts"
    OFFERS = "offers"
    REST = "rest"


_K = EntryKind
OF_GROUP: Mapping[Group, frozenset[EntryKind]] = {
    Group.MESSAGES: frozenset({_K.MESSAGE}),
    Group.TASKS: frozenset({_K.TASK, _K.TASK_DUE}),
    Group.ESCALATIONS: frozenset({_K.ESCALATION}),
    Group.DRAFTS: frozenset({_K.DRAFT}),
    Group.OFFERS: frozenset({_K.OFFER, _K.OFFER_ENDS}),
    Group.REST: frozenset({_K.DOCUMENT, _K.ASSIGNMENT}),
}
GROUP_OF = {kind: group for group, kinds in OF_GROUP.items() for kind in kinds}
KINDS: Mapping[Group, str] = {
    Group.MESSAGES: "Messages",
    Group.TASKS: "Tasks",
    Group.ESCALATIONS: "Escalations",
    Group.DRAFTS: "Drafts to decide",
    Group.OFFERS: "Offers",
    Group.REST: "Documents, hand-overs",
}
"""What a group is called."""

_CHANNELS = {"email": "Email", "slack": "Slack", "in_app": "In the app", "": "Message"}
_WORDS = {
    _K.TASK: "Task to come",
    _K.TASK_DUE: "Task due",
    _K.ESCALATION: "Escalation",
    _K.DOCUMENT: "Document",
    _K.ASSIGNMENT: "Hand-over",
    _K.OFFER: "Offer",
    _K.DRAFT: "Draft",
    _K.OFFER_ENDS: "Offer ends",
}


@dataclass(frozen=True)
class ShownEntry:
    """An entry with its kind in words and as a class."""

    entry: CalendarEntry
    label: str
    group: Group

    @property
    def title(self) -> str:
        """What it is, as a sentence begins."""
        return self.entry.title[:1].upper() + self.entry.title[1:]


@dataclass(frozen=True)
class ShownDay:
    """A day with the entries that are shown of it. `left_out` says how many are not; `closed` why it is."""

    day: date
    closed: str
    weekend: bool
    away: tuple[str, ...]
    total: int
    entries: tuple[ShownEntry, ...]

    @property
    def left_out(self) -> int:
        """How many more there are."""
        return self.total - len(self.entries)


@dataclass(frozen=True)
class HeatDay:
    """A person's day in the table of loads; `shade` from 0 to 4."""

    load: DayLoad
    total: int
    shade: int
    busiest: bool

    @property
    def words(self) -> str:
        """What it consists of."""
        parts = [
            (self.load.tasks, "tasks"),
            (self.load.messages, "messages"),
            (self.load.escalations, "escalations"),
            (self.load.drafts, "drafts"),
        ]
        return ", ".join(f"{number} {what}" for number, what in parts if number) or "nothing"


@dataclass(frozen=True)
class Heat:
    """The table of loads: a row for each person, a column for each day. `alone`: it is one person's."""

    days: tuple[CalendarDay, ...]
    rows: tuple[tuple[PersonLoad, tuple[HeatDay, ...]], ...]
    alone: bool


def shown_days(
    found: ForwardCalendar, groups: Sequence[Group], first: date, number: int, *, most: int
) -> tuple[ShownDay, ...]:
    """So many days from the first on, with `most` entries each."""
    wanted = {kind for group in groups or tuple(Group) for kind in OF_GROUP[group]}
    until = first + timedelta(days=number)
    return tuple(
        ShownDay(
            day=one.day,
            closed=one.closed,
            weekend=one.day.weekday() >= SATURDAY,
            away=_away(found, one.day),
            total=sum(count for kind, count in one.counts.items() if kind in wanted),
            entries=tuple(_shown(entry) for entry in one.entries if entry.kind in wanted)[:most],
        )
        for one in found.days
        if first <= one.day < until
    )


def heat_of(found: ForwardCalendar, owner: str | None) -> Heat:
    """The loads of everybody, or of one; the busiest of each day, or the one's busiest day, is marked."""
    people = [one for one in found.load if owner is None or one.staff_id == owner]
    totals = [[_total(day) for day in one.days] for one in people]
    most = max((number for row in totals for number in row), default=0)
    tops = (
        [max(column) for column in zip(*totals, strict=True)] if len(people) > 1 else [most] * len(found.days)
    )
    rows = tuple(
        (
            person,
            tuple(
                HeatDay(
                    load=day,
                    total=number,
                    shade=-(-SHADES * number // most) if most else 0,
                    busiest=1 < number == tops[place],
                )
                for place, (day, number) in enumerate(zip(person.days, row, strict=True))
            ),
        )
        for person, row in zip(people, totals, strict=True)
    )
    return Heat(found.days, rows, alone=owner is not None)


def _shown(entry: CalendarEntry) -> ShownEntry:
    label = _CHANNELS.get(entry.channel, entry.channel) if entry.kind is _K.MESSAGE else _WORDS[entry.kind]
    return ShownEntry(entry, label, GROUP_OF[entry.kind])


def _away(found: ForwardCalendar, day: date) -> tuple[str, ...]:
    """Who is away on a day, each once."""
    return tuple(one.name for one in found.load if any(load.away for load in one.days if load.day == day))


def _total(day: DayLoad) -> int:
    return day.tasks + day.messages + day.escalations + day.drafts
