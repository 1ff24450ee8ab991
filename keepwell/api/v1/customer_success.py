"""Customers' health, key figures, and those who need somebody now, in the names of customer-success tools."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.etags import answer
from keepwell.api.problems import problems
from keepwell.api.shapes import STATUS, HealthStatus, counted_churn, rounded
from keepwell.api.v1.asked import Cursor, CustomerPath, Limit
from keepwell.api.v1.asked_stats import UNCHANGED
from keepwell.api.v1.resolving import customer_of
from keepwell.contracts.base import Frozen
from keepwell.db.repositories import views_kpis
from keepwell.db.repositories.views_at_risk import at_risk as at_risk_page
from keepwell.db.repositories.views_at_risk_lines import AtRiskLine
from keepwell.db.repositories.views_health import customer_health
from keepwell.db.repositories.views_health_lines import CustomerHealth
from keepwell.db.repositories.views_kpis_lines import Kpis
from scoring.churn.results import category_of
from scoring.trend import Direction

router = APIRouter(prefix="/api/customer-success", tags=["figures"], responses=problems(404) | UNCHANGED)

TRENDS: Final = {
    Direction.RISING: "increasing",
    Direction.STABLE: "stable",
    Direction.DECLINING: "decreasing",
    Direction.UNKNOWN: "unknown",
}

KNOWN_AS: Final = {
    "support_tickets_30_days": "support_tickets_30d",
    "system_uptime": "uptime_percentage",
    "cost_savings": "cost_savings_achieved",
}
"""What customer-success tools call metrics that have another name here."""


class Recommendations(Frozen):
    """What costs the score most, what to do, and how urgent it is (null: neither score nor prediction)."""

    risk_factors: tuple[str, ...]
    success_recommendations: tuple[str, ...]
    intervention_priority: str | None


class HealthMetrics(Frozen):
    """One customer. Null: not known. `churn_probability` is 0 to 1, null where no prediction counts.

    `component_scores` and `trends` (increasing, stable, decreasing, unknown) are by the scorecard's
    categories, `key_metrics` its metrics with a usable value, by the names that other tools know.
    """

    customer_id: str
    health_score: float | None
    health_status: HealthStatus | None
    churn_probability: float | None
    churn_risk: str | None
    component_scores: dict[str, float | None]
    key_metrics: dict[str, float]
    trends: dict[str, str]
    recommendations: Recommendations


class OverviewKpis(Frozen):
    """Counts; `churned_customers_30d` left within 30 days."""

    total_customers: int
    active_customers: int
    at_risk_customers: int
    churned_customers_30d: int


class HealthKpis(Frozen):
    """Means over active customers; the probability is 0 to 1. Null: nothing is known."""

    avg_health_score: float | None
    avg_churn_probability: float | None
    nps_score: float | None


class FinancialKpis(Frozen):
    """In the organisation's currency. What a customer cost to win is stored nowhere: those two are null."""

    monthly_recurring_revenue: float
    customer_lifetime_value: float | None
    customer_acquisition_cost: float | None
    ltv_cac_ratio: float | None


class RetentionKpis(Frozen):
    """Of those who were customers so long ago, the percentage that still is; null where nobody knows."""

    retention_30d: float | None
    retention_90d: float | None
    retention_12m: float | None


class KpiSummary(Frozen):
    """The key figures of customer success."""

    overview: OverviewKpis
    health_metrics: HealthKpis
    financial_metrics: FinancialKpis
    retention_rates: RetentionKpis


class AtRiskCustomer(Frozen):
    """A customer at risk. Null: not known."""

    customer_id: str
    customer_name: str
    health_score: float | None
    health_status: HealthStatus | None
    churn_probability: float | None
    churn_risk: str | None
    component_scores: dict[str, float]
    recommendations: Recommendations


class AtRiskCustomers(Frozen):
    """A page of them, the most urgent first; `next` is the cursor of the page after, null on the last one."""

    customers: tuple[AtRiskCustomer, ...]
    total: int
    next: str | None


