"""Calls of schedules. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.schedules import SchedulesPage
from keepwell.client.core import Group, Listing, Sender, listing
from keepwell.temporal.schedules import ScheduleState


class SchedulesCalls(Group[Sender]):
    """Calls of schedules."""

    @listing
    def list(self) -> Listing[ScheduleState]:
        """All Schedules: when they ran last, and when they run next."""
        return Listing("GET", "/api/v1/schedules", SchedulesPage, items="items")
