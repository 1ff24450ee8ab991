"""What is asked of scores over time: one customer's, and everybody's."""

from __future__ import annotations

from datetime import date, datetime

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.insight import Prediction
from keepwell.db.repositories.views_at_risk_lines import AtRiskPage
from keepwell.db.repositories.views_stats_lines import DayPoint, Period
from scoring.levels import Level
from scoring.priority import InterventionPriority
from scoring.recommend import Recommendation
from scoring.trend import Direction


class ScorePoint(Frozen):
    """The last score of a day, with its points by category."""

    day: date
    score: float
    level: Level | None
    categories: dict[str, float]


class ComponentScore(Frozen):
    """A category now: its points (None: nothing measured), weight in percent, and where it heads.

    The trend goes by the scores of the 30 days that end with the last one, by the same scorecard.
    """

    name: str
    title: str
    weight: float
    points: float | None
    trend: Direction


class KeyMetric(Frozen):
    """A metric's newest usable value, raw and in words, and the category it counts in."""

    name: str
    title: str
    category: str
    value: float
    words: str


class CustomerHealth(Frozen):
    """One customer's health: now, over the period, and what to do.

    `score` is the last known. `points` are its days' scores, the oldest first, by the scorecard `scorecard`
    alone: those by another do not compare. `history` says whether the period holds scores by others, too.
    `change` is the last score minus the first of the period. `risk_factors` are sentences.
    """

    customer_id: str
    external_id: str
    name: str
    score: float | None
    level: Level | None
    since: datetime | None
    scored_at: datetime | None
    scorecard: str
    prediction: Prediction | None
    period: Period
    points: tuple[ScorePoint, ...]
    other_scorecards: bool
    change: float | None
    trend: Direction
    components: tuple[ComponentScore, ...]
    key_metrics: tuple[KeyMetric, ...]
    risk_factors: tuple[str, ...]
    recommendations: tuple[Recommendation, ...]
    priority: InterventionPriority | None


class HealthSegment(Frozen):
    """Customers with a score from `lowest` up to below `below` (the best segment: up to 100 inclusive).

    `percentage` is of all with a score, 0 to 100.
    """

    name: str
    lowest: float
    below: float
    count: int
    percentage: float


class HealthTrends(Frozen):
    """Everybody's health over a period: a point a day, segments by score, those at risk where asked for."""

    period: Period
    days: tuple[DayPoint, ...]
    average_score: float | None
    segments: tuple[HealthSegment, ...]
    at_risk: AtRiskPage | None = None
