"""A customer's metrics as figures for templates: values, changes, what they cost, what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlmodel import Session, col, select

from keepwell.contracts.rendering import Advice, MetricFigure
from keepwell.contracts.shown import Point
from keepwell.db.repositories.scores_read import latest_at
from keepwell.db.repositories.wording import change_words, named, value_words
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Metric
from scoring.arrays import FloatArray
from scoring.factors import risk_factors, success_words
from scoring.kernel import score_many
from scoring.scorecard import Owner, Scorecard

COMPARED_WITH = timedelta(days=30)
HISTORY = timedelta(days=90)
LONGEST_HISTORY = 13
SHOWN = 3
GOOD = 60.0
"""Points from which a metric stands well, and below which something lies unused: the border of HEALTHY in
the default scorecard."""
LEAST_RISE = 1.0
"""Points over 30 days below which a rise is not worth a line."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A customer's metrics at a moment and 30 days before, all (m,) in the scorecard's order.

    values, earlier: raw values; NaN in the matching points where missing or unusable. ages: days between a
    value and the moment. lost: how many of the 100 points a metric costs, 0 where unknown. coverage: the
    share of the weight that was measured.
    """

    card: Scorecard
    currency: str
    at: datetime
    values: FloatArray
    ages: FloatArray
    earlier: FloatArray
    points: FloatArray
    earlier_points: FloatArray
    lost: FloatArray
    coverage: float


def measured_at(session: Session, card: Scorecard, customer: str, at: datetime, currency: str) -> Measured:
    """The customer's metrics as they were known at a moment."""
    now, before = latest_at(session, customer, card.metric_names, (at, at - COMPARED_WITH))
    values, ages = np.vstack((now.values, before.values)), np.vstack((now.ages, before.ages))
    scores = score_many(card, values, ages)
    # Points that a scorecard's default gives are no figures of the customer's.
    points = np.where(scores.defaulted, np.nan, scores.points)
    earlier_points = points[1]
    return Measured(
        card=card,
        currency=currency,
        at=at,
        values=now.values[0],
        ages=now.ages[0],
        earlier=np.where(np.isnan(earlier_points), np.nan, before.values[0]),
        points=points[0],
        earlier_points=earlier_points,
        lost=np.nan_to_num(np.where(scores.defaulted, 0.0, scores.lost)[0], nan=0.0),
        coverage=float(scores.coverage[0]),
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which metrics a message to staff shows, as columns, the most telling first."""

    costly: list[int]
    strengths: list[int]
    improved: list[int]

    @property
    def all(self) -> set[int]:
        """Every column that is shown somewhere."""
        return {*self.costly, *self.strengths, *self.improved}


def known_columns(measured: Measured) -> list[int]:
    """The columns with a usable value."""
    return [int(column) for column in np.flatnonzero(~np.isnan(measured.points))]


def choose(measured: Measured) -> Chosen:
    """Of all metrics those that cost most, stand best and rose most; a strength is not among the costly."""
    known = known_columns(measured)
    costly = costliest(measured, known)
    return Chosen(
        costly=costly,
        strengths=strongest(measured, [column for column in known if column not in costly]),
        improved=most_improved(measured, known),
    )


def costliest(measured: Measured, columns: Iterable[int]) -> list[int]:
    """Of these columns the three at most that cost the score most."""
    costly = (column for column in columns if measured.lost[column] > 0)
    return sorted(costly, key=lambda column: -measured.lost[column])[:SHOWN]


def strongest(measured: Measured, columns: Iterable[int]) -> list[int]:
    """Of these columns the three at most that stand best: 60 points or more, and not falling."""
    points, rise = measured.points, measured.points - measured.earlier_points
    # Nobody is congratulated on what is getting worse; without an earlier value it counts as it stands.
    good = (c for c in columns if points[c] >= GOOD and not rise[c] <= -LEAST_RISE)
    return sorted(good, key=lambda c: (-points[c], -measured.card.metrics[c].weight))[:SHOWN]


def most_improved(measured: Measured, columns: Iterable[int]) -> list[int]:
    """Of these columns the three at most that rose most over 30 days."""
    rise = measured.points - measured.earlier_points
    return sorted((c for c in columns if rise[c] >= LEAST_RISE), key=lambda c: -rise[c])[:SHOWN]


def metric_figures(
    session: Session,
    measured: Measured,
    customer: str,
    columns: Iterable[int],
    zone: str,
    *,
    history: bool,
) -> dict[int, MetricFigure]:
    """The figures of these columns, with their history by days of the time zone where it is asked for."""
    columns = sorted(columns)
    names = [measured.card.metrics[column].name for column in columns]
    histories = _histories(session, measured, customer, names, zone) if history else {}
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
