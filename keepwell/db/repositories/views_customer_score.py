"""The read model of a customer's last score: what it is made of, what costs, what fell, where it heads."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.figures import LEAST_RISE, SHOWN, Measured
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Health, Score
from scoring.factors import RiskFactor, risk_factors
from scoring.levels import Level
from scoring.scorecard import Band, Scorecard
from scoring.trend import TREND_DAYS, Direction

_ROUNDED = 0.01
"""Points closer together than this are the same, as a score keeps two decimals."""


class CategoryScore(Frozen):
    """A category's points, 0 to 100, and its weight in percent; None where nothing of it was measured."""

    name: str
    title: str
    weight: float
    points: float | None


class ScoreDetail(Frozen):
    """The last score and what it is made of.

    `costs` are the metrics that cost most, `falls` those that lost most within 30 days and are not among
    them. `next_review` counts the days of the band of `level` from when that took effect, again and again; it
    is None where the scorecard names none.
    """

    score: float | None
    level: Level | None
    raw_level: Level | None
    band: str
    action: str
    scored_at: datetime
    since: datetime | None
    next_review: date | None
    coverage: float
    insufficient: bool
    unusable: int
    baseline: bool
    scorecard: str
    categories: tuple[CategoryScore, ...]
    costs: tuple[RiskFactor, ...]
    falls: tuple[RiskFactor, ...]


class TrendPoint(Frozen):
    """The last score of a day."""

    day: date
    score: float
    level: Level | None


class Trend(Frozen):
    """The scores of the 30 days that end with the last one, all by its scorecard.

    `change` is last minus first, `slope` that of the straight line through them in points per 30 days; both
    are None for fewer than two days. The direction goes by the line.
    """

    days: int = int(TREND_DAYS)
    points: tuple[TrendPoint, ...]
    change: float | None
    slope: float | None
    direction: Direction


def score_detail(
    health: Health, row: Score, measured: Measured, now: datetime, zones: tuple[str, ...]
) -> ScoreDetail:
    """The score `row`, on which `health` stands; `measured` is of its moment, by its scorecard.

    Days are those of the first of `zones` that exists.
    """
    card = measured.card
    band = card.band_of(row.score) if row.score is not None else None
    level = Level(health.level) if health.level else None
    since = local_day(health.since, *zones) if health.since else None
    costs = _costs(row, measured)
    return ScoreDetail(
        score=row.score,
        level=level,
        raw_level=Level(row.raw_level) if row.raw_level else None,
        band=band.name if band else "",
        action=band.action if band else "",
        scored_at=row.scored_at,
        since=health.since,
        next_review=_next_review(_review_days(card, band, level), since, local_day(now, *zones)),
        coverage=row.coverage,
        insufficient=row.insufficient,
        unusable=row.unusable,
        baseline=row.baseline,
        scorecard=f"{card.name}@{card.version}",
        categories=tuple(
            CategoryScore(
                name=one.name, title=one.title, weight=one.weight, points=row.categories.get(one.name)
            )
            for one in card.categories
        ),
        costs=costs,
        falls=_falls(measured, {one.metric for one in costs}),
    )


def trend_of_scores(session: Session, row: Score | None, now: datetime) -> Trend:
    """Where a customer's scores head, as its last score `row` has kept it, with the scores it goes by.

    None are told where that score is more than 30 days old.
    """
    if row is None or now - row.scored_at > timedelta(days=TREND_DAYS):
        return Trend(points=(), change=None, slope=None, direction=Direction.UNKNOWN)
    query = (
        select(col(Score.day), col(Score.score), col(Score.level))
        .where(col(Score.customer_id) == row.customer_id, col(Score.score).is_not(None))
        .where(col(Score.scorecard) == row.scorecard)
        .where(col(Score.day) > row.day - timedelta(days=TREND_DAYS), col(Score.day) <= row.day)
        .order_by(col(Score.scored_at), col(Score.id))
    )
    by_day = {
        day: TrendPoint(day=day, score=score, level=Level(level) if level else None)
        for day, score, level in session.connection().execute(query)
        if score is not None
    }
    points = tuple(by_day[day] for day in sorted(by_day))
    return Trend(
        points=points,
        change=points[-1].score - points[0].score if len(points) > 1 else None,
        slope=row.trend_slope,
        direction=Direction(row.trend_direction or Direction.UNKNOWN),
    )


def _costs(row: Score, measured: Measured) -> tuple[RiskFactor, ...]:
    """The metrics that cost most, as the score has kept them, with the raw values of then in words."""
    kept = {one["metric"]: one for one in row.factors.get("top", [])}
    if not kept:
        return ()
    names = measured.card.metric_names
    # A value that was taken back since has no words any more.
    lost = [
        float(kept[name]["lost"]) if name in kept and math.isfinite(measured.values[at]) else 0.0
        for at, name in enumerate(names)
    ]
    points = [
        _unrounded(float(kept[name]["points"]), float(measured.points[at])) if name in kept else 0.0
        for at, name in enumerate(names)
    ]
    return risk_factors(
        measured.card, measured.values, np.array(points), np.array(lost), measured.earlier, top=len(kept)
    )


def _unrounded(kept: float, measured: float) -> float:
    """The points as measured, where the score has kept them rounded: else a metric that stood still would
    seem to have fallen. As kept, where the value has been corrected since."""
    return measured if abs(measured - kept) < _ROUNDED else kept


def _falls(measured: Measured, known: set[str]) -> tuple[RiskFactor, ...]:
    """Of the other metrics those whose fall cost the score most, three at most."""
    card = measured.card
    drop = {
        metric.name: metric.weight * float(measured.earlier_points[at] - measured.points[at])
        for at, metric in enumerate(card.metrics)
        if metric.name not in known and measured.earlier_points[at] - measured.points[at] >= LEAST_RISE
    }
    found = risk_factors(
        card, measured.values, measured.points, measured.lost, measured.earlier, top=len(card.metrics)
    )
    fell = sorted((one for one in found if one.metric in drop), key=lambda one: -drop[one.metric])
    return tuple(fell[:SHOWN])


def _review_days(card: Scorecard, band: Band | None, level: Level | None) -> int | None:
    """How often to look at a customer whose score is in `band` while `level` is still held.

    Of several bands of the held level it is the one nearest to the score's.
    """
    if band is None:
        return None
    held = [one for one in card.bands if one.level is level]
    return min(held, key=lambda one: abs(one.lower - band.lower), default=band).review_days


def _next_review(every: int | None, since: date | None, today: date) -> date | None:
    if every is None or since is None:
        return None
    rounds = max(1, math.ceil((today - since).days / every))
    return since + timedelta(days=rounds * every)
