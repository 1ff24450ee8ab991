"""Calls of webhooks. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from keepwell.api.v1.webhooks import (
    DeliveryAnswer,
    EndpointAnswer,
    EndpointGone,
    EndpointMade,
    Redelivered,
    SecretMade,
)
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.webhook_desk import DeliveryLine, EndpointLine


class WebhooksCalls(Group[Sender]):
    """Calls of webhooks."""

    @endpoint
    def add(
        self, *, url: str, kinds: Sequence[str] | Omitted = OMITTED, description: str | Omitted = OMITTED
    ) -> Call[EndpointMade]:
        """Tell a program of what happens from now on."""
        return Call(
            "POST",
            "/api/v1/webhooks",
            EndpointMade,
            body={"url": url, "kinds": kinds, "description": description},
        )

    @endpoint
    def get_delivery(self, delivery: str) -> Call[DeliveryLine]:
        """One delivery, with its calls."""
        return Call("GET", at("/api/v1/webhooks/deliveries/{delivery}", delivery=delivery), DeliveryLine)

    @listing
    def list(self) -> Listing[EndpointLine]:
        """The endpoints, and how it goes with them."""
        return Listing("GET", "/api/v1/webhooks", Page[EndpointLine], items="items")

    @listing
    def list_deliveries(
        self,
        *,
        state: Literal["waiting", "delivered", "failed"] | None = None,
        endpoint: str | None = None,
        limit: int | None = None,
    ) -> Listing[DeliveryLine]:
        """What was sent, what waits, what failed and why; the newest first."""
        return Listing(
            "GET",
            "/api/v1/webhooks/deliveries",
            Page[DeliveryLine],
            query={"state": state, "endpoint": endpoint, "limit": limit},
            items="items",
        )

    @endpoint
    def page_deliveries(
        self,
        *,
        state: Literal["waiting", "delivered", "failed"] | None = None,
        endpoint: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Call[Page[DeliveryLine]]:
        """What was sent, what waits, what failed and why; the newest first."""
        return Call(
            "GET",
            "/api/v1/webhooks/deliveries",
            Page[DeliveryLine],
            query={"state": state, "endpoint": endpoint, "limit": limit, "cursor": cursor},
        )

    @endpoint
    def redeliver(self, delivery: str) -> Call[DeliveryAnswer]:
        """Send one event again."""
        return Call(
            "POST", at("/api/v1/webhooks/deliveries/{delivery}/redeliver", delivery=delivery), DeliveryAnswer
        )

    @endpoint
    def redeliver_failed(
        self, *, since: datetime, endpoint: str | Omitted | None = OMITTED
    ) -> Call[Redelivered]:
        """Send again all that failed since a moment, of endpoints that are not stopped."""
        return Call(
            "POST", "/api/v1/webhooks/redeliver", Redelivered, body={"since": since, "endpoint": endpoint}
        )

    @endpoint
    def remove(self, endpoint: str) -> Call[EndpointGone]:
        """Tell a program nothing any more, for good."""
        return Call("DELETE", at("/api/v1/webhooks/{endpoint}", endpoint=endpoint), EndpointGone)

    @endpoint
    def rotate_secret(self, endpoint: str) -> Call[SecretMade]:
        """Make a new secret."""
        return Call("POST", at("/api/v1/webhooks/{endpoint}/rotate", endpoint=endpoint), SecretMade)

    @endpoint
    def start(self, endpoint: str) -> Call[EndpointAnswer]:
        """Start an endpoint again that was stopped; it hears of what happens from now on."""
        return Call("POST", at("/api/v1/webhooks/{endpoint}/start", endpoint=endpoint), EndpointAnswer)

    @endpoint
    def stop(self, endpoint: str) -> Call[EndpointAnswer]:
        """Tell an endpoint nothing until it is started again."""
        return Call("POST", at("/api/v1/webhooks/{endpoint}/stop", endpoint=endpoint), EndpointAnswer)

    @endpoint
    def test(self, endpoint: str) -> Call[DeliveryAnswer]:
        """Post a test event now, and tell the answer."""
        return Call("POST", at("/api/v1/webhooks/{endpoint}/test", endpoint=endpoint), DeliveryAnswer)
