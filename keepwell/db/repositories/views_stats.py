"""Read model of a portfolio's figures: what they are, how they were, by level, segment and day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, case, func, select
from sqlmodel import Session

from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views_portfolio_lines import AT_RISK_LEVELS
from keepwell.db.repositories.views_portfolio_query import COLUMNS, counting
from keepwell.db.repositories.views_stats_days import DayFigures, days_between, mean_of_metric
from keepwell.db.repositories.views_stats_lines import (
    Compared,
    DashboardStats,
    LevelCount,
    Money,
    Period,
    SegmentStats,
    Totals,
)
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Organisation
from scoring.levels import LEVELS

NEAR = timedelta(days=7)
"""By so much the day compared with may lie before the period's beginning."""
_RISKY = frozenset(AT_RISK_LEVELS)
Group = RowMapping


def dashboard_stats(
    session: Session,
    organisation: str,
    *,
    now: datetime,
    period: Period = Period.MONTH,
    segment: str | None = None,
    compare: Period | None = None,
) -> DashboardStats:
    """The figures of all customers, or those of a segment ("" for those without one).

    `period` is that of the days and of who left; changes go by the day that `compare` (else the period) lies
    back. What is now is read from where customers stand now, what was from the figures kept by day.
    """
    house = found(session, Organisation, organisation, "organisation")
    today = local_day(now, house.time_zone)
    back = (compare or period).days
    groups = _groups(session, organisation, segment, now, today - period.length)
    days = days_between(session, house, today - timedelta(days=max(period.days, back)) - NEAR, today, segment)
    before = _compared_day(days, today - timedelta(days=back))
    now_all = _totals(groups, house.currency, mean_of_metric(session, organisation, "nps", today, segment))
    return DashboardStats(
        period=period,
        segment=segment,
        today=today,
        totals=now_all,
        levels=_levels(groups, before),
        segments=_segments(groups, house.currency),
        days=tuple(one.point for one in days if one.point.day > today - period.length),
        compared_with=before.point.day if before else None,
        average_score=_compared(now_all.average_score, before.point.average_score if before else None),
        customers=_compared(now_all.active, before.customers if before else None),
        at_risk=_compared(now_all.at_risk, before.point.at_risk if before else None),
        monthly_revenue=_compared(now_all.revenue.monthly, before.point.monthly_revenue if before else None),
        revenue_at_risk=_money([group for group in _risky(groups) if group["active"]], house.currency)[
            house.currency
        ].monthly,
    )


def totals(session: Session, organisation: str, *, now: datetime, period: Period = Period.MONTH) -> Totals:
    """The counts and averages alone."""
    house = found(session, Organisation, organisation, "organisation")
    today = local_day(now, house.time_zone)
    groups = _groups(session, organisation, None, now, today - period.length)
    return _totals(groups, house.currency, mean_of_metric(session, organisation, "nps", today, None))


def _groups(
    session: Session, organisation: str, segment: str | None, now: datetime, since: date
) -> Sequence[Group]:
    """Everything that is counted, in one pass over the portfolio: by segment, level, currency, activity."""
    rows = COLUMNS
    counts = and_(counting(now), rows.churn.is_not(None))
    # In the order of the primary key, by which SQLite has them together.
    keys = (rows.held, rows.active, rows.segment, rows.currency)
    query = (
        select(
            *keys,
            func.count().label("customers"),
            func.count(rows.score).label("scored"),
            func.coalesce(func.sum(rows.score), 0.0).label("score_sum"),
            number_of(rows.insufficient).label("insufficient"),
            number_of(counts).label("predicted"),
            func.coalesce(func.sum(case((counts, rows.churn), else_=0.0)), 0.0).label("churn_sum"),
            func.count(rows.monthly_revenue).label("paying"),
            func.coalesce(func.sum(rows.monthly_revenue), 0.0).label("revenue"),
            number_of(rows.left_on > since).label("left"),
        )
        .where(rows.organisation_id == organisation)
        .group_by(*keys)
    )
    if segment is not None:
        query = query.where(rows.segment == segment)
    return session.connection().execute(query).mappings().all()


