"""From raw values to scores: one vectorised computation for one customer and for a million."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import FloatArray, LevelArray, judged
from scoring.levels import UNKNOWN
from scoring.normalise import points_of, span
from scoring.scorecard import Metric, Scorecard

_CHUNK_ROWS = 16_384
"""Rows computed at once: the temporary columns stay in the processor's cache, whatever n is."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of n customers by m metrics in c categories (in the scorecard's order); read-only arrays.

    score: (n,) 0 to 100 at full precision, NaN where insufficient.
    coverage: (n,) share of the whole weight that was measured, 0 to 1.
    category_scores, category_coverage: (n, c) the same within each category; NaN where none was measured.
    points: (n, m) 0 to 100 per metric, NaN where missing.
    lost: (n, m) how many of the 100 points of the score the metric costs, its weight being its share of
        the measured weight, so that 100 - score is the sum of a row; NaN where missing or insufficient.
    level: (n,) severity 0 (THRIVING) to 4 (CRITICAL), -1 where insufficient.
    band: (n,) position in the scorecard's bands, -1 where insufficient.
    insufficient: (n,) True where less than the scorecard's coverage minimum, or nothing, was measured.
    rejected: (n,) number of values that are there but not usable: infinite, out of range or too old.
    """

    score: FloatArray
    coverage: FloatArray
    category_scores: FloatArray
    category_coverage: FloatArray
    points: FloatArray
    lost: FloatArray
    level: LevelArray
    band: LevelArray
    insufficient: NDArray[np.bool_]
    rejected: NDArray[np.int64]


def score_many(card: Scorecard, values: ArrayLike, ages_days: ArrayLike | None = None) -> Scores:
    """Scores n customers.

    values: (n, m) raw values in the order of card.metric_names, NaN where missing.
    ages_days: (n, m) how old each value is, or None if all are fresh. NaN is an unknown age, which is too
        old for a metric with max_age_days. A negative age (clocks, time zones) is fresh.

    The rule: a score is the sum of points x weight over the measured metrics, divided by the sum of their
    weights. A missing metric thus neither helps nor hurts; the coverage says how much is known.

    A customer's numbers are the same to the last bit alone, in any order and in any partition: the sums
    run metric by metric, elementwise, never along the customers and never through BLAS.
    Raises ValueError if the shapes do not fit the scorecard.
    """
    raw = _matrix(card, values, "values")
    ages = None if ages_days is None else _matrix(card, ages_days, "ages_days")
    if ages is not None and ages.shape != raw.shape:
        raise ValueError(f"ages_days has the shape {ages.shape}, values {raw.shape}; they must be the same")
    scores = _empty(len(raw), len(card.metrics), len(card.categories))
    for start in range(0, len(raw), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        _score_chunk(card, raw[rows], None if ages is None else ages[rows], scores, rows)
    for field in fields(scores):
        getattr(scores, field.name).setflags(write=False)
    return scores


def _score_chunk(card: Scorecard, raw: FloatArray, ages: FloatArray | None, out: Scores, rows: slice) -> None:
    """Fills the rows of `out`."""
    size = len(raw)
    earned, measured = np.zeros(size), np.zeros(size)
    in_category = {name: (np.zeros(size), np.zeros(size)) for name in card.category_names}
    for column, metric in enumerate(card.metrics):
        value = np.ascontiguousarray(raw[:, column])
        usable = _usable(metric, value, None if ages is None else ages[:, column])
        out.rejected[rows] += ~usable & ~np.isnan(value)
        points = points_of(metric.normalise, np.where(usable, value, span(metric.normalise)[0]))
        out.points[rows, column] = np.where(usable, points, np.nan)
        gain = np.where(usable, points * metric.weight, 0.0)
        weight = np.where(usable, metric.weight, 0.0)
        earned += gain
        measured += weight
        category_earned, category_measured = in_category[metric.category]
        category_earned += gain
        category_measured += weight
    for column, name in enumerate(card.category_names):
        whole = _whole_weight(metric for metric in card.metrics if metric.category == name)
        out.category_scores[rows, column] = _mean(*in_category[name])
        out.category_coverage[rows, column] = in_category[name][1] / whole
    coverage = measured / _whole_weight(card.metrics)
    # Rounded for the same reason as borders: half of the weight must count as half.
    insufficient = (measured == 0) | (np.round(coverage, 9) < card.coverage_minimum)
    score = np.where(insufficient, np.nan, _mean(earned, measured))
    out.score[rows], out.coverage[rows], out.insufficient[rows] = score, coverage, insufficient
    out.band[rows], out.level[rows] = _bands(card, score, insufficient)
    divisor = np.where(insufficient, np.nan, measured)
    for column, metric in enumerate(card.metrics):
        out.lost[rows, column] = (100.0 - out.points[rows, column]) * metric.weight / divisor


def _usable(metric: Metric, value: FloatArray, age: FloatArray | None) -> NDArray[np.bool_]:
    usable: NDArray[np.bool_] = np.isfinite(value)
    if metric.minimum is not None:
        usable &= value >= metric.minimum
    if metric.maximum is not None:
        usable &= value <= metric.maximum
    if age is not None and metric.max_age_days is not None:
        usable &= age <= metric.max_age_days
    return usable


def _mean(earned: FloatArray, measured: FloatArray) -> FloatArray:
    """earned / measured, within 0 to 100 in spite of rounding; NaN where nothing was measured."""
    known = measured > 0
    return np.where(known, np.clip(earned / np.where(known, measured, 1.0), 0.0, 100.0), np.nan)


def _bands(
    card: Scorecard, score: FloatArray, insufficient: NDArray[np.bool_]
) -> tuple[LevelArray, LevelArray]:
    seen = judged(np.where(insufficient, 0.0, score))
    band = np.full(score.shape, len(card.bands) - 1, dtype=np.int8)
    for index in reversed(range(len(card.bands))):
        band[seen >= card.bands[index].lower] = index
    severities = np.array([band.level.severity for band in card.bands], dtype=np.int8)
    level = severities[band]
    band[insufficient] = UNKNOWN
    level[insufficient] = UNKNOWN
    return band, level


def _whole_weight(metrics: Iterable[Metric]) -> float:
    """The sum of the weights in the kernel's own order, so that a full coverage is exactly 1."""
    whole = 0.0
    for metric in metrics:
        whole += metric.weight
    return whole


def _matrix(card: Scorecard, values: ArrayLike, name: str) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != len(card.metrics):
        raise ValueError(
            f"{name} has the shape {matrix.shape}; scorecard {card.name} needs "
            f"(customers, {len(card.metrics)}), one column per metric"
        )
    return matrix


def _empty(n: int, metrics: int, categories: int) -> Scores:
    # The wide arrays lie metric by metric in memory, as they are written that way.
    return Scores(
        score=np.empty(n),
        coverage=np.empty(n),
        category_scores=np.empty((categories, n)).T,
        category_coverage=np.empty((categories, n)).T,
        points=np.empty((metrics, n)).T,
        lost=np.empty((metrics, n)).T,
        level=np.empty(n, dtype=np.int8),
        band=np.empty(n, dtype=np.int8),
        insufficient=np.empty(n, dtype=np.bool_),
        rejected=np.zeros(n, dtype=np.int64),
    )
