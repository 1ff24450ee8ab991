"""Which metrics cost a customer most, which fell, and what value would be good."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from scoring.arrays import FloatArray
from scoring.normalise import higher_is_better, points_of, raw_for
from scoring.ranking import costliest
from scoring.scorecard import Metric, Owner, Scorecard
from scoring.units import WHOLE_UNITS, Unit, format_value

GOOD_POINTS = 80.0
"""The points of a value that is called success: where the best band of the default scorecard begins."""

_WITHOUT_SHARE = frozenset({Unit.PERCENT_CHANGE, Unit.SENTIMENT, Unit.RATING, Unit.YES_NO})
"""Units of which half as much says nothing: a change in percent would mislead."""
_GREATEST_SHARE = 1000.0
"""Percent from which a change says more about how small the earlier value was."""


class RiskFactor(BaseModel):
    """One metric that costs points: how many, from which raw value, and whether it fell.

    `previous` is the usable raw value of the comparison day, `fell` says that it gave more points, and
    `previous_points` how many. `change_percent` is the change of the raw value in percent of the earlier one;
    None where there is no earlier value, where that is 0, or where a share of the unit says nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    metric: str
    category: str
    title: str
    unit: Unit
    value: float
    previous: float | None
    change_percent: float | None = None
    points: float
    previous_points: float | None = None
    lost: float
    fell: bool
    low: str
    owner: Owner
    words: str


def risk_factors(
    card: Scorecard,
    values_row: Sequence[float] | FloatArray,
    points_row: Sequence[float] | FloatArray,
    lost_row: Sequence[float] | FloatArray,
    previous_values_row: Sequence[float] | FloatArray | None = None,
    *,
    top: int = 3,
    previous_days: int = 30,
) -> tuple[RiskFactor, ...]:
    """The metrics that cost one customer most, the costliest first, at most `top`.

    The rows are that customer's of score_many, in the order of card.metric_names; `previous_values_row`
    has the raw values of `previous_days` days ago, NaN where unknown. Empty if nothing costs points or the
    data is insufficient; a metric that counts with a default has no value and is no risk factor. Raises
    ValueError if a row's length does not fit.
    """
    rows = [values_row, points_row, lost_row, *([] if previous_values_row is None else [previous_values_row])]
    if top < 1:
        raise ValueError(f"top must be at least 1, not {top}")
    if any(len(row) != len(card.metrics) for row in rows):
        lengths = ", ".join(str(len(row)) for row in rows)
        raise ValueError(f"the rows have {lengths} values; scorecard {card.name} needs {len(card.metrics)}")
    lost = np.asarray(lost_row, dtype=np.float64)
    factors = []
    for index in costliest(np.where(np.isfinite(values_row) & (lost > 0), lost, 0.0))[:top]:
        previous = None if previous_values_row is None else float(previous_values_row[index])
        measured = _Measured(
            float(values_row[index]), previous, float(points_row[index]), float(lost_row[index])
        )
        factors.append(_factor(card.metrics[index], measured, previous_days))
    return tuple(factors)


def target_value(card: Scorecard, metric: str, points: float = GOOD_POINTS) -> float:
    """The least demanding raw value of a metric that gives `points` (0 to 100), by inverse normalisation.

    Units without halves are rounded to a whole number on the good side. If no value gives so many points,
    the best value. Raises KeyError for an unknown metric, ValueError for points outside 0 to 100.
    """
    if not 0 <= points <= 100:
        raise ValueError(f"points are 0 to 100, not {points}")
    found = card.metric(metric)
    raw = raw_for(found.normalise, points)
    if found.unit not in WHOLE_UNITS:
        return raw
    # Rounded first: 3.0000000000000004 means 3 and must not become 4.
    near = round(raw, 9)
    return float(math.ceil(near) if higher_is_better(found.normalise) else math.floor(near))


def success_words(card: Scorecard, metric: str, points: float = GOOD_POINTS) -> str:
    """The metric's sentence of what success looks like, with the value to reach put in."""
    return _with_target(card, card.metric(metric), card.metric(metric).success, points)


def goal_words(card: Scorecard, metric: str, points: float = GOOD_POINTS) -> str:
    """The same in the sentence for the customer; "" where the scorecard has none."""
    told = card.metric(metric).customer
    return (
        ""
        if told is None or told.goal is None
        else _with_target(card, card.metric(metric), told.goal, points)
    )


def _with_target(card: Scorecard, metric: Metric, sentence: str, points: float) -> str:
    target = format_value(target_value(card, metric.name, points), metric.unit)
    return sentence.replace("{target}", target)


class _Measured(NamedTuple):
    value: float
    previous: float | None
    points: float
    lost: float


def _factor(metric: Metric, measured: _Measured, days: int) -> RiskFactor:
    value, previous, points, lost = measured
    if previous is not None and not _allowed(metric, previous):
        previous = None
    previous_points = None if previous is None else _points(metric, previous)
    return RiskFactor(
        metric=metric.name,
        category=metric.category,
        title=metric.title,
        unit=metric.unit,
        value=value,
        previous=previous,
        change_percent=_change_percent(metric.unit, value, previous),
        points=points,
        previous_points=previous_points,
        lost=lost,
        fell=previous_points is not None and previous_points > points,
        low=metric.low,
        owner=metric.owner,
        words=_words(metric, value, previous, lost, days),
    )


def _change_percent(unit: Unit, value: float, previous: float | None) -> float | None:
    if previous is None or previous == 0 or unit in _WITHOUT_SHARE:
        return None
    change = (value - previous) / abs(previous) * 100
    return change if math.isfinite(change) else None


def _words(metric: Metric, value: float, previous: float | None, lost: float, days: int) -> str:
    """As in "Active rate fell 61 % in 30 days, from 31 % to 12 %, and costs 38.0 points"."""
    cost = f"{lost:.1f}" if lost >= 0.05 else "less than 0.1"
    costs = f"costs {cost} {'point' if cost == '1.0' else 'points'}"
    now = format_value(value, metric.unit)
    then = None if previous is None else format_value(previous, metric.unit)
    # A change too small to be seen in the rounded numbers is not worth words.
    if then is None or then == now:
        return f"{metric.title} is {now} and {costs}"
    change = _change_percent(metric.unit, value, previous)
    if change is None or not 0.5 < abs(change) < _GREATEST_SHARE:
        return f"{metric.title} is {now} ({days} days ago it was {then}) and {costs}"
    verb = "fell" if change < 0 else "rose"
    return f"{metric.title} {verb} {abs(change):.0f} % in {days} days, from {then} to {now}, and {costs}"


def _allowed(metric: Metric, value: float) -> bool:
    least = -math.inf if metric.minimum is None else metric.minimum
    greatest = math.inf if metric.maximum is None else metric.maximum
    return math.isfinite(value) and least <= value <= greatest


def _points(metric: Metric, value: float) -> float:
    return float(points_of(metric.normalise, np.array([value]))[0])
