"""Calls of customers. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from keepwell.api.v1.asked import Outcomes
from keepwell.api.v1.customer_work import Enrolled, Reassigned
from keepwell.api.v1.customers import CustomersPage
from keepwell.client.core import OMITTED, Call, Group, Listing, Omitted, Sender, at, endpoint, listing
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_customer import CustomerDetail
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine, SortBy
from keepwell.db.repositories.views_wishes import ContactWishes
from scoring.levels import Level
from scoring.trend import Direction


class CustomersCalls(Group[Sender]):
    """Calls of customers."""

    @endpoint
    def enrol(self, customer: str, *, dry_run: bool | Omitted = OMITTED) -> Call[Enrolled]:
        """For one that was in trouble before anybody looked: its first score began nothing."""
        return Call(
            "POST",
            at("/api/v1/customers/{customer}/enrol", customer=customer),
            Enrolled,
            body={"dry_run": dry_run},
        )

    @endpoint
    def get(self, customer: str) -> Call[CustomerDetail]:
        """Everything about one customer: score, trend, why, contacts, interventions, tasks."""
        return Call("GET", at("/api/v1/customers/{customer}", customer=customer), CustomerDetail)

    @listing
    def list(
        self,
        *,
        sort: SortBy | None = None,
        descending: bool | None = None,
        limit: int | None = None,
        search: str | None = None,
        level: Sequence[Level] | None = None,
        owner: Sequence[str] | None = None,
        segment: Sequence[str] | None = None,
        plan: Sequence[str] | None = None,
        trend: Direction | None = None,
        at_risk: bool | None = None,
        intervention: bool | None = None,
        unscored: bool | None = None,
        insufficient: bool | None = None,
        renews_before: date | None = None,
        churn_above: float | None = None,
        inactive: bool | None = None,
    ) -> Listing[PortfolioLine]:
        """The customers for whom all of this holds; without an order the worst score first."""
        return Listing(
            "GET",
            "/api/v1/customers",
            CustomersPage,
            query={
                "sort": sort,
                "descending": descending,
                "limit": limit,
                "search": search,
                "level": level,
                "owner": owner,
                "segment": segment,
                "plan": plan,
                "trend": trend,
                "at_risk": at_risk,
                "intervention": intervention,
                "unscored": unscored,
                "insufficient": insufficient,
                "renews_before": renews_before,
                "churn_above": churn_above,
                "inactive": inactive,
            },
            items="items",
        )

    @endpoint
    def page(
        self,
        *,
        sort: SortBy | None = None,
        descending: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        search: str | None = None,
        level: Sequence[Level] | None = None,
        owner: Sequence[str] | None = None,
        segment: Sequence[str] | None = None,
        plan: Sequence[str] | None = None,
        trend: Direction | None = None,
        at_risk: bool | None = None,
        intervention: bool | None = None,
        unscored: bool | None = None,
        insufficient: bool | None = None,
        renews_before: date | None = None,
        churn_above: float | None = None,
        inactive: bool | None = None,
    ) -> Call[CustomersPage]:
        """The customers for whom all of this holds; without an order the worst score first."""
        return Call(
            "GET",
            "/api/v1/customers",
            CustomersPage,
            query={
                "sort": sort,
                "descending": descending,
                "limit": limit,
                "cursor": cursor,
                "search": search,
                "level": level,
                "owner": owner,
                "segment": segment,
                "plan": plan,
                "trend": trend,
                "at_risk": at_risk,
                "intervention": intervention,
                "unscored": unscored,
                "insufficient": insufficient,
                "renews_before": renews_before,
                "churn_above": churn_above,
                "inactive": inactive,
            },
        )

    @listing
    def list_contacts(self, customer: str) -> Listing[ContactWishes]:
        """The customer's people, and what each may hear of: consent, wishes, suppressed addresses."""
        return Listing(
            "GET",
            at("/api/v1/customers/{customer}/contacts", customer=customer),
            Page[ContactWishes],
            items="items",
        )

    @endpoint
    def pause(
        self,
        customer: str,
        *,
        reason: str,
        idempotency_key: str | None = None,
        until: datetime | Omitted | None = OMITTED,
    ) -> Call[Outcomes]:
        """Each is told by itself; one that does not run needs nothing."""
        return Call(
            "POST",
            at("/api/v1/customers/{customer}/pause", customer=customer),
            Outcomes,
            body={"until": until, "reason": reason},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def reassign(self, customer: str, *, to: str) -> Call[Reassigned]:
        """With its interventions and open tasks, also while nothing runs for it."""
        return Call(
            "POST",
            at("/api/v1/customers/{customer}/reassign", customer=customer),
            Reassigned,
            body={"to": to},
        )

    @endpoint
    def resume(self, customer: str, *, idempotency_key: str | None = None) -> Call[Outcomes]:
        """Those that are paused."""
        return Call(
            "POST",
            at("/api/v1/customers/{customer}/resume", customer=customer),
            Outcomes,
            body={},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )

    @endpoint
    def stop(self, customer: str, *, reason: str, idempotency_key: str | None = None) -> Call[Outcomes]:
        """It cannot be taken back."""
        return Call(
            "POST",
            at("/api/v1/customers/{customer}/stop", customer=customer),
            Outcomes,
            body={"reason": reason},
            headers={"Idempotency-Key": idempotency_key},
            keyed=True,
        )
