"""A customer's own page as programs read it."""

from __future__ import annotations

from datetime import date, datetime

from keepwell.api.shapes import Camel
from keepwell.db.repositories.client_insights import InsightLine
from keepwell.db.repositories.views_client import ClientScore as ScoreNow
from keepwell.db.repositories.views_client import ClientSuccess, ClientTrend


class ScorePart(Camel):
    """A part of the score: 0 to 100, and its weight in percent. `measured` is false where the points are a
    default, as nothing was measured yet; they are null where there is no default either."""

    score: float | None
    weight: float
    measured: bool


class ClientScore(Camel):
    """The score, 0 to 100, and its parts; null where too little is known, and then `why` says so.

    `change` is in points, to about a week before; `trend` is rising, stable or declining by five points of
    it, else unknown. `range` is Excellent, Good, Needs attention or At risk.
    """

    overall: float | None
    engagement: float | None
    activation: float | None
    progress: float | None
    satisfaction: float | None
    momentum: float | None
    parts: dict[str, ScorePart]
    range: str | None
    trend: ClientTrend
    change: float | None
    calculated_at: datetime | None
    why: str | None


class Insight(Camel):
    """Something worth knowing. `type` is weekly_summary, achievement, recommendation, milestone or tip;
    `status` unread, read, dismissed or acted_on."""

    id: str
    type: str
    status: str
    title: str
    body: str
    action_label: str | None
    action_url: str | None
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, line: InsightLine) -> Insight:
        """A stored one in these words."""
        return cls(
            id=line.id,
            type=line.kind,
            status=line.state,
            title=line.title,
            body=line.body,
            action_label=line.action_label or None,
            action_url=line.action_url or None,
            created_at=line.created_at,
            expires_at=line.expires_at,
        )


class HeatmapDay(Camel):
    """A day of the customer's time zone; `level` is 0 (nothing) to 4 (its busiest days)."""

    date: date
    count: int
    level: int


class ActivityStats(Camel):
    """Of the last 30 days, today included."""

    total_activities: int
    active_days: int
    average_per_day: float


class SuccessPage(Camel):
    """A customer's own page."""

    client_id: str
    client_name: str
    score: ClientScore
    insights: tuple[Insight, ...]
    unread_insights: int
    heatmap: tuple[HeatmapDay, ...]
    stats: ActivityStats


def success_page(found: ClientSuccess) -> SuccessPage:
    """The page in these words."""
    return SuccessPage(
        client_id=found.customer_id,
        client_name=found.customer,
        score=score_of(found.score),
        insights=tuple(Insight.of(line) for line in found.insights),
        unread_insights=found.unread,
        heatmap=tuple(
            HeatmapDay(date=one.day, count=one.count, level=one.level) for one in found.activity.days
        ),
        stats=ActivityStats(
            total_activities=found.activity.total,
            active_days=found.activity.active_days,
            average_per_day=found.activity.average,
        ),
    )


def score_of(score: ScoreNow) -> ClientScore:
    """The score in these words. An organisation's own scorecard may have other parts: they are in `parts`."""
    points = {part.name: part.points for part in score.components}
    return ClientScore(
        overall=score.score,
        engagement=points.get("engagement"),
        activation=points.get("activation"),
        progress=points.get("progress"),
        satisfaction=points.get("satisfaction"),
        momentum=points.get("momentum"),
        parts={
            part.name: ScorePart(score=part.points, weight=part.weight, measured=part.measured)
            for part in score.components
        },
        range=score.range or None,
        trend=score.trend,
        change=score.change,
        calculated_at=score.at,
        why=score.why or None,
    )
