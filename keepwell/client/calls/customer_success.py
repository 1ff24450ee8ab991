"""Calls of customer success. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.customer_success import AtRiskCustomers, HealthMetrics, KpiSummary
from keepwell.client.core import Call, Group, Sender, at, endpoint


class CustomerSuccessCalls(Group[Sender]):
    """Calls of customer success."""

    @endpoint
    def at_risk(self, *, cursor: str | None = None, limit: int | None = None) -> Call[AtRiskCustomers]:
        """Everybody at AT_RISK or worse."""
        return Call(
            "GET", "/api/customer-success/at-risk", AtRiskCustomers, query={"cursor": cursor, "limit": limit}
        )

    @endpoint
    def health(self, customer_id: str) -> Call[HealthMetrics]:
        """Score, parts, measured values, trends, and what to do."""
        return Call(
            "GET", at("/api/customer-success/health/{customer_id}", customer_id=customer_id), HealthMetrics
        )

    @endpoint
    def kpis(self) -> Call[KpiSummary]:
        """Customers, health, money and retention."""
        return Call("GET", "/api/customer-success/kpis", KpiSummary)
