"""Calls of offers. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from keepwell.api.v1.commanding import CommandAnswer
from keepwell.api.v1.offers import OfferAnswer, OfferRates
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.contracts.offers import OfferKind, OfferState
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_offers import OfferLine


class OffersCalls(Group[Sender]):
    """Calls of offers."""

    @endpoint
    def accept(
        self,
        offer: str,
        *,
        option: OfferKind,
        idempotency_key: str | None = None,
        months: int | Omitted | None = OMITTED,
        plan: str | Omitted = OMITTED,
        note: str | Omitted = OMITTED,
    ) -> Call[CommandAnswer]:
        """What was promised follows, and the playbook ends."""
        return Call(
            "POST",
            at("/api/v1/offers/{offer}/accept", offer=offer),
            CommandAnswer,
            body={"option": option, "months": months, "plan": plan, "note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def decline(
        self, offer: str, *, idempotency_key: str | None = None, note: str | Omitted = OMITTED
    ) -> Call[CommandAnswer]:
        """An answer like any other."""
        return Call(
            "POST",
            at("/api/v1/offers/{offer}/decline", offer=offer),
            CommandAnswer,
            body={"note": note},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def get(self, offer: str) -> Call[OfferLine]:
        """With its options, and what was agreed."""
        return Call("GET", at("/api/v1/offers/{offer}", offer=offer), OfferLine)

    @endpoint
    def get_rates(
        self,
        *,
        per: Literal["kind", "playbook", "month"] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Call[OfferRates]:
        """Seen, accepted, declined, expired; by kind, playbook or month."""
        return Call(
            "GET", "/api/v1/offers/rates", OfferRates, query={"per": per, "since": since, "until": until}
        )

    @listing
    def list(
        self, *, state: OfferState | None = None, customer: str | None = None, limit: int | None = None
    ) -> Listing[OfferLine]:
        """What was offered to whom, until when, and what became of it."""
        return Listing(
            "GET",
            "/api/v1/offers",
            Page[OfferLine],
            query={"state": state, "customer": customer, "limit": limit},
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        state: OfferState | None = None,
        customer: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Page[OfferLine]]:
        """What was offered to whom, until when, and what became of it."""
        return Call(
            "GET",
            "/api/v1/offers",
            Page[OfferLine],
            query={"state": state, "customer": customer, "cursor": cursor, "limit": limit},
        )

    @endpoint
    def restore(self, offer: str) -> Call[OfferAnswer]:
        """It ends when it would have; where its playbook is over, it cannot."""
        return Call("POST", at("/api/v1/offers/{offer}/restore", offer=offer), OfferAnswer)

    @endpoint
    def seen(self, offer: str, *, idempotency_key: str | None = None) -> Call[CommandAnswer]:
        """Noted at the offer; the playbook goes on."""
        return Call(
            "POST",
            at("/api/v1/offers/{offer}/seen", offer=offer),
            CommandAnswer,
            body={},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def withdraw(self, offer: str, *, reason: str) -> Call[OfferAnswer]:
        """Its page says so, and messages name it no more."""
        return Call(
            "POST", at("/api/v1/offers/{offer}/withdraw", offer=offer), OfferAnswer, body={"reason": reason}
        )
