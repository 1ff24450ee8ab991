"""What the portfolio is asked and what it answers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from pydantic import Field

from keepwell.contracts.base import Frozen
from scoring.levels import Level
from scoring.trend import Direction

AT_RISK_LEVELS = (Level.AT_RISK, Level.HIGH_RISK, Level.CRITICAL)
"""Who is at risk, wherever it is counted or listed: by the level that is held."""

LONGEST_PAGE = 200
NO_OWNER = "none"
"""In place of a staff id: customers whom nobody looks after."""


class SortBy(StrEnum):
    """What the portfolio is sorted by; ties go by the customer's id. The unknown comes last, both ways."""

    SCORE = "score"
    NAME = "name"
    REVENUE = "revenue"
    RENEWAL = "renewal"
    CHANGE_7 = "change_7"
    CHANGE_30 = "change_30"
    LEVEL_SINCE = "level_since"
    CHURN = "churn"


class Sort(Frozen):
    """An order. The default begins with the worst score."""

    by: SortBy = SortBy.SCORE
    descending: bool = False


class PortfolioFilter(Frozen):
    """Which customers: those for whom all of this holds. What is left out does not narrow.

    `owners` are staff ids, or NO_OWNER. `search` is a part of the name or of the external id, whatever the
    case. `at_risk`: level AT_RISK or worse. `intervention`: with an open one, or without. `unscored`: never
    scored; `insufficient`: the last scoring found too little data. `renews_before` is the first day that no
    longer counts; past days do. `churn_above` is a probability, 0 to 1, of a prediction that still counts.
    `inactive` lists those who left instead.
    """

    levels: tuple[Level, ...] = ()
    owners: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    trend: Direction | None = None
    search: str = ""
    at_risk: bool | None = None
    intervention: bool | None = None
    unscored: bool | None = None
    insufficient: bool | None = None
    renews_before: date | None = None
    churn_above: float | None = Field(default=None, ge=0, le=1)
    inactive: bool = False


class OpenIntervention(Frozen):
    """A customer's open intervention; `playbook` with its version, as in "critical@3"."""

    id: str
    playbook: str
    paused: bool


class PortfolioLine(Frozen):
    """A customer in the list.

    `score` and `level` are the last known, `since` is when the level took effect. `points` are the scores of
    the 30 days up to `points_until`, the oldest first, None on days without one; empty where none is kept.
    Changes are in points. `currency` is that of the revenue, the organisation's where the customer has none.
    `churn` is a probability, 0 to 1, and `churn_old` says that it is too old to count. `tags` are what a CSM
    looks for: unscored, insufficient, no_owner, paused, renews_soon (within 90 days), renewal_past.
    `coverage` is the share of the weight that the last scoring found measured, 0 to 1; `insufficient` says
    that it found too little, and `unusable` counts the values it could not use.
    """

    id: str
    external_id: str
    name: str
    active: bool
    plan: str
    segment: str
    owner_id: str | None
    owner: str
    monthly_revenue: float | None
    currency: str
    renews_on: date | None
    score: float | None
    level: Level | None
    since: datetime | None
    scored_at: datetime | None
    trend: Direction
    points: tuple[float | None, ...] = ()
    points_until: date | None = None
    change_7: float | None
    change_30: float | None
    churn: float | None
    churn_at: datetime | None
    churn_old: bool = False
    coverage: float | None
    insufficient: bool
    unusable: int
    intervention: OpenIntervention | None = None
    tags: tuple[str, ...] = ()


class PortfolioPage(Frozen):
    """A page of the list. `next` is the cursor of the page after it, None on the last one.

    `previous` is the cursor that leads back to the page before it, None on the first one. `total` is how many
    there are in all; it is counted for the first page, and the cursor carries it on.
    """

    lines: tuple[PortfolioLine, ...]
    total: int
    next: str | None
    previous: str | None = None
