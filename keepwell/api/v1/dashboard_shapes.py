"""The figures of a portfolio as programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from pydantic import Field

from keepwell.api.shapes import Camel, dashboard_stats, percent, rounded
from keepwell.api.shapes import DashboardStats as EightFigures
from keepwell.db.repositories.views_health_lines import HealthSegment, HealthTrends
from keepwell.db.repositories.views_kpis_lines import Kpis
from keepwell.db.repositories.views_stats_lines import Compared, DashboardStats, DayPoint, Period
from scoring.levels import Level

RANGES: Final = {"healthy": (80, 100), "moderate": (60, 79), "at_risk": (40, 59), "critical": (0, 39)}
"""The segments' ranges in whole points; one with decimals is in that whose lower end it reaches."""


class Segment(Camel):
    """Customers whose score lies in a range: how many, and their share of all with a score, in percent."""

    range: tuple[int, int]
    count: int
    percentage: float


class HealthSegments(Camel):
    """Active customers with a score, by it."""

    healthy: Segment
    moderate: Segment
    at_risk: Segment
    critical: Segment


class HealthDay(Camel):
    """A day's figures, as of its run. `monthlyRevenue` is null where it was not kept."""

    date: date
    average_health_score: float | None
    scored_accounts: int
    at_risk_accounts: int
    monthly_revenue: float | None


class LevelStats(Camel):
    """Customers of a level; shares are in percent of who has a level. `before`: the day compared with."""

    level: Level
    accounts: int
    percentage: float
    average_health_score: float | None
    before: int | None
    percentage_before: float | None


class AccountSegment(Camel):
    """The active customers of a segment; empty is that of those without one."""

    segment: str
    accounts: int
    at_risk_accounts: int
    average_health_score: float | None
    average_churn_risk: float | None
    monthly_revenue: float


class Change(Camel):
    """Now and then. Null: nothing was kept of then."""

    now: float | None
    before: float | None
    change: float | None
    percent: float | None


class Comparison(Camel):
    """Changes since a day; all null, `comparedWith` too, where nothing was kept of about then."""

    compared_with: date | None
    average_health_score: Change
    active_accounts: Change
    at_risk_accounts: Change
    monthly_revenue: Change


class RevenueMetrics(Camel):
    """Money in `currency`. Null: what is stored does not say it.

    `arrGrowth` is in percent over 30 days, `churnedRevenue` the monthly revenue of who left within 30 days.
    `averageContractValue` is a year's revenue of a paying customer, `revenuePerCustomer` a month's. A
    customer's revenue is stored as it is today alone, so expansion, contraction and both retentions are null.
    """

    currency: str
    total_arr: float = Field(alias="totalARR")
    arr_growth: float | None
    expansion_revenue: float | None
    contraction_revenue: float | None
    churned_revenue: float
    net_revenue_retention: float | None
    gross_revenue_retention: float | None
    average_contract_value: float | None
    revenue_per_customer: float | None


class CustomerSuccessKpis(Camel):
    """Rates are in percent, `timeToValue` in months. Null: nothing of it is stored.

    `churnRate` is over 30 days, `adoptionRate` the mean of the metric. `engagementScore` is null: scores have
    categories of their own, and their mean over a portfolio is not kept.
    """

    customer_health_score: float | None
    nps_score: float | None
    churn_rate: float | None
    time_to_value: float | None
    adoption_rate: float | None
    engagement_score: float | None = None
    goal_completion_rate: float | None
    renewal_rate: float | None


class PortfolioStats(Camel):
    """The figures of all customers, or of a segment's: then what is known of everybody only is null."""

    period: Period
    segment: str | None
    stats: EightFigures
    health_trend: tuple[HealthDay, ...]
    levels: tuple[LevelStats, ...]
    segments: tuple[AccountSegment, ...]
    comparison: Comparison
    health_segments: HealthSegments | None
    revenue: RevenueMetrics | None
    kpis: CustomerSuccessKpis | None


def portfolio_stats(
    found: DashboardStats, figures: Kpis | None, trends: HealthTrends | None
) -> PortfolioStats:
    """The figures in these words."""
    return PortfolioStats(
        period=found.period,
        segment=found.segment,
        stats=dashboard_stats(found.totals),
        health_trend=tuple(health_day(one) for one in found.days),
        levels=tuple(
            LevelStats(
                level=one.level,
                accounts=one.customers,
                percentage=round(one.share * 100, 1),
                average_health_score=rounded(one.average_score),
                before=one.before,
                percentage_before=percent(one.before_share),
            )
            for one in found.levels
        ),
        segments=tuple(
            AccountSegment(
                segment=one.segment,
                accounts=one.customers,
                at_risk_accounts=one.at_risk,
                average_health_score=rounded(one.average_score),
                average_churn_risk=percent(one.average_churn),
                monthly_revenue=one.monthly_revenue,
            )
            for one in found.segments
        ),
        comparison=Comparison(
            compared_with=found.compared_with,
            average_health_score=_change(found.average_score),
            active_accounts=_change(found.customers),
            at_risk_accounts=_change(found.at_risk),
            monthly_revenue=_change(found.monthly_revenue),
        ),
        health_segments=None if trends is None else health_segments(trends.segments),
        revenue=None if figures is None else _revenue(figures),
        kpis=None if figures is None else _kpis(figures),
    )


def health_day(point: DayPoint) -> HealthDay:
    """A day's figures in these words."""
    return HealthDay(
        date=point.day,
        average_health_score=rounded(point.average_score),
        scored_accounts=point.scored,
        at_risk_accounts=point.at_risk,
        monthly_revenue=point.monthly_revenue,
    )


def health_segments(segments: Sequence[HealthSegment]) -> HealthSegments:
    """The segments by name."""
    return HealthSegments(
        **{
            one.name: Segment(range=RANGES[one.name], count=one.count, percentage=round(one.percentage, 1))
            for one in segments
        }
    )


def _change(one: Compared) -> Change:
    return Change(
        now=rounded(one.now),
        before=rounded(one.before),
        change=rounded(one.change),
        percent=rounded(one.percent),
    )


def _revenue(figures: Kpis) -> RevenueMetrics:
    money = figures.financial_metrics
    each = money.average_revenue_per_customer
    return RevenueMetrics(
        currency=money.currency,
        total_arr=money.annual_recurring_revenue,
        arr_growth=rounded(money.monthly_growth),
        expansion_revenue=money.expansion_revenue,
        contraction_revenue=money.contraction_revenue,
        churned_revenue=money.churned_revenue_30d,
        net_revenue_retention=money.net_revenue_retention,
        gross_revenue_retention=money.gross_revenue_retention,
        average_contract_value=None if each is None else round(each * 12, 2),
        revenue_per_customer=None if each is None else round(each, 2),
    )


def _kpis(figures: Kpis) -> CustomerSuccessKpis:
    work = figures.work_metrics
    return CustomerSuccessKpis(
        customer_health_score=rounded(figures.health_metrics.avg_health_score),
        nps_score=rounded(figures.health_metrics.nps_score),
        churn_rate=rounded(figures.retention_rates.churn_30d),
        time_to_value=rounded(work.time_to_value),
        adoption_rate=None if work.adoption_rate is None else round(work.adoption_rate, 4),
        goal_completion_rate=rounded(work.goal_completion_rate),
        renewal_rate=rounded(work.renewal_rate),
    )
