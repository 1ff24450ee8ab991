"""The playbook's own clock: it runs from the start and stands still while the intervention is paused."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass
class Clock:
    """Time since `started`, less the pauses. `shift` is how long the pauses that are over have lasted."""

    started: datetime
    shift: timedelta = timedelta()
    paused_at: datetime | None = None
    paused_until: datetime | None = None

    def elapsed(self, now: datetime) -> timedelta:
        """How much of the playbook's time has passed."""
        until = self.paused_at if self.paused_at is not None else now
        return until - self.started - self.shift

    def moment(self, at: timedelta, now: datetime) -> datetime:
        """When `at` comes, if nothing pauses from now on."""
        return now + (at - self.elapsed(now))

    def pause(self, now: datetime, until: datetime | None) -> None:
        """Stand still; a second pause only changes its end."""
        if self.paused_at is None:
            self.paused_at = now
        self.paused_until = until

    def resume(self, now: datetime) -> timedelta:
        """Go on; returns how long the clock stood still."""
        if self.paused_at is None:
            return timedelta()
        stood = now - self.paused_at
        self.shift += stood
        self.paused_at = self.paused_until = None
        return stood
