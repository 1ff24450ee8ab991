"""Calls of opportunities. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from typing import Literal

from keepwell.api.v1.opportunities import Begun, OpportunityPage
from keepwell.client.core import Call, Group, Listing, Sender, at, endpoint, listing
from keepwell.db.repositories.views_opportunities import OpportunityLine
from scoring.signal import Signal


class OpportunitiesCalls(Group[Sender]):
    """Calls of opportunities."""

    @endpoint
    def enrol(self, opportunity: str) -> Call[Begun]:
        """It was there at the customer's first score, and so began nothing."""
        return Call("POST", at("/api/v1/opportunities/{opportunity}/enrol", opportunity=opportunity), Begun)

    @endpoint
    def get_opportunity(self, opportunity: str) -> Call[OpportunityLine]:
        """What it may bring, from which figures, and what became of it."""
        return Call(
            "GET", at("/api/v1/opportunities/{opportunity}", opportunity=opportunity), OpportunityLine
        )

    @listing
    def list(
        self,
        *,
        state: Literal["live", "open", "running", "baseline", "converted", "lost", "gone", "all"]
        | None = None,
        signal: Signal | None = None,
        customer: str | None = None,
        limit: int | None = None,
    ) -> Listing[OpportunityLine]:
        """Signs that customers could use more, and what is done about them."""
        return Listing(
            "GET",
            "/api/v1/opportunities",
            OpportunityPage,
            query={"state": state, "signal": signal, "customer": customer, "limit": limit},
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        state: Literal["live", "open", "running", "baseline", "converted", "lost", "gone", "all"]
        | None = None,
        signal: Signal | None = None,
        customer: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[OpportunityPage]:
        """Signs that customers could use more, and what is done about them."""
        return Call(
            "GET",
            "/api/v1/opportunities",
            OpportunityPage,
            query={"state": state, "signal": signal, "customer": customer, "cursor": cursor, "limit": limit},
        )
