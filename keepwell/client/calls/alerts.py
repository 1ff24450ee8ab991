"""Calls of alerts. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from keepwell.api.v1.alerts import AlertAnswer, AlertPage
from keepwell.api.v1.asked import Outcomes
from keepwell.client.core import Call, Group, Listing, Sender, at, endpoint, listing
from keepwell.db.repositories.views_alerts import AlertLine
from scoring.signal import Severity, Trigger


class AlertsCalls(Group[Sender]):
    """Calls of alerts."""

    @endpoint
    def acknowledge(self, alert: str, *, idempotency_key: str | None = None) -> Call[AlertAnswer]:
        """And what its playbook does, so that nobody escalates it."""
        return Call(
            "POST",
            at("/api/v1/alerts/{alert}/acknowledge", alert=alert),
            AlertAnswer,
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def acknowledge_many(self, *, ids: Sequence[str], idempotency_key: str | None = None) -> Call[Outcomes]:
        """Each by itself, with the intervention that it began; what became of each is in the answer."""
        return Call(
            "POST",
            "/api/v1/alerts/acknowledge",
            Outcomes,
            body={"ids": ids},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def get(self, alert: str) -> Call[AlertLine]:
        """Why it was raised, who has it in hand, and what its playbook made of it."""
        return Call("GET", at("/api/v1/alerts/{alert}", alert=alert), AlertLine)

    @listing
    def list(
        self,
        *,
        state: Literal["live", "open", "acknowledged", "closed", "all"] | None = None,
        trigger: Trigger | None = None,
        severity: Severity | None = None,
        customer: str | None = None,
        limit: int | None = None,
    ) -> Listing[AlertLine]:
        """What was noticed about customers."""
        return Listing(
            "GET",
            "/api/v1/alerts",
            AlertPage,
            query={
                "state": state,
                "trigger": trigger,
                "severity": severity,
                "customer": customer,
                "limit": limit,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        state: Literal["live", "open", "acknowledged", "closed", "all"] | None = None,
        trigger: Trigger | None = None,
        severity: Severity | None = None,
        customer: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[AlertPage]:
        """What was noticed about customers."""
        return Call(
            "GET",
            "/api/v1/alerts",
            AlertPage,
            query={
                "state": state,
                "trigger": trigger,
                "severity": severity,
                "customer": customer,
                "cursor": cursor,
                "limit": limit,
            },
        )
