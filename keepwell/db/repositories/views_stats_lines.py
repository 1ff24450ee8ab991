"""What the figures of a whole portfolio are made of."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from keepwell.contracts.base import Frozen
from scoring.levels import Level


class Period(StrEnum):
    """How far back to look."""

    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "1y"

    @property
    def days(self) -> int:
        """Its length in days."""
        return {"7d": 7, "30d": 30, "90d": 90, "1y": 365}[self.value]

    @property
    def length(self) -> timedelta:
        """Its length."""
        return timedelta(days=self.days)


class Money(Frozen):
    """Monthly and yearly recurring revenue in one currency, of the active customers who have one known.

    `customers` are those; `yearly` is twelve times `monthly`.
    """

    currency: str
    monthly: float
    yearly: float
    customers: int


class LevelCount(Frozen):
    """Customers of a level: how many, their share (0 to 1) of those who have a level, and their revenue.

    `before` and `before_share` are those of the day compared with, None where nothing was kept of then.
    `average_score` is None for none.
    """

    level: Level
    customers: int
    share: float
    average_score: float | None
    before: int | None = None
    before_share: float | None = None


class DayPoint(Frozen):
    """A day's figures, as of its run: customers with a score, their average, and those at risk.

    `monthly_revenue` is in the organisation's currency; None where it was not kept.
    """

    day: date
    scored: int
    average_score: float | None
    at_risk: int
    levels: dict[Level, int]
    monthly_revenue: float | None


class SegmentStats(Frozen):
    """The active customers of a segment ("" is that of those without one)."""

    segment: str
    customers: int
    at_risk: int
    average_score: float | None
    average_churn: float | None
    monthly_revenue: float


class Totals(Frozen):
    """Counts and averages of a portfolio now.

    `total` counts everybody ever known, `active` those who are customers, `churned` those who have left (not
    active any more), `churned_in_period` those of them known to have left within the period. `at_risk`:
    active and at level AT_RISK or worse. `unscored` have no score, `insufficient` had too little data at the
    last scoring. `average_score` is the mean of the last known scores, `average_churn` (0 to 1) that of the
    predictions that count still. `nps` is the mean of the newest values of the metric `nps`, None where it is
    not measured.
    """

    total: int
    active: int
    at_risk: int
    churned: int
    churned_in_period: int
    unscored: int
    insufficient: int
    average_score: float | None
    average_churn: float | None
    predicted: int
    nps: float | None
    revenue: Money
    other_revenue: tuple[Money, ...] = ()


class Compared(Frozen):
    """Then and now of a figure. `change` is now minus then, `percent` that in percent of then.

    None where nothing was kept of then (or, for `percent`, where then is 0).
    """

    now: float | None
    before: float | None = None
    change: float | None = None
    percent: float | None = None


class DashboardStats(Frozen):
    """Figures of a portfolio over a period.

    `compared_with` is the day whose figures the changes go by: the last one kept at or before the period's
    beginning, and not more than 7 days before it; None where there is none. `revenue_at_risk` is the monthly
    revenue of the active customers at level AT_RISK or worse, in the organisation's currency.
    """

    period: Period
    segment: str | None
    today: date
    totals: Totals
    levels: tuple[LevelCount, ...]
    segments: tuple[SegmentStats, ...]
    days: tuple[DayPoint, ...]
    compared_with: date | None
    average_score: Compared
    customers: Compared
    at_risk: Compared
    monthly_revenue: Compared
    revenue_at_risk: float
