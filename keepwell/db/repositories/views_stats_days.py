"""A portfolio's figures by day, as the daily runs kept them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.views_portfolio_lines import AT_RISK_LEVELS
from keepwell.db.repositories.views_stats_lines import DayPoint
from keepwell.db.tables import Organisation
from scoring.levels import LEVELS, Level

LATELY = timedelta(days=31)
"""A mean of a metric that is older than this is not told any more."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A day, and how many customers its run looked at."""

    point: DayPoint
    customers: int


def days_between(
    session: Session, house: Organisation, first: date, last: date, segment: str | None = None
) -> list[DayFigures]:
    """The days from `first` to `last` of which figures were kept, in their order."""
    rows = table("portfolio_day").c
    query = (
        select(
            *(rows.day, rows.level, rows.currency, func.sum(rows.customers), func.sum(rows.scored)),
            *(func.sum(rows.score_sum), func.sum(rows.revenue), func.count(rows.revenue)),
        )
        .where(rows.organisation_id == house.id, rows.day.between(first, last))
        .group_by(rows.day, rows.level, rows.currency)
        .order_by(rows.day)
    )
    if segment is not None:
        query = query.where(rows.segment == segment)
    sums: dict[date, _Sum] = {}
    for day, level, currency, customers, scored, score_sum, revenue, known in session.connection().execute(
        query
    ):
        one = sums.setdefault(day, _Sum())
        one.customers += customers
        one.scored += scored
        one.score_sum += score_sum
        one.levels[level] = one.levels.get(level, 0) + customers
        if known and (currency or house.currency) == house.currency:
            one.revenue = (one.revenue or 0.0) + revenue
    return [DayFigures(one.point(day), one.customers) for day, one in sums.items()]


class _Sum:
    def __init__(self) -> None:
        self.customers = self.scored = 0
        self.score_sum = 0.0
        self.levels: dict[str, int] = {}
        self.revenue: float | None = None

    def point(self, day: date) -> DayPoint:
        levels: dict[Level, int] = {level: self.levels.get(level.value, 0) for level in LEVELS}
        return DayPoint(
            day=day,
            scored=self.scored,
            average_score=self.score_sum / self.scored if self.scored else None,
            at_risk=sum(levels[level] for level in AT_RISK_LEVELS),
            levels=levels,
            monthly_revenue=self.revenue,
        )


def mean_of_metric(
    session: Session, organisation: str, name: str, today: date, segment: str | None = None
) -> float | None:
    """The mean of a metric over all customers at the last run; None where nobody measures it."""
    rows = table("portfolio_metric_day").c
    ours = (rows.organisation_id == organisation) & (rows.name == name)
    last = select(func.max(rows.day)).where(ours, rows.day <= today).scalar_subquery()
    query = select(func.sum(rows.total), func.sum(rows.customers)).where(
        ours, rows.day == last, rows.day > today - LATELY
    )
    if segment is not None:
        query = query.where(rows.segment == segment)
    total, customers = session.connection().execute(query).one()
    return float(total) / customers if customers else None
