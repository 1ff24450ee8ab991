"""Read model of health over time: one customer's with its components, and everybody's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import RowMapping, select
from sqlmodel import Session

from keepwell.db.repositories.figures import Measured
from keepwell.db.repositories.insight import prediction_of, recommended
from keepwell.db.repositories.lookup import found, own, table
from keepwell.db.repositories.views_at_risk import at_risk
from keepwell.db.repositories.views_customer import standing_of
from keepwell.db.repositories.views_customer_score import score_detail
from keepwell.db.repositories.views_health_lines import (
    ComponentScore,
    CustomerHealth,
    HealthSegment,
    HealthTrends,
    KeyMetric,
    ScorePoint,
)
from keepwell.db.repositories.views_stats_days import days_between
from keepwell.db.repositories.views_stats_groups import SEGMENTS, Group, Part, groups_of, total_of
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.repositories.wording import value_words
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Organisation, Score
from scoring.levels import Level
from scoring.priority import intervention_priority
from scoring.scorecard import Scorecard
from scoring.trend import DIRECTIONS, TREND_DAYS, UNKNOWN_DIRECTION, Direction, trend_of


def customer_health(
    session: Session, organisation: str, customer: str, *, now: datetime, period: Period = Period.MONTH
) -> CustomerHealth:
    """One customer's health; `customer` is our id.

    Raises:
        NotFoundError: the organisation has no such customer.
    """
    house = found(session, Organisation, organisation, "organisation")
    row = own(session, Customer, organisation, customer, "customer")
    standing = standing_of(session, house, row)
    prediction = prediction_of(session, customer, now)
    chance = None if prediction is None or prediction.old else prediction.probability
    score = standing[0].score if standing else None
    shared = {
        "customer_id": row.id,
        "external_id": row.external_id,
        "name": row.name,
        "score": score,
        "prediction": prediction,
        "period": period,
        "priority": intervention_priority(score, chance),
    }
    if standing is None:
        return CustomerHealth(**shared, **_NOTHING)
    health, last, measured = standing
    rows = _scores(session, customer, now - period.length - timedelta(days=TREND_DAYS + 2))
    by_day = _by_day(rows, last)
    points = _points(by_day, house, now, period)
    detail = score_detail(health, last, measured, now, (row.time_zone, house.time_zone))
    return CustomerHealth(
        **shared,
        level=detail.level,
        since=detail.since,
        scored_at=last.scored_at,
        scorecard=detail.scorecard,
        points=points,
        other_scorecards=any(
            not _same_card(one, last) and now - one["scored_at"] <= period.length for one in rows
        ),
        change=points[-1].score - points[0].score if len(points) > 1 else None,
        trend=Direction(last.trend_direction or Direction.UNKNOWN),
        components=_components(measured.card, last.categories, list(by_day.values()), last.day),
        key_metrics=_key_metrics(measured),
        risk_factors=tuple(one.words for one in (*detail.costs, *detail.falls)),
        recommendations=recommended(measured.card, detail, row.name),
    )


_NOTHING = {
    "level": None,
    "since": None,
    "scored_at": None,
    "scorecard": "",
    "points": (),
    "other_scorecards": False,
    "change": None,
    "trend": Direction.UNKNOWN,
    "components": (),
    "key_metrics": (),
    "risk_factors": (),
    "recommendations": (),
}
"""Of who was never scored."""


def health_trends(
    session: Session,
    organisation: str,
    *,
    now: datetime,
    period: Period = Period.MONTH,
    risky: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    groups: Sequence[Group] | None = None,
) -> HealthTrends:
    """Everybody's health over a period; with `risky`, a page of those at risk as well (see `at_risk`).

    `groups` are all customers as of now, where they are counted already, with their bands.
    """
    house = found(session, Organisation, organisation, "organisation")
    today = local_day(now, house.time_zone)
    days = days_between(session, house, today - period.length + timedelta(days=1), today)
    if groups is None:
        groups = groups_of(session, organisation, now, today, (Part.BANDS,))
    segments, average = _segments(groups)
    return HealthTrends(
        period=period,
        days=tuple(one.point for one in days),
        average_score=average,
        segments=segments,
        at_risk=at_risk(session, organisation, now=now, cursor=cursor, limit=limit) if risky else None,
    )


def score_points(
    session: Session, house: Organisation, last: Score | None, *, now: datetime, period: Period
) -> tuple[ScorePoint, ...]:
    """`CustomerHealth.points` alone; `last` is the customer's last score, None where it was never scored."""
    if last is None:
        return ()
    rows = _scores(session, last.customer_id, now - period.length - timedelta(days=2))
    return _points(_by_day(rows, last), house, now, period)


