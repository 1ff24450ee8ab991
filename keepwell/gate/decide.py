"""The decision: now, or at the first moment that suits the recipient, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepwell.gate.calendar import Calendar
from keepwell.gate.hours import QuietHours, moments_of

HORIZON = 400
"""Days. Who is closed for longer is asked again then."""


@dataclass(frozen=True)
class Now:
    """It may go now."""


@dataclass(frozen=True)
class At:
    """It may go at this moment (UTC), not before; `reason` in words."""

    moment: datetime
    reason: str


Decision = Now | At


@dataclass(frozen=True)
class Manners:
    """What is a decent moment for somebody: their zone, the hours in which it is quiet, the days."""

    zone: ZoneInfo
    hours: QuietHours = field(default_factory=QuietHours)
    days: Calendar = field(default_factory=Calendar)

    def hindrance(self, moment: datetime) -> str:
        """Why it is no decent moment, in a word or two; "" where it is one."""
        wall = moment.astimezone(self.zone)
        return self.days.closed(wall.date()) or ("quiet hours" if self.hours.quiet(wall.time()) else "")

    def decide(self, moment: datetime) -> Decision:
        """Now where `moment` is a decent one, else the first one after it.

        Whether a moment is decent is read off the wall clock there. So a quiet hour that ends at a time
        which the clocks jump over ends with the jump, and one that the clocks turn back to begins again.
        """
        why = self.hindrance(moment)
        if not why:
            return Now()
        then, hindrances = self._first_after(moment)
        return At(then, f"{_listed([why, *hindrances])} until {self._words(moment, then)}")

    def _first_after(self, moment: datetime) -> tuple[datetime, list[str]]:
        """The first decent moment, and the closed days that lie before it."""
        hindrances: list[str] = []
        # A day early: where the clocks go back over midnight, the day before comes again.
        day = moment.astimezone(self.zone).date() - timedelta(days=1)
        for _ in range(HORIZON):
            closed = self.days.closed(day)
            if closed and day >= moment.astimezone(self.zone).date():
                hindrances.append(closed)
            if not closed:
                for candidate in moments_of(day, (time(), self.hours.end), self.zone):
                    if candidate > moment and not self.hindrance(candidate):
                        return candidate, hindrances
            day += timedelta(days=1)
        return moment.astimezone(UTC) + timedelta(days=HORIZON), hindrances

    def _words(self, moment: datetime, then: datetime) -> str:
        here, there = moment.astimezone(self.zone), then.astimezone(self.zone)
        near = (there.date() - here.date()).days <= 1
        return f"{there:%H:%M} in {self.zone.key}" if near else f"{there:%a %d %b %H:%M} in {self.zone.key}"


def _listed(parts: list[str]) -> str:
    """Each once, in their order: "Quiet hours, Saturday, Sunday"."""
    text = ", ".join(dict.fromkeys(parts))
    return text[:1].upper() + text[1:]