def number_of(holds: ColumnElement[bool]) -> ColumnElement[int]:
    """For how many rows this holds."""
    return func.coalesce(func.sum(case((holds, 1), else_=0)), 0)


def _sum(groups: Sequence[Group], name: str) -> Any:
    return sum(group[name] for group in groups)


def _mean(groups: Sequence[Group], total: str, count: str) -> float | None:
    number = _sum(groups, count)
    return float(_sum(groups, total)) / number if number else None


def _risky(groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if group["held"] in _RISKY]


def _totals(groups: Sequence[Group], currency: str, nps: float | None) -> Totals:
    active = [group for group in groups if group["active"]]
    gone = [group for group in groups if not group["active"]]
    money = _money(active, currency)
    return Totals(
        total=_sum(groups, "customers"),
        active=_sum(active, "customers"),
        at_risk=_sum(_risky(active), "customers"),
        churned=_sum(gone, "customers"),
        churned_in_period=_sum(gone, "left"),
        unscored=_sum(active, "customers") - _sum(active, "scored"),
        insufficient=_sum(active, "insufficient"),
        average_score=_mean(active, "score_sum", "scored"),
        average_churn=_mean(active, "churn_sum", "predicted"),
        predicted=_sum(active, "predicted"),
        nps=nps,
        revenue=money.pop(currency),
        other_revenue=tuple(money[one] for one in sorted(money)),
    )


def _money(groups: Sequence[Group], currency: str) -> dict[str, Money]:
    """By currency; the organisation's is always there."""
    sums: dict[str, list[float]] = {currency: [0.0, 0]}
    for group in groups:
        if group["paying"]:
            one = sums.setdefault(group["currency"] or currency, [0.0, 0])
            one[0] += group["revenue"]
            one[1] += group["paying"]
    return {
        name: Money(currency=name, monthly=total, yearly=12 * total, customers=int(customers))
        for name, (total, customers) in sums.items()
    }


def _levels(groups: Sequence[Group], before: DayFigures | None) -> tuple[LevelCount, ...]:
    active = [group for group in groups if group["active"] and group["held"]]
    whole = _sum(active, "customers")
    then = before.point.levels if before else None
    all_then = sum(then.values()) if then else 0
    lines = []
    for level in LEVELS:
        mine = [group for group in active if group["held"] == level.value]
        number = _sum(mine, "customers")
        lines.append(
            LevelCount(
                level=level,
                customers=number,
                share=number / whole if whole else 0.0,
                average_score=_mean(mine, "score_sum", "scored"),
                before=None if then is None else then[level],
                before_share=then[level] / all_then if then and all_then else None,
            )
        )
    return tuple(lines)


def _segments(groups: Sequence[Group], currency: str) -> tuple[SegmentStats, ...]:
    by_segment: dict[str, list[Group]] = {}
    for group in groups:
        if group["active"]:
            by_segment.setdefault(group["segment"], []).append(group)
    return tuple(
        SegmentStats(
            segment=name,
            customers=_sum(mine, "customers"),
            at_risk=_sum(_risky(mine), "customers"),
            average_score=_mean(mine, "score_sum", "scored"),
            average_churn=_mean(mine, "churn_sum", "predicted"),
            monthly_revenue=_money(mine, currency)[currency].monthly,
        )
        for name, mine in sorted(by_segment.items())
    )


def _compared_day(days: Sequence[DayFigures], wanted: date) -> DayFigures | None:
    near = [one for one in days if wanted - NEAR <= one.point.day <= wanted]
    return near[-1] if near else None


def _compared(now: float | None, before: float | None) -> Compared:
    change = None if now is None or before is None else now - before
    percent = change / abs(before) * 100 if change is not None and before else None
    return Compared(now=now, before=before, change=change, percent=percent)
