"""From the scores a story tells to raw metric values: the scorecard, read backwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from keepwell.demo.stories import DAYS, Story
from scoring.arrays import FloatArray
from scoring.normalise import Linear, Table, higher_is_better, points_of
from scoring.scorecard import Metric, Scorecard
from scoring.units import WHOLE_UNITS, Unit

DAILY = ("daily_active_rate", "feature_adoption_depth", "usage_trend_30_days")
MONTHLY = (
    "payment_health",
    "contract_utilization_trend",
    "executive_engagement",
    "referral_generation",
    "case_study_participation",
)
"""All other metrics are measured once a week."""

TREND = "usage_trend_30_days"
ONBOARDING = "onboarding_completion_rate"
"""A step of the set-up that is done stays done: this one never falls."""

_TREND_PER_POINT = 1.2
"""Percent of usage for a percent of the score: usage moves more than the rest."""

_ROUNDS = 40
"""Corrections until the weighted mean is the wanted score; each makes the rest about half."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Values of n metrics for one customer.

    values: (90, n) raw values, oldest day first. measured: (90, n) whether there is a measurement.
    """

    values: FloatArray
    measured: NDArray[np.bool_]


def figures_of(card: Scorecard, story: Story, scores: FloatArray, rng: np.random.Generator) -> Figures:
    """Raw values of every metric whose score on the days measured is the story's.

    scores: (90,) the score wanted on each day. Whole numbers, the usage trend and the onboarding come first,
    since they cannot be chosen freely; the others make up for them.
    """
    metrics = card.metrics
    there = np.array([not story.only or metric.category in story.only for metric in metrics])
    bound = [_is_whole(metric) or metric.name in (TREND, ONBOARDING) for metric in metrics]
    fixed = np.array(bound) & there
    weights = np.where(there, np.array([metric.weight for metric in metrics]), 0.0)
    offset = _offsets(card, story, rng)
    points = np.clip(scores[:, None] + offset, 0.0, 100.0)
    values = np.zeros((DAYS, len(metrics)))
    for column, metric in enumerate(metrics):
        if fixed[column]:
            raw = _trend(scores, rng) if metric.name == TREND else raw_of(metric, points[:, column])
            if metric.name == ONBOARDING:
                # Back from where it stands today: never more than on any later day.
                raw = np.minimum.accumulate(raw[::-1])[::-1]
            values[:, column] = np.round(raw, 0 if _is_whole(metric) else 1)
            points[:, column] = points_of(metric.normalise, values[:, column])
    _balance(points, scores, weights, ~fixed & there)
    for column, metric in enumerate(metrics):
        if not fixed[column]:
            decimals = 2 if metric.unit in (Unit.SENTIMENT, Unit.PER_MONTH) else 1
            values[:, column] = np.round(raw_of(metric, points[:, column]), decimals)
    return Figures(values, _measured(card, story, there))


def raw_of(metric: Metric, points: FloatArray) -> FloatArray:
    """The raw values that give these points (an array of any shape)."""
    rule = metric.normalise
    match rule:
        case Linear() | Table():
            corners = rule.corners if higher_is_better(rule) else rule.corners[::-1]
            raw = np.interp(points, [gained for _, gained in corners], [value for value, _ in corners])
            return np.asarray(raw, dtype=np.float64)
        case _:
            raise ValueError(f"{metric.name}: the demo knows lines and tables only")


def moments(anchor: datetime) -> list[datetime]:
    """The moments of the 90 days, oldest first; the last is `anchor`."""
    return [anchor - timedelta(days=DAYS - 1 - day) for day in range(DAYS)]


def _is_whole(metric: Metric) -> bool:
    return metric.unit in WHOLE_UNITS or metric.unit is Unit.YES_NO


def _offsets(card: Scorecard, story: Story, rng: np.random.Generator) -> FloatArray:
    """How far each metric stands above or below the score: the story's tilt and the customer's own ways."""
    tilt = dict(story.tilt)
    own = rng.normal(0.0, 7.0, len(card.metrics))
    lasting = np.array([tilt.get(metric.category, 0.0) for metric in card.metrics]) + own
    return np.asarray(lasting + rng.normal(0.0, 1.5, (DAYS, len(card.metrics))), dtype=np.float64)


def _trend(scores: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Usage of the last 30 days against the 30 before, in percent, for each day; steady before the first."""
    long = np.concatenate([np.full(60, scores[0]), scores])
    sums = np.concatenate([[0.0], np.cumsum(long)])
    end = np.arange(61, 61 + DAYS)
    last, before = sums[end] - sums[end - 30], sums[end - 30] - sums[end - 60]
    change = (last / before - 1.0) * 100.0 * _TREND_PER_POINT
    return np.asarray(np.clip(change + rng.normal(0.0, 0.7, DAYS), -80.0, 120.0), dtype=np.float64)


def _balance(points: FloatArray, scores: FloatArray, weights: FloatArray, free: NDArray[np.bool_]) -> None:
    """Shift the free metrics of each day, within 0 to 100, until the weighted mean is the score."""
    share = weights / weights.sum()
    room = share[free].sum()
    for _ in range(_ROUNDS):
        missing = scores - points @ share
        points[:, free] = np.clip(points[:, free] + (missing / room)[:, None], 0.0, 100.0)


def _measured(card: Scorecard, story: Story, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    back = np.arange(DAYS - 1, -1, -1)
    every = np.array(
        [1 if name in DAILY else 30 if name in MONTHLY else 7 for name in card.metric_names], dtype=np.int64
    )
    due = back[:, None] % every[None, :] == 0
    return np.asarray(due & there[None, :] & (back <= -story.first_day)[:, None], dtype=np.bool_)
