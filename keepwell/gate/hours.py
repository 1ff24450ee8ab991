"""Quiet hours: a stretch of the wall clock, every day, in which nothing makes a noise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

ROUND = timedelta(hours=30)
"""A day with some room at both ends: a change of the clocks lies within it or does not matter to it."""


@dataclass(frozen=True)
class QuietHours:
    """From `start` to `end` on the wall clock, over midnight where `end` comes first. Equal: none."""

    start: time = time()
    end: time = time()

    @property
    def none(self) -> bool:
        """Whether there are no quiet hours."""
        return self.start == self.end

    def quiet(self, wall: time) -> bool:
        """Whether the clock shows quiet hours. The end itself is loud."""
        if self.start <= self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end


def hours_of(start: str, end: str) -> QuietHours:
    """Quiet hours from two texts, HH:MM; none where one of them is empty.

    Raises ValueError for what is no time of day.
    """
    if not start or not end:
        return QuietHours()
    return QuietHours(time_of(start), time_of(end))


def time_of(text: str) -> time:
    """A time of day from HH:MM. Raises ValueError for anything else."""
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise ValueError(f"{text!r} is no time of day; it takes HH:MM, such as 20:00")
    return time.fromisoformat(text.zfill(5))


def moments_of(day: date, walls: tuple[time, ...], zone: tzinfo) -> list[datetime]:
    """Every moment of a day, in UTC, at which the state of the wall clock may change.

    Those are the times of `walls` there (one that comes twice when the clocks go back, twice; one that the
    clocks jump over, what Python makes of it on both sides) and the change of the clocks itself.
    """
    before = _utc(datetime.combine(day, time(), zone)) - timedelta(hours=3)
    found = {_utc(datetime.combine(day, wall, zone).replace(fold=fold)) for wall in walls for fold in (0, 1)}
    change = _change(before, before + ROUND, zone)
    if change is not None:
        found.add(change)
    return sorted(moment for moment in found if moment.astimezone(zone).date() == day)


def _utc(local: datetime) -> datetime:
    return local.astimezone(UTC)


def _change(low: datetime, high: datetime, zone: tzinfo) -> datetime | None:
    """The first moment with the offset of `high`, to the second; None if that of `low` is the same."""
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return None
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
