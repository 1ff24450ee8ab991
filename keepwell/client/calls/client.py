"""Calls of client. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.client_shapes import SuccessPage
from keepwell.api.v1.client_success import ActOn, Calculated, Dismiss, Marked, MarkRead, Tracked, TrackEvent
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, endpoint


class ClientCalls(Group[Sender]):
    """Calls of client."""

    @endpoint
    def calculate(self, *, client_id: str | Omitted | None = OMITTED) -> Call[Calculated]:
        """The score of what is known at this moment."""
        return Call("POST", "/api/client/success", Calculated, body={"clientId": client_id})

    @endpoint
    def change(
        self,
        *,
        body: MarkRead | Dismiss | ActOn | TrackEvent,
        client: str | None = None,
        idempotency_key: str | None = None,
    ) -> Call[Marked | Tracked]:
        """One thing that the customer did."""
        return Call(
            "PATCH",
            "/api/client/success",
            Marked | Tracked,
            query={"clientId": client},
            body=body,
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def success(self, *, client: str | None = None) -> Call[SuccessPage]:
        """Everything of a customer's own page."""
        return Call("GET", "/api/client/success", SuccessPage, query={"clientId": client})
