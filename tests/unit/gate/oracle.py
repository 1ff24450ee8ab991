"""An independent answer to "when may it go": every minute of a stretch is asked what the clock shows.

It shares nothing with the code under test: it goes through the minutes of UTC one by one, backwards, and
keeps the last decent one it has met. Holidays are written out by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Place:
    """Somebody's zone and what is quiet there: minutes of the day, weekdays (Monday is 0), dates."""

    zone: str
    quiet_from: int
    quiet_until: int
    weekdays: Collection[int]
    holidays: Collection[date] = ()

    def decent(self, moment: datetime) -> bool:
        """What the wall clock and the calendar on the wall say."""
        wall = moment.astimezone(ZoneInfo(self.zone))
        minutes = wall.hour * 60 + wall.minute
        asleep = (
            self.quiet_from <= minutes < self.quiet_until
            if self.quiet_from <= self.quiet_until
            else not self.quiet_until <= minutes < self.quiet_from
        )
        return not asleep and wall.weekday() in self.weekdays and wall.date() not in self.holidays


def answers(
    place: Place, begin: datetime, hours: int, longest: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Each hour's first minute from `begin` on, with the first decent minute at or after it; backwards."""
    moment = begin + timedelta(hours=hours) + longest
    first: datetime | None = None
    while moment >= begin:
        if place.decent(moment):
            first = moment
        if moment.minute == 0 and moment < begin + timedelta(hours=hours):
            assert first is not None, "the stretch is too short"
            yield moment, first
        moment -= MINUTE


def year(number: int) -> datetime:
    """When a year begins, in UTC."""
    return datetime(number, 1, 1, tzinfo=UTC)
