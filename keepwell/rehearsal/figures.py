"""Figures that give a wanted score: the customer's own, moved up or down evenly, so that it stays itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import insert_if_absent, organisation_of, table
from keepwell.db.repositories.scorecards import scorecard_in_force
from keepwell.db.repositories.scores_read import latest_values
from scoring.arrays import FloatArray
from scoring.kernel import Scores, score_many
from scoring.normalise import Steps, higher_is_better, raw_for
from scoring.scorecard import Metric, Scorecard
from scoring.units import WHOLE_UNITS, Unit

_HALVINGS = 40
"""Each halves what is left of the way to the wanted score: 40 leave less than a billionth of a point."""
_ENOUGH = 0.05
"""Points from the wanted score that nobody sees."""


def move_to(store: Store, organisation: str, customer: str, points: float, now: datetime) -> None:
    """Write figures of this moment that make the customer's score `points`, as near as its metrics allow.

    A customer of whom too little is known gets figures for all metrics.
    """
    with store.write() as session:
        _, card = scorecard_in_force(session, organisation_of(session, organisation), None, now)
        who = select(table("customer").c.id).where(table("customer").c.id == customer)
        latest = latest_values(session, who, card.metric_names, now)
        before = score_many(card, latest.values, latest.ages)
        values = values_for(card, before, points)
        for metric, value in zip(card.metrics, values.tolist(), strict=True):
            if not np.isnan(value):
                _measure(session, customer, metric.name, value, now)


def values_for(card: Scorecard, before: Scores, points: float) -> FloatArray:
    """Raw values (m,) that score `points`; NaN where the customer has none and enough without.

    `before` is the score of this one customer now: every metric's points are moved by the same amount,
    within 0 to 100, first all of them, then those that are no whole numbers to come exactly there.
    """
    own = before.points[0]
    start = np.full(own.shape, points) if bool(before.insufficient[0]) else own
    shift = _shift(card, points, lambda by: _values(card, start + by))
    coarse = _values(card, start + shift)
    if abs(_score(card, coarse) - points) <= _ENOUGH:
        return coarse
    whole = np.array([_is_whole(metric) for metric in card.metrics])
    free = _shift(card, points, lambda by: np.where(whole, coarse, _values(card, start + by)))
    return np.where(whole, coarse, _values(card, start + free))


def _shift(card: Scorecard, points: float, values: Callable[[float], FloatArray]) -> float:
    """By how much to move, found by halving: more points of a metric never make the score smaller."""
    low, high = -100.0, 100.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _score(card, values(middle)) < points:
            low = middle
        else:
            high = middle
    return high


def _score(card: Scorecard, values: FloatArray) -> float:
    return float(score_many(card, values[None, :]).score[0])


def _values(card: Scorecard, points: FloatArray) -> FloatArray:
    wanted = np.clip(points, 0.0, 100.0).tolist()
    return np.array(
        [
            float("nan") if np.isnan(gained) else _raw(metric, gained)
            for metric, gained in zip(card.metrics, wanted, strict=True)
        ]
    )


def _raw(metric: Metric, points: float) -> float:
    """A raw value as it could have been measured: whole where the unit is, within what is allowed."""
    rule = metric.normalise
    if isinstance(rule, Steps) and points < min(gained for _, gained in rule.points):
        worst = rule.towards_better()[0][0]
        raw = worst - 1 if rule.better == "higher" else worst + 1
    else:
        raw = raw_for(rule, points)
    if metric.unit is Unit.YES_NO:
        raw = float(raw >= 0.5)
    elif metric.unit in WHOLE_UNITS:
        raw = float(np.ceil(raw) if higher_is_better(rule) else np.floor(raw))
    else:
        raw = round(raw, 4)
    low = -np.inf if metric.minimum is None else metric.minimum
    high = np.inf if metric.maximum is None else metric.maximum
    return float(np.clip(raw, low, high))


def _is_whole(metric: Metric) -> bool:
    return metric.unit in WHOLE_UNITS or metric.unit is Unit.YES_NO or isinstance(metric.normalise, Steps)


def _measure(session: Session, customer: str, name: str, value: float, now: datetime) -> None:
    insert_if_absent(
        session,
        "metric",
        {
            "customer_id": customer,
            "name": name,
            "measured_at": now,
            "value": value,
            "received_at": now,
        },
    )
