"""The playbook's own clock: it runs from the start and stands still while paused or held."""

from dataclasses import dataclass
from datetime import datetime, timedelta

ROUNDING = timedelta(seconds=1)
"""What the store may lose of a length of time."""


@dataclass
class Clock:
    """Time since `started`, less what it has stood still.

    Two things stop it: a person's pause (with an end, or open-ended) and the engine's hold of an
    expansion while the customer is at risk. `stopped_at` is when the first of those in force began;
    `shift` is how long it stood still in stops that are over.
    """

    started: datetime
    shift: timedelta = timedelta()
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    held_at: datetime | None = None
    stopped_at: datetime | None = None

    def elapsed(self, now: datetime) -> timedelta:
        """How much of the playbook's time has passed."""
        until = self.stopped_at if self.stopped_at is not None else now
        return until - self.started - self.shift

    def moment(self, at: timedelta, now: datetime) -> datetime:
        """When `at` comes, if nothing stops the clock from now on."""
        return now + (at - self.elapsed(now))

    def pause(self, now: datetime, until: datetime | None) -> None:
        """Stand still; a second pause only changes its end."""
        self.paused_at = self.paused_at or now
        self.paused_until = until
        self.stopped_at = self.stopped_at or now

    def resume(self, now: datetime) -> timedelta:
        """End the pause; returns how long it lasted. Where it is held too, it goes on standing still."""
        lasted = now - self.paused_at if self.paused_at is not None else timedelta()
        self.paused_at = self.paused_until = None
        self._go_on(now)
        return lasted

    def hold(self, now: datetime) -> None:
        """Stand still until it is released."""
        self.held_at = self.held_at or now
        self.stopped_at = self.stopped_at or now

    def release(self, now: datetime) -> timedelta:
        """End the hold; returns how long it lasted."""
        lasted = now - self.held_at if self.held_at is not None else timedelta()
        self.held_at = None
        self._go_on(now)
        return lasted

    def adopt(self, shift: timedelta, paused_at: datetime | None, held_at: datetime | None) -> None:
        """Take from the store how long it has stood still, and since when.

        After `workflow reset` what stopped the clock is applied again, at the moment of the reset.
        """
        if abs(shift - self.shift) > ROUNDING:
            self.shift = shift
        if self.paused_at is not None and paused_at is not None:
            self.paused_at = min(self.paused_at, paused_at)
        if self.held_at is not None and held_at is not None:
            self.held_at = min(self.held_at, held_at)
        since = (self.stopped_at, self.paused_at, self.held_at)
        if self.stopped_at is not None:
            self.stopped_at = min(moment for moment in since if moment is not None)

    def _go_on(self, now: datetime) -> None:
        if self.stopped_at is not None and self.paused_at is None and self.held_at is None:
            self.shift += now - self.stopped_at
            self.stopped_at = None
