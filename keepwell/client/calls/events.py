"""Calls of events. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from keepwell.api.v1.events import EventPage
from keepwell.client.core import Call, Group, Listing, Sender, endpoint, listing
from keepwell.db.repositories.views_journal import EventLine


class EventsCalls(Group[Sender]):
    """Calls of events."""

    @endpoint
    def export(
        self,
        *,
        kind: str | None = None,
        customer: str | None = None,
        intervention: str | None = None,
        by: Sequence[str] | None = None,
        recorded_from: datetime | None = None,
        recorded_before: datetime | None = None,
    ) -> Call[str]:
        """The newest first, as it is read: a page is in memory at a time."""
        return Call(
            "GET",
            "/api/v1/events/export",
            str,
            query={
                "kind": kind,
                "customer": customer,
                "intervention": intervention,
                "by": by,
                "since": recorded_from,
                "until": recorded_before,
            },
        )

    @listing
    def list(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        kind: str | None = None,
        customer: str | None = None,
        intervention: str | None = None,
        by: Sequence[str] | None = None,
        recorded_from: datetime | None = None,
        recorded_before: datetime | None = None,
    ) -> Listing[EventLine]:
        """Read them once, then ask with `after` for what came since: no line is left out or told twice."""
        return Listing(
            "GET",
            "/api/v1/events",
            EventPage,
            query={
                "after": after,
                "limit": limit,
                "kind": kind,
                "customer": customer,
                "intervention": intervention,
                "by": by,
                "since": recorded_from,
                "until": recorded_before,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        after: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        kind: str | None = None,
        customer: str | None = None,
        intervention: str | None = None,
        by: Sequence[str] | None = None,
        recorded_from: datetime | None = None,
        recorded_before: datetime | None = None,
    ) -> Call[EventPage]:
        """Read them once, then ask with `after` for what came since: no line is left out or told twice."""
        return Call(
            "GET",
            "/api/v1/events",
            EventPage,
            query={
                "after": after,
                "cursor": cursor,
                "limit": limit,
                "kind": kind,
                "customer": customer,
                "intervention": intervention,
                "by": by,
                "since": recorded_from,
                "until": recorded_before,
            },
        )
