"""Business time: nine to five on somebody's own clock, Monday to Friday unless a calendar says otherwise.

Standard library only, and the same in every run: workflow code may import this module. Holidays are not
known here: who knows a calendar says by `closed` which days are off (`keepwell.gate.calendar`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

OPENS = time(9)
CLOSES = time(17)
WEEKEND = (5, 6)
LONGEST = 31
"""Days. Who is closed for longer is not waited for: the next day counts as a business day."""

Closed = Callable[[date], bool]


def weekend(day: date) -> bool:
    """Whether a day is a Saturday or a Sunday."""
    return day.weekday() in WEEKEND


def next_business_day(moment: datetime, zone: str, closed: Closed = weekend) -> datetime:
    """When the next business day after the day of `moment` begins: 09:00 there, in UTC.

    On a Friday, a Saturday or a Sunday that is Monday. zone: an IANA name. Over a change of the clocks,
    nine stays nine.
    """
    there = _zone(zone)
    tomorrow = moment.astimezone(there).date() + timedelta(days=1)
    coming = (tomorrow + timedelta(days=number) for number in range(LONGEST))
    day = next((one for one in coming if not closed(one)), tomorrow)
    return datetime.combine(day, OPENS, there).astimezone(UTC)


def working_moment(moment: datetime, zone: str, closed: Closed = weekend) -> datetime:
    """The first moment at or after `moment` within working hours there, in UTC."""
    there = _zone(zone)
    local = moment.astimezone(there)
    if not closed(local.date()):
        # Compared without the zone: nine o'clock is read off the clock on the wall.
        if local.time() < OPENS:
            return datetime.combine(local.date(), OPENS, there).astimezone(UTC)
        if local.time() < CLOSES:
            return moment.astimezone(UTC)
    return next_business_day(moment, zone, closed)


def end_of_next_business_day(moment: datetime, zone: str, closed: Closed = weekend) -> datetime:
    """When the next business day after the day of `moment` ends: 17:00 there, in UTC."""
    there = _zone(zone)
    day = next_business_day(moment, zone, closed).astimezone(there).date()
    return datetime.combine(day, CLOSES, there).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A customer's odd entry must not stop an alert.
        return ZoneInfo("UTC")
