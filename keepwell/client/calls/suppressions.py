"""Calls of suppressions. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.wishes import Suppressed
from keepwell.client.core import Call, Group, Listing, Sender, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_wishes import SuppressionLine


class SuppressionsCalls(Group[Sender]):
    """Calls of suppressions."""

    @endpoint
    def lift(self, *, address: str, why: str) -> Call[Suppressed]:
        """A provider's own list is its own: look there, too."""
        return Call("POST", "/api/v1/suppressions/lift", Suppressed, body={"address": address, "why": why})

    @listing
    def list(self, *, lifted: bool | None = None, limit: int | None = None) -> Listing[SuppressionLine]:
        """Why, since when, and which contacts have them."""
        return Listing(
            "GET",
            "/api/v1/suppressions",
            Page[SuppressionLine],
            query={"lifted": lifted, "limit": limit},
            items="items",
        )

    @endpoint
    def page(
        self, *, lifted: bool | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Call[Page[SuppressionLine]]:
        """Why, since when, and which contacts have them."""
        return Call(
            "GET",
            "/api/v1/suppressions",
            Page[SuppressionLine],
            query={"lifted": lifted, "cursor": cursor, "limit": limit},
        )

    @endpoint
    def suppress(self, *, address: str, why: str) -> Call[Suppressed]:
        """Whoever has it."""
        return Call("POST", "/api/v1/suppressions", Suppressed, body={"address": address, "why": why})
