"""Calls of holidays. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.organisation import HolidayLine
from keepwell.client.core import Group, Listing, Sender, listing
from keepwell.db.repositories.pages import Page


class HolidaysCalls(Group[Sender]):
    """Calls of holidays."""

    @listing
    def list(
        self, *, year: int | None = None, country: str | None = None, subdivision: str | None = None
    ) -> Listing[HolidayLine]:
        """The public holidays of a year; none where no country is known."""
        return Listing(
            "GET",
            "/api/v1/holidays",
            Page[HolidayLine],
            query={"year": year, "country": country, "subdivision": subdivision},
            items="items",
        )
