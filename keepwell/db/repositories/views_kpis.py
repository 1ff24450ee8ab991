"""Read model of the key figures: what is stored says them, or they are None."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
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
from keepwell.db.repositories.views_stats import dashboard_stats
from keepwell.db.repositories.views_stats_days import mean_of_metric
from keepwell.db.repositories.views_stats_groups import SPANS, Group, Part, groups_of, total_of
from keepwell.db.repositories.views_stats_lines import DashboardStats, Period
from keepwell.db.repositories.zones import local_day, local_midnight
from keepwell.db.tables import Organisation

MONTHS = 12


def kpis(
    session: Session,
    organisation: str,
    *,
    now: datetime,
    stats: DashboardStats | None = None,
    groups: Sequence[Group] | None = None,
) -> Kpis:
    """The key figures of an organisation as of now; `Kpis` says what each of them means.

    stats: its figures of 30 days as of now, where they are known already.
    groups: all its customers as of now, where they are counted already, with who has stayed.
    """
    house = found(session, Organisation, organisation, "organisation")
    today = local_day(now, house.time_zone)
    if groups is None:
        groups = groups_of(session, organisation, now, today, (Part.STANDING, Part.STAYED))
    stats = stats or dashboard_stats(session, organisation, now=now, period=Period.MONTH, groups=groups)
    known = _stayed(session, house, today, groups)
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


def _stayed(session: Session, house: Organisation, today: date, groups: Sequence[Group]) -> _Stayed:
    active = [group for group in groups if group["active"]]
    gone = [group for group in groups if not group["active"]]
    unknown = total_of(gone, "customers") - total_of(gone, "dated")
    spans = []
    for days in SPANS:
        stayed, left = total_of(active, f"here_{days}"), total_of(gone, f"here_left_{days}")
        doubtful = _undated(session, house, today - timedelta(days=days)) if unknown else 0
        rate = 100.0 * stayed / (stayed + left) if stayed + left and not doubtful else None
        spans.append(Retention(days=days, there=stayed + left, stayed=stayed, undated=doubtful, rate=rate))
    ours = [group for group in gone if group["currency"] in ("", house.currency)]
    return _Stayed(tuple(spans), float(total_of(ours, "left_revenue")))


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
