"""What dialogs let people choose from: moments to put something off to, outcomes, colleagues."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.views import Person
from keepwell.db.tables import Staff

MORNING = time(9)
Choice = tuple[str, str]
"""What is sent, and how it reads."""

TASK_OUTCOMES: tuple[Choice, ...] = tuple((one.value, one.words.capitalize()) for one in TaskOutcome)


def snoozes(now: datetime, zone: ZoneInfo) -> tuple[Choice, ...]:
    """Moments that people put a task off to: later today, tomorrow, in two days, next week."""
    local = now.astimezone(zone)
    until_monday = timedelta(days=7 - local.weekday())
    mornings = [
        datetime.combine(local.date() + span, MORNING, zone)
        for span in (timedelta(days=1), timedelta(days=2), until_monday)
    ]
    later = (local + timedelta(hours=2)).replace(second=0, microsecond=0)
    named = [(later, f"In 2 hours ({later:%H:%M})")]
    named += [(at, f"{at:%A} {at.day} {at:%b, %H:%M}") for at in dict.fromkeys(mornings)]
    return tuple((at.isoformat(), words) for at, words in named)


def staff_of(session: Session, organisation: str) -> tuple[Person, ...]:
    """Whom work can be given to: the active members of staff by name."""
    query = select(Staff.id, Staff.name).where(Staff.organisation_id == organisation, col(Staff.active))
    rows = session.exec(query.order_by(col(Staff.name))).all()
    return tuple(Person(id=key, name=name) for key, name in rows)
