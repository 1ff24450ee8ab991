"""Calls of enrolments. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.enrolments import Enrolment
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, endpoint
from scoring.levels import Level


class EnrolmentsCalls(Group[Sender]):
    """Calls of enrolments."""

    @endpoint
    def enrol_level(self, *, level: Level, limit: int, dry_run: bool | Omitted = OMITTED) -> Call[Enrolment]:
        """For those in trouble before anybody looked: a first score begins nothing."""
        return Call(
            "POST", "/api/v1/enrolments", Enrolment, body={"level": level, "limit": limit, "dry_run": dry_run}
        )
