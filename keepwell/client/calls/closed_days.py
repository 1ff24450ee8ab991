"""Calls of closed days. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from datetime import date

from keepwell.api.v1.organisation import DayAnswer
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_sending import DayLine


class ClosedDaysCalls(Group[Sender]):
    """Calls of closed days."""

    @listing
    def list(self, *, since: date | None = None) -> Listing[DayLine]:
        """The days that the organisation has entered: closed ones, and open ones among the holidays."""
        return Listing("GET", "/api/v1/closed-days", Page[DayLine], query={"since": since}, items="items")

    @endpoint
    def put(
        self, day: date, *, name: str | Omitted = OMITTED, open: bool | Omitted = OMITTED
    ) -> Call[DayAnswer]:
        """Enter a day on which nothing goes out, or an open one on which it does."""
        return Call(
            "PUT", at("/api/v1/closed-days/{day}", day=day), DayAnswer, body={"name": name, "open": open}
        )

    @endpoint
    def remove(self, day: date) -> Call[DayAnswer]:
        """Let the calendar say again what a day is."""
        return Call("DELETE", at("/api/v1/closed-days/{day}", day=day), DayAnswer)
