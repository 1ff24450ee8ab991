"""Read model of the key figures: what is stored says them, or they are None."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import case, func, select
from sqlmodel import Session

from keepwell.db.repositories.lookup import found, table
from keepwell.db.repositories.views_kpis_lines import (
    FinancialMetrics,
    HealthMetrics,
    Kpis,
    Overview,
    Retention,
    RetentionRates,
    WorkMetrics,
)
from keepwell.db.repositories.views_portfolio_query import COLUMNS
from keepwell.db.repositories.views_stats import dashboard_stats, number_of
from keepwell.db.repositories.views_stats_days import mean_of_metric
from keepwell.db.repositories.views_stats_lines import DashboardStats, Period
from keepwell.db.repositories.zones import local_day, local_midnight
from keepwell.db.tables import Organisation

SPANS = (30, 90, 365)
MONTHS = 12


def kpis(session: Session, organisation: str, *, now: datetime, stats: DashboardStats | None = None) -> Kpis:
    """The key figures of an organisation as of now; `Kpis` says what each of them means.

    stats: its figures of 30 days as of now, where they are known already.
    """
    house = found(session, Organisation, organisation, "organisation")
    today = local_day(now, house.time_zone)
    stats = stats or dashboard_stats(session, organisation, now=now, period=Period.MONTH)
    known = _stayed(session, house, today)
    rates = [one.rate for one in known.spans]
    churned = [None if rate is None else 100.0 - rate for rate in rates]
    totals = stats.totals
    return Kpis(
        overview=Overview(
            total_customers=totals.total,
            active_customers=totals.active,
            at_risk_customers=totals.at_risk,
            churned_customers_30d=totals.churned_in_period,
        ),
        health_metrics=HealthMetrics(
            avg_health_score=totals.average_score,
            avg_churn_probability=totals.average_churn,
            nps_score=totals.nps,
        ),
        financial_metrics=_financial(stats, rates[-1], known.revenue_gone),
        retention_rates=RetentionRates(
            retention_30d=rates[0],
            retention_90d=rates[1],
            retention_12m=rates[2],
            churn_30d=churned[0],
            churn_90d=churned[1],
            churn_12m=churned[2],
            spans=known.spans,
        ),
        work_metrics=_work(session, organisation, today),
    )


@dataclass(frozen=True, slots=True)
class _Stayed:
    """Who was there so many days ago and is now, or has left since, or left on a day that nobody knows.

    `revenue_gone` is the monthly revenue of those who left within the first span.
    """

    spans: tuple[Retention, ...]
    revenue_gone: float


def _stayed(session: Session, house: Organisation, today: date) -> _Stayed:
    """All spans in one pass over the portfolio."""
    rows, connection = COLUMNS, session.connection()
    counts = []
    for days in SPANS:
        then = today - timedelta(days=days)
        there = rows.here_since <= then
        counts.append(number_of(there & rows.active))
        counts.append(number_of(there & ~rows.active & (rows.left_on > then)))
    gone = ~rows.active & (rows.left_on > today - timedelta(days=SPANS[0]))
    money = case((gone & rows.currency.in_(("", house.currency)), rows.monthly_revenue), else_=0.0)
    undated = number_of(~rows.active & rows.left_on.is_(None))
    query = select(*counts, func.coalesce(func.sum(money), 0.0), undated)
    *numbers, revenue, unknown = connection.execute(query.where(rows.organisation_id == house.id)).one()
    spans = []
    for place, days in enumerate(SPANS):
        stayed, left = numbers[2 * place : 2 * place + 2]
        doubtful = _undated(session, house, today - timedelta(days=days)) if unknown else 0
        rate = 100.0 * stayed / (stayed + left) if stayed + left and not doubtful else None
        spans.append(Retention(days=days, there=stayed + left, stayed=stayed, undated=doubtful, rate=rate))
    return _Stayed(tuple(spans), float(revenue))


def _undated(session: Session, house: Organisation, then: date) -> int:
    """Who has left on a day that nobody knows, and may have been there on that day.

    Whose row has not changed since was inactive before.
    """
    portfolio, customer = COLUMNS, table("customer").c
    midnight = local_midnight(then, house.time_zone)
    query = (
        select(func.count())
        .select_from(table("portfolio").join(table("customer"), customer.id == portfolio.customer_id))
        .where(portfolio.organisation_id == house.id, ~portfolio.active, portfolio.left_on.is_(None))
        .where(portfolio.here_since <= then, customer.updated_at >= midnight)
    )
    return session.connection().execute(query).scalar_one()


def _financial(stats: DashboardStats, retained: float | None, gone: float) -> FinancialMetrics:
    money = stats.totals.revenue
    average = money.monthly / money.customers if money.customers else None
    leaving = None if retained is None else 1.0 - (retained / 100.0) ** (1.0 / MONTHS)
    return FinancialMetrics(
        currency=money.currency,
        monthly_recurring_revenue=money.monthly,
        annual_recurring_revenue=money.yearly,
        average_revenue_per_customer=average,
        monthly_growth=stats.monthly_revenue.percent,
        customer_lifetime_value=average / leaving if average is not None and leaving else None,
        churned_revenue_30d=gone,
    )


def _work(session: Session, organisation: str, today: date) -> WorkMetrics:
    adopted = mean_of_metric(session, organisation, "feature_adoption_rate", today)
    if adopted is None:
        adopted = mean_of_metric(session, organisation, "feature_adoption_depth", today)
    return WorkMetrics(
        time_to_value=mean_of_metric(session, organisation, "time_to_value", today),
        adoption_rate=adopted,
        customer_satisfaction=mean_of_metric(session, organisation, "csat", today),
    )
