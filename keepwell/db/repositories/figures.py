"""A customer's metrics as figures for templates: values, changes, what they cost, what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlmodel import Session, col, select

from keepwell.contracts.rendering import Advice, MetricFigure, Point
from keepwell.db.repositories.scores_read import latest_of
from keepwell.db.repositories.wording import change_words, named, value_words
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Metric
from scoring.arrays import FloatArray
from scoring.factors import risk_factors, success_words
from scoring.kernel import Scores, score_many
from scoring.scorecard import Owner, Scorecard
from scoring.units import Unit

COMPARED_WITH = timedelta(days=30)
HISTORY = timedelta(days=90)
LONGEST_HISTORY = 13
SHOWN = 3
GOOD = 60.0
"""Points from which a metric may be called a strength, and below which a feature lies unused: the border
of HEALTHY in the default scorecard."""
LEAST_RISE = 1.0
"""Points over 30 days below which a rise is not worth a line."""
USE = ("usage", "engagement")
"""Categories whose metrics tell of features used, the more telling first."""
NOT_FEATURES = (Unit.PERCENT_CHANGE, Unit.SENTIMENT, Unit.RATING)
"""Units of trends and moods: a low one does not mean that something lies unused."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A customer's metrics at a moment and 30 days before, all (m,) in the scorecard's order.

    values, earlier: raw values; NaN in the matching points where missing or unusable. lost: how many
    of the 100 points a metric costs, 0 where unknown.
    """

    card: Scorecard
    currency: str
    at: datetime
    values: FloatArray
    earlier: FloatArray
    points: FloatArray
    earlier_points: FloatArray
    lost: FloatArray
    scores: Scores


def measured_at(session: Session, card: Scorecard, customer: str, at: datetime, currency: str) -> Measured:
    """The customer's metrics as they were known at a moment."""
    now = latest_of(session, customer, card.metric_names, at)
    before = latest_of(session, customer, card.metric_names, at - COMPARED_WITH)
    scores = score_many(card, now.values, now.ages)
    earlier_points = score_many(card, before.values, before.ages).points[0]
    return Measured(
        card=card,
        currency=currency,
        at=at,
        values=now.values[0],
        earlier=np.where(np.isnan(earlier_points), np.nan, before.values[0]),
        points=scores.points[0],
        earlier_points=earlier_points,
        lost=np.nan_to_num(scores.lost[0], nan=0.0),
        scores=scores,
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which metrics a message shows, as columns, the most telling first."""

    costly: list[int]
    strengths: list[int]
    improved: list[int]
    unused: list[int]
    used: list[int]

    @property
    def all(self) -> set[int]:
        """Every column that is shown somewhere."""
        return {*self.costly, *self.strengths, *self.improved, *self.unused, *self.used}


def choose(measured: Measured) -> Chosen:
    """The metrics that cost most, stand best, rose most, and lie unused; at most three of each.

    A strength has 60 points or more, has not fallen, and is not among the costly. An unused one has less than
    60, belongs to usage or engagement, counts a use (no trend, no mood) and is not the costliest, which is
    dealt with first. What is used best are the others that count a use.
    """
    card, points = measured.card, measured.points
    known = [column for column in range(len(card.metrics)) if not np.isnan(points[column])]
    costly = sorted((c for c in known if measured.lost[c] > 0), key=lambda c: -measured.lost[c])[:SHOWN]
    rise = points - measured.earlier_points
    # Nobody is congratulated on what is getting worse; without an earlier value it counts as it stands.
    strengths = [c for c in known if points[c] >= GOOD and c not in costly and not rise[c] <= -LEAST_RISE]
    improved = [c for c in known if rise[c] >= LEAST_RISE]
    use = [c for c in known if _is_use(card, c)]
    unused = [c for c in use if points[c] < GOOD and c not in costly[:1]]
    unused = sorted(unused, key=lambda c: (USE.index(card.metrics[c].category), points[c]))[:SHOWN]
    used = [c for c in use if c not in unused]
    return Chosen(
        costly=costly,
        strengths=sorted(strengths, key=lambda c: (-points[c], -card.metrics[c].weight))[:SHOWN],
        improved=sorted(improved, key=lambda c: -rise[c])[:SHOWN],
        unused=unused,
        used=sorted(used, key=lambda c: (-points[c], -card.metrics[c].weight))[:SHOWN],
    )


def metric_figures(
    session: Session, measured: Measured, customer: str, columns: Iterable[int], zone: str
) -> dict[int, MetricFigure]:
    """The figures of these columns, with their history by days of the time zone."""
    columns = sorted(columns)
    names = [measured.card.metrics[column].name for column in columns]
    histories = _histories(session, measured, customer, names, zone)
    words = _sentences(measured)
    return {column: _figure(measured, column, histories, words) for column in columns}


def advice(
    measured: Measured,
    column: int,
    figure: MetricFigure,
    who: Mapping[Owner, str],
    today: date,
    customer: str,
) -> Advice:
    """What to do about a metric: the scorecard's action, who does it and until when, and what is success.

    "The customer" of the scorecard's sentences becomes the customer's name.
    """
    metric = measured.card.metrics[column]
    return Advice(
        metric=figure.model_copy(update={"low": named(figure.low, customer)}),
        action=named(metric.action, customer),
        owner=who[metric.owner],
        due=today + timedelta(days=metric.due_days),
        success=named(success_words(measured.card, metric.name), customer),
    )


def _sentences(measured: Measured) -> dict[str, str]:
    factors = risk_factors(
        measured.card,
        measured.values,
        measured.points,
        measured.lost,
        measured.earlier,
        top=len(measured.card.metrics),
        previous_days=COMPARED_WITH.days,
    )
    return {factor.metric: factor.words for factor in factors}


def _figure(
    measured: Measured, column: int, histories: Mapping[str, tuple[Point, ...]], words: Mapping[str, str]
) -> MetricFigure:
    card = measured.card
    metric = card.metrics[column]
    now, earlier = float(measured.values[column]), float(measured.earlier[column])
    value = value_words(metric, now, measured.currency)
    before = "" if np.isnan(earlier) else value_words(metric, earlier, measured.currency)
    return MetricFigure(
        name=metric.name,
        title=metric.title,
        category=next(c.title for c in card.categories if c.name == metric.category),
        value=value,
        before=before,
        change=change_words(before, value, rose=now > earlier) if before else "",
        points=float(measured.points[column]),
        lost=float(measured.lost[column]),
        words=words.get(metric.name, f"{metric.title} is {value}"),
        low=metric.low,
        history=histories.get(metric.name, ()),
    )


def _histories(
    session: Session, measured: Measured, customer: str, names: list[str], zone: str
) -> dict[str, tuple[Point, ...]]:
    """By metric, at most 13 values of the last 90 days, evenly spread over time, oldest first."""
    start = measured.at - HISTORY
    query = (
        select(Metric.name, Metric.measured_at, Metric.value)
        .where(col(Metric.customer_id) == customer, col(Metric.name).in_(names))
        .where(col(Metric.measured_at).between(start, measured.at))
        .order_by(col(Metric.measured_at))
    )
    found: dict[str, list[tuple[datetime, float]]] = {}
    for name, at, value in session.exec(query).all():
        if _allowed(measured.card, name, value):
            found.setdefault(name, []).append((at, value))
    return {
        name: tuple(_point(measured, name, at, value, zone) for at, value in _thinned(series, start))
        for name, series in found.items()
    }


def _thinned(series: list[tuple[datetime, float]], start: datetime) -> list[tuple[datetime, float]]:
    """The last value up to each of 13 evenly spaced moments, each value once; the newest is among them."""
    step = HISTORY / (LONGEST_HISTORY - 1)
    kept: dict[datetime, float] = {}
    for number in range(LONGEST_HISTORY):
        upto = [entry for entry in series if entry[0] <= start + step * number]
        if upto:
            kept[upto[-1][0]] = upto[-1][1]
    return sorted(kept.items())


def _point(measured: Measured, name: str, at: datetime, value: float, zone: str) -> Point:
    text = value_words(measured.card.metric(name), value, measured.currency)
    return Point(day=local_day(at, zone), value=value, text=text)


def _allowed(card: Scorecard, name: str, value: float) -> bool:
    metric = card.metric(name)
    if not math.isfinite(value):
        return False
    low = -math.inf if metric.minimum is None else metric.minimum
    high = math.inf if metric.maximum is None else metric.maximum
    return low <= value <= high


def _is_use(card: Scorecard, column: int) -> bool:
    metric = card.metrics[column]
    return metric.category in USE and metric.unit not in NOT_FEATURES