@router.get("/health/{customer_id}", response_model=HealthMetrics, summary="One customer's health")
def health(request: Request, door: AtDoor, who: Reader, customer_id: CustomerPath) -> Response:
    """Score, parts, measured values, trends, and what to do."""
    with door.store.look(), door.store.read() as session:
        customer = customer_of(session, who, customer_id) or ""
        found = customer_health(session, who.organisation_id, customer, now=datetime.now(UTC))
    return answer(request, _health(found))


@router.get("/kpis", response_model=KpiSummary, summary="The key figures")
def kpis(request: Request, door: AtDoor, who: Reader) -> Response:
    """Customers, health, money and retention. At most three seconds old."""
    now, own = datetime.now(UTC), who.organisation_id
    with door.store.read() as session:
        found = door.kept.of(session, own, "kpis", lambda: views_kpis.kpis(session, own, now=now))
    return answer(request, _kpis(found))


@router.get("/at-risk", response_model=AtRiskCustomers, summary="Customers who need somebody now")
def at_risk(request: Request, door: AtDoor, who: Reader, cursor: Cursor = "", limit: Limit = 50) -> Response:
    """Everybody at AT_RISK or worse."""
    with door.store.read() as session:
        page = at_risk_page(
            session, who.organisation_id, now=datetime.now(UTC), cursor=cursor or None, limit=limit
        )
    found = AtRiskCustomers(
        customers=tuple(_risky(line) for line in page.lines), total=page.total, next=page.next
    )
    return answer(request, found)


def _health(one: CustomerHealth) -> HealthMetrics:
    counts = one.prediction is not None and not one.prediction.old
    churn = one.prediction.probability if one.prediction and counts else None
    return HealthMetrics(
        customer_id=one.customer_id,
        health_score=rounded(one.score),
        health_status=STATUS[one.level] if one.level else None,
        churn_probability=None if churn is None else round(churn, 4),
        churn_risk=None if churn is None else category_of(churn).value,
        component_scores={part.name: rounded(part.points) for part in one.components},
        key_metrics={KNOWN_AS.get(metric.name, metric.name): metric.value for metric in one.key_metrics},
        trends={part.name: TRENDS[part.trend] for part in one.components},
        recommendations=Recommendations(
            risk_factors=one.risk_factors,
            success_recommendations=tuple(each.action for each in one.recommendations),
            intervention_priority=one.priority.priority.value if one.priority else None,
        ),
    )


def _risky(line: AtRiskLine) -> AtRiskCustomer:
    customer, churn = line.customer, counted_churn(line.customer)
    return AtRiskCustomer(
        customer_id=customer.id,
        customer_name=customer.name,
        health_score=rounded(customer.score),
        health_status=STATUS[customer.level] if customer.level else None,
        churn_probability=None if churn is None else round(churn, 4),
        churn_risk=None if churn is None else category_of(churn).value,
        component_scores={part.name: round(part.points, 1) for part in line.categories},
        recommendations=Recommendations(
            risk_factors=tuple(one.words for one in line.reasons),
            success_recommendations=tuple(one.action for one in line.recommendations),
            intervention_priority=line.priority.priority.value if line.priority else None,
        ),
    )


def _kpis(found: Kpis) -> KpiSummary:
    health, money, kept = found.health_metrics, found.financial_metrics, found.retention_rates
    churn, value = health.avg_churn_probability, money.customer_lifetime_value
    return KpiSummary(
        overview=OverviewKpis(**found.overview.model_dump()),
        health_metrics=HealthKpis(
            avg_health_score=rounded(health.avg_health_score),
            avg_churn_probability=None if churn is None else round(churn, 4),
            nps_score=rounded(health.nps_score),
        ),
        financial_metrics=FinancialKpis(
            monthly_recurring_revenue=round(money.monthly_recurring_revenue, 2),
            customer_lifetime_value=None if value is None else round(value, 2),
            customer_acquisition_cost=money.customer_acquisition_cost,
            ltv_cac_ratio=money.ltv_cac_ratio,
        ),
        retention_rates=RetentionKpis(
            retention_30d=rounded(kept.retention_30d),
            retention_90d=rounded(kept.retention_90d),
            retention_12m=rounded(kept.retention_12m),
        ),
    )
