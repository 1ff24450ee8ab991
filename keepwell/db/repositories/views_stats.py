"""Read model of a portfolio's figures: what they are, how they were, by level, segment and day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views_portfolio_lines import AT_RISK_LEVELS
from keepwell.db.repositories.views_stats_days import DayFigures, days_between, mean_of_metric
from keepwell.db.repositories.views_stats_groups import Group, Part, groups_of, total_of
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
_STANDING = (Part.STANDING,)


def dashboard_stats(
    session: Session,
    organisation: str,
    *,
    now: datetime,
    period: Period = Period.MONTH,
    segment: str | None = None,
    compare: Period | None = None,
    groups: Sequence[Group] | None = None,
) -> DashboardStats:
    """The figures of all customers, or those of a segment ("" for those without one).

    `period` is that of the days and of who left; changes go by the day that `compare` (else the period) lies
    back. What is now is read from where customers stand now, what was from the figures kept by day.
    `groups` are those of the same customers as of the same moment, where they are counted already.
    """
    house = found(session, Organisation, organisation, "organisation")
    today = local_day(now, house.time_zone)
    back = (compare or period).days
    if groups is None:
        groups = groups_of(session, organisation, now, today, _STANDING, segment=segment)
    days = days_between(session, house, today - timedelta(days=max(period.days, back)) - NEAR, today, segment)
    before = _compared_day(days, today - timedelta(days=back))
    nps = mean_of_metric(session, organisation, "nps", today, segment)
    now_all = _totals(groups, period, house.currency, nps)
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
    groups = groups_of(session, organisation, now, today, _STANDING)
    return _totals(groups, period, house.currency, mean_of_metric(session, organisation, "nps", today, None))


def _mean(groups: Sequence[Group], total: str, count: str) -> float | None:
    number = total_of(groups, count)
    return float(total_of(groups, total)) / number if number else None


def _risky(groups: Sequence[Group]) -> list[Group]:
    return [group for group in groups if group["held"] in _RISKY]


def _totals(groups: Sequence[Group], period: Period, currency: str, nps: float | None) -> Totals:
    active = [group for group in groups if group["active"]]
    gone = [group for group in groups if not group["active"]]
    money = _money(active, currency)
    return Totals(
        total=total_of(groups, "customers"),
        active=total_of(active, "customers"),
        at_risk=total_of(_risky(active), "customers"),
        churned=total_of(gone, "customers"),
        churned_in_period=total_of(gone, f"left_{period.days}"),
        unscored=total_of(active, "customers") - total_of(active, "scored"),
        insufficient=total_of(active, "insufficient"),
        average_score=_mean(active, "score_sum", "scored"),
        average_churn=_mean(active, "churn_sum", "predicted"),
        predicted=total_of(active, "predicted"),
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
    whole = total_of(active, "customers")
    then = before.point.levels if before else None
    all_then = sum(then.values()) if then else 0
    lines = []
    for level in LEVELS:
        mine = [group for group in active if group["held"] == level.value]
        number = total_of(mine, "customers")
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
            customers=total_of(mine, "customers"),
            at_risk=total_of(_risky(mine), "customers"),
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
