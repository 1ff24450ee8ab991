"""Calls of outbox. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.client.core import Call, Group, Listing, Sender, at, endpoint, listing
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_messages import MessageDetail, MessageLine


class OutboxCalls(Group[Sender]):
    """Calls of outbox."""

    @endpoint
    def get_message(self, message: str) -> Call[MessageDetail]:
        """With its text, HTML, attachments and headers, and without the tokens of its reader's own links."""
        return Call("GET", at("/api/v1/outbox/{message}", message=message), MessageDetail)

    @listing
    def list_messages(
        self, *, channel: Channel | None = None, customer: str | None = None, limit: int | None = None
    ) -> Listing[MessageLine]:
        """What the outbox took instead of sending it, and notifications in the app."""
        return Listing(
            "GET",
            "/api/v1/outbox",
            Page[MessageLine],
            query={"channel": channel, "customer": customer, "limit": limit},
            items="items",
        )

    @endpoint
    def page_messages(
        self,
        *,
        channel: Channel | None = None,
        customer: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Page[MessageLine]]:
        """What the outbox took instead of sending it, and notifications in the app."""
        return Call(
            "GET",
            "/api/v1/outbox",
            Page[MessageLine],
            query={"channel": channel, "customer": customer, "cursor": cursor, "limit": limit},
        )
