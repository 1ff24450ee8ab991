"""Words and shapes that endpoints and sockets share where others' programs expect certain names."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views_at_risk import priority_of
from keepwell.db.repositories.views_engagement_lines import EngagementOutcome
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from keepwell.db.repositories.views_stats_lines import Totals
from scoring.churn.results import category_of
from scoring.levels import Level

HealthStatus = Literal["excellent", "good", "warning", "critical", "churn_risk"]

STATUS: Final[dict[Level, HealthStatus]] = {
    Level.THRIVING: "excellent",
    Level.HEALTHY: "good",
    Level.AT_RISK: "warning",
    Level.HIGH_RISK: "critical",
    Level.CRITICAL: "churn_risk",
}
"""Five statuses for five levels, in order: what is held decides, whatever scorecard an organisation uses."""


OUTCOMES: Final[dict[EngagementOutcome, str | None]] = {
    EngagementOutcome.POSITIVE: "positive",
    EngagementOutcome.NEUTRAL: "neutral",
    EngagementOutcome.NEGATIVE: "negative",
    EngagementOutcome.ACTION_REQUIRED: "actionRequired",
    EngagementOutcome.NONE: None,
}
"""What came of an engagement, as programs read it."""


class Camel(Frozen):
    """A value whose names are in camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class DashboardStats(Camel):
    """Counts of customers, and averages over the active ones. None: nothing is known.

    A customer at risk is active and at AT_RISK or worse. `averageHealthScore` is 0 to 100, `averageChurnRisk`
    the mean probability of leaving in percent, of predictions that count; `totalARR` twelve times the monthly
    revenue in the organisation's currency; `npsScore` the mean of the metric `nps`.
    """

    total_accounts: int
    active_accounts: int
    at_risk_accounts: int
    churned_accounts: int
    average_health_score: float | None
    average_churn_risk: float | None
    total_arr: float = Field(alias="totalARR")
    nps_score: float | None


def dashboard_stats(totals: Totals) -> DashboardStats:
    """The figures of a whole portfolio."""
    return DashboardStats(
        total_accounts=totals.total,
        active_accounts=totals.active,
        at_risk_accounts=totals.at_risk,
        churned_accounts=totals.churned,
        average_health_score=rounded(totals.average_score),
        average_churn_risk=percent(totals.average_churn),
        total_arr=round(totals.revenue.yearly, 2),
        nps_score=rounded(totals.nps),
    )


class CustomerHealthUpdate(Frozen):
    """Where a customer stands. None: not known.

    `health_status` is the level that is held, in these words. `churn_probability` is 0 to 1 and None where no
    prediction counts any more; `last_updated` is when it was last scored or predicted, UTC.
    """

    customer_id: str
    health_score: float | None
    health_status: HealthStatus | None
    churn_probability: float | None
    churn_risk: str | None
    intervention_priority: str | None
    last_updated: datetime | None


def customer_health(line: PortfolioLine) -> CustomerHealthUpdate:
    """A customer's line in these words."""
    churn, priority = counted_churn(line), priority_of(line)
    moments = [at for at in (line.scored_at, line.churn_at) if at is not None]
    return CustomerHealthUpdate(
        customer_id=line.id,
        health_score=rounded(line.score),
        health_status=STATUS[line.level] if line.level else None,
        churn_probability=None if churn is None else round(churn, 4),
        churn_risk=None if churn is None else category_of(churn).value,
        intervention_priority=priority.priority.value if priority else None,
        last_updated=max(moments, default=None),
    )


def counted_churn(line: PortfolioLine) -> float | None:
    """The probability of leaving, 0 to 1, as far as the prediction counts still."""
    return None if line.churn_old else line.churn


def rounded(value: float | None) -> float | None:
    """Points and averages with one decimal."""
    return None if value is None else round(value, 1)


def percent(share: float | None) -> float | None:
    """A share (0 to 1) in percent, with one decimal."""
    return None if share is None else round(share * 100, 1)
