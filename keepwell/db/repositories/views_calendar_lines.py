"""What the forward calendar consists of: days with what goes out and falls due, and each person's load."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from keepwell.contracts.base import Frozen
from scoring.levels import Level


class EntryKind(StrEnum):
    """What an entry is: a message, task or escalation is one to come, `task_due` a task that is there."""

    MESSAGE = "message"
    TASK = "task"
    ESCALATION = "escalation"
    DOCUMENT = "document"
    ASSIGNMENT = "assignment"
    OFFER = "offer"
    DRAFT = "draft"
    TASK_DUE = "task_due"
    OFFER_ENDS = "offer_ends"


class CalendarEntry(Frozen):
    """Something that will happen, at the moment at which the gate lets it through if nothing else changes.

    `id` is the entry's own; `ref` the id of the task, draft or offer where it is about one. `planned_at` is
    when its playbook has it, and `moved_why` why `at` is later. `state` is planned, deferred or open.
    `to` says in words whom it is for, `recipient` who that is as things stand ("" where nobody can say), and
    `unless` is what would make it needless: answered, acknowledged or "". `paused`: its clock stands still
    until a known moment, which `at` has in it. `hindered` says why it will not go out as things stand (nobody
    to write to, a stop), and `approval` that somebody will be asked for their word first.
    """

    id: str
    at: datetime
    kind: EntryKind
    title: str
    why: str = ""
    channel: str = ""
    to: str = ""
    recipient: str = ""
    recipient_kind: Literal["contact", "staff", ""] = ""
    state: str = "planned"
    unless: str = ""
    paused: bool = False
    planned_at: datetime
    moved_why: str = ""
    hindered: str = ""
    approval: bool = False
    customer_id: str
    customer: str
    level: Level | None
    intervention: str | None
    playbook: str = ""
    step: str = ""
    owner_id: str | None
    owner: str
    ref: str | None = None


class CalendarDay(Frozen):
    """A day of the organisation. `closed` says why no messages go out on it, "" where they do.

    `counts` are of all entries of the day, by kind; `entries` are the first of them, in the order of time.
    """

    day: date
    closed: str
    total: int
    counts: dict[EntryKind, int]
    entries: tuple[CalendarEntry, ...]


class DayLoad(Frozen):
    """What a day holds for a member of staff; `away` says so where they are not there, and who stands in.

    `tasks` are due on the day, `messages` go out in their name, `escalations` reach them unless somebody
    acknowledges before, `drafts` have to be decided by then.
    """

    day: date
    tasks: int = 0
    messages: int = 0
    escalations: int = 0
    drafts: int = 0
    away: str = ""


class WeekLoad(Frozen):
    """The same for a calendar week, as far as the calendar reaches; `begins` is its Monday."""

    begins: date
    tasks: int = 0
    messages: int = 0
    escalations: int = 0
    drafts: int = 0
    days_away: int = 0


class PersonLoad(Frozen):
    """The load of a member of staff, of those with the most tasks first; `staff_id` None: nobody owns it.

    `overdue` are open tasks whose deadline is past: they are in no day.
    """

    staff_id: str | None
    name: str
    tasks: int
    overdue: int
    messages: int
    escalations: int
    drafts: int
    days: tuple[DayLoad, ...]
    weeks: tuple[WeekLoad, ...]


class StandsStill(Frozen):
    """An open intervention whose clock stands still until somebody says otherwise, so nothing of it is dated.

    `waiting` is how many of its steps are still to come.
    """

    intervention: str
    customer_id: str
    customer: str
    playbook: str
    owner_id: str | None
    owner: str
    why: str
    since: datetime | None
    waiting: int


class ForwardCalendar(Frozen):
    """What goes out to whom in the days from today on, and each person's load.

    `zone` is the organisation's, in which days are days. `total` counts entries within the days, `more` says
    that some are left out of `entries`; the counts and loads have them all. `still` are the interventions
    that stand still (the first hundred; `still_total` in all).
    """

    zone: str
    from_day: date
    until_day: date
    total: int
    more: bool
    days: tuple[CalendarDay, ...]
    load: tuple[PersonLoad, ...]
    still: tuple[StandsStill, ...]
    still_total: int
