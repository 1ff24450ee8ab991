"""Calls of deliveries. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_deliveries import DeliveryRow
from keepwell.db.repositories.views_message_shown import MessageShown


class DeliveriesCalls(Group[Sender]):
    """Calls of deliveries."""

    @endpoint
    def get_delivery(self, key: str) -> Call[MessageShown]:
        """Its text is there where Keepwell keeps it: in the outbox, in the app, or as an approved draft."""
        return Call("GET", at("/api/v1/deliveries/{key}", key__path=key), MessageShown)

    @listing
    def list(
        self,
        *,
        state: DeliveryState | None = None,
        channel: Channel | None = None,
        customer: str | None = None,
        playbook: str | None = None,
        intervention: str | None = None,
        limit: int | None = None,
    ) -> Listing[DeliveryRow]:
        """Each is one message to one recipient through one channel, with its state and the reason."""
        return Listing(
            "GET",
            "/api/v1/deliveries",
            Page[DeliveryRow],
            query={
                "state": state,
                "channel": channel,
                "customer": customer,
                "playbook": playbook,
                "intervention": intervention,
                "limit": limit,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        state: DeliveryState | None = None,
        channel: Channel | None = None,
        customer: str | None = None,
        playbook: str | None = None,
        intervention: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Page[DeliveryRow]]:
        """Each is one message to one recipient through one channel, with its state and the reason."""
        return Call(
            "GET",
            "/api/v1/deliveries",
            Page[DeliveryRow],
            query={
                "state": state,
                "channel": channel,
                "customer": customer,
                "playbook": playbook,
                "intervention": intervention,
                "cursor": cursor,
                "limit": limit,
            },
        )

    @endpoint
    def settle(self, key: str, *, went_out: bool, note: str | Omitted = OMITTED) -> Call[MessageShown]:
        """It is not sent again: what did not go out is a task for its owner."""
        return Call(
            "POST",
            at("/api/v1/deliveries/{key}/settle", key__path=key),
            MessageShown,
            body={"went_out": went_out, "note": note},
        )