def _scores(session: Session, customer: str, since: datetime) -> Sequence[RowMapping]:
    """A customer's scores since then, the oldest first."""
    rows = table("score").c
    query = (
        select(rows.day, rows.scored_at, rows.score, rows.level, rows.scorecard, rows.categories)
        .where(rows.customer_id == customer, rows.scored_at >= since)
        .order_by(rows.scored_at, rows.id)
    )
    return session.connection().execute(query).mappings().all()


def _by_day(rows: Sequence[RowMapping], last: Score) -> dict[date, RowMapping]:
    """The last one of each day by the scorecard of the last score."""
    return {one["day"]: one for one in rows if one["score"] is not None and _same_card(one, last)}


def _points(
    by_day: Mapping[date, RowMapping], house: Organisation, now: datetime, period: Period
) -> tuple[ScorePoint, ...]:
    first = local_day(now, house.time_zone) - period.length
    return tuple(_point(one) for day, one in sorted(by_day.items()) if day > first)


def _same_card(row: RowMapping, last: Score) -> bool:
    return bool(row["scorecard"] == last.scorecard)


def _point(row: RowMapping) -> ScorePoint:
    level = Level(row["level"]) if row["level"] else None
    return ScorePoint(day=row["day"], score=row["score"], level=level, categories=row["categories"])


def _components(
    card: Scorecard, now: dict[str, float], rows: Sequence[RowMapping], last: date
) -> tuple[ComponentScore, ...]:
    """Each category with where it heads; `rows` are days' scores by the same scorecard."""
    size = int(TREND_DAYS)
    points = np.full((len(card.categories), size), np.nan)
    for row in rows:
        place = size - 1 - (last - row["day"]).days
        if 0 <= place < size:
            for category, one in enumerate(card.categories):
                points[category, place] = row["categories"].get(one.name, math.nan)
    codes = trend_of(points, range(size), card.trend_threshold).direction.tolist()
    return tuple(
        ComponentScore(
            name=one.name,
            title=one.title,
            weight=one.weight,
            points=now.get(one.name),
            trend=Direction.UNKNOWN if code == UNKNOWN_DIRECTION else DIRECTIONS[code],
        )
        for one, code in zip(card.categories, codes, strict=True)
    )


def _key_metrics(measured: Measured) -> tuple[KeyMetric, ...]:
    """What was measured and is usable, in the scorecard's order."""
    return tuple(
        KeyMetric(
            name=metric.name,
            title=metric.title,
            category=metric.category,
            value=float(value),
            words=value_words(metric, float(value), measured.currency),
        )
        for metric, value, points in zip(measured.card.metrics, measured.values, measured.points, strict=True)
        if math.isfinite(value) and math.isfinite(points)
    )


def _segments(groups: Sequence[Group]) -> tuple[tuple[HealthSegment, ...], float | None]:
    """Active customers with a score, by segment, and their average."""
    active = [group for group in groups if group["active"]]
    whole = total_of(active, "scored")
    numbers = [total_of(active, name) for name, _, _ in SEGMENTS[1:]]
    # Whoever is in none of the others: 100 is in the first.
    numbers.insert(0, whole - sum(numbers))
    segments = tuple(
        HealthSegment(
            name=name,
            lowest=low,
            below=below,
            count=number,
            percentage=100.0 * number / whole if whole else 0.0,
        )
        for (name, low, below), number in zip(SEGMENTS, numbers, strict=True)
    )
    return segments, float(total_of(active, "score_sum")) / whole if whole else None
