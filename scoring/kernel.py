"""From raw values to scores: one vectorised computation for one customer and for a million."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import CHUNK_ROWS, BoolArray, FloatArray, LevelArray, judged
from scoring.chunk import Chunk, chunk_for
from scoring.levels import UNKNOWN
from scoring.plan import Plan, plan_of
from scoring.scorecard import Scorecard


@dataclass(frozen=True, slots=True)
class Totals:
    """What is known of n customers by c categories and m metrics, in the scorecard's order; read-only.

    score: (n,) 0 to 100 at full precision, NaN where insufficient.
    coverage: (n,) share of the whole weight that was measured, 0 to 1; defaults are nothing measured.
    category_scores: (n, c) the score within each category, NaN where nothing of it counts.
    level: (n,) severity 0 (THRIVING) to 4 (CRITICAL), -1 where insufficient.
    insufficient: (n,) True where less than the scorecard's coverage minimum, or nothing, was measured.
    rejected: (n,) number of values that are there but not usable: infinite, out of range or too old.
    defaulted: (n, m) True where a default stands in for a value that was never measured.
    """

    score: FloatArray
    coverage: FloatArray
    category_scores: FloatArray
    level: LevelArray
    insufficient: BoolArray
    rejected: NDArray[np.int64]
    defaulted: BoolArray


@dataclass(frozen=True, slots=True)
class Scores(Totals):
    """The same with all of the metrics.

    category_coverage: (n, c) the share of each category's weight that was measured, 0 to 1.
    points: (n, m) 0 to 100 per metric, NaN where missing; the default where one stands in.
    lost: (n, m) how many of the 100 points of the score the metric costs, its weight being its share of
        the weight that counts, so that 100 - score is the sum of a row; NaN where missing or insufficient.
    """

    category_coverage: FloatArray
    points: FloatArray
    lost: FloatArray


def score_many(card: Scorecard, values: ArrayLike, ages_days: ArrayLike | None = None) -> Scores:
    """Scores n customers, with the points and the cost of each metric.

    values: (n, m) raw values in the order of card.metric_names, NaN where missing; quickest to read where
    they lie metric by metric in memory.
    ages_days: (n, m) how old each value is, or None if all are fresh. NaN is an unknown age, which is too
        old for a metric with max_age_days. A negative age (clocks, time zones) is fresh.

    The rule: each metric loses as many of its 100 points as its value falls short; the score is 100 less the
    mean of what is lost, weighted by the metrics that count: those measured, and those never measured that
    have a default. A missing metric thus neither helps nor hurts; the coverage says how much is known.

    A customer's numbers are the same to the last bit alone, in any order and in any partition. Raises
    ValueError if the shapes do not fit the scorecard.
    """
    raw, ages = matrices_of(card, values, ages_days)
    plan, n, m = plan_of(card), len(raw), len(card.metrics)
    scores = Scores(
        **empty_totals(plan, n),
        category_coverage=wide(n, len(plan.whole)),
        points=wide(n, m),
        lost=wide(n, m),
    )
    in_chunks(plan, raw, ages, scores, lambda chunk, rows: _fill_metrics(chunk, scores, rows))
    freeze(scores)
    return scores


def in_chunks(
    plan: Plan,
    raw: FloatArray,
    ages: FloatArray | None,
    out: Totals,
    fill: Callable[[Chunk, slice], None],
    top: int = 0,
) -> None:
    """Measures (n, m) values chunk by chunk and writes their totals; `fill` writes what else is wanted.

    top: how many of the costliest metrics `fill` will ask the chunk for.
    """
    # What is far out of range may overflow, and nothing / nothing is NaN; both are dealt with.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for start in range(0, len(raw), CHUNK_ROWS):
            rows = slice(start, min(start + CHUNK_ROWS, len(raw)))
            chunk = chunk_for(plan, rows.stop - start, top)
            chunk.measure(raw[rows], None if ages is None else ages[rows], out.rejected[rows])
            _fill_totals(chunk, out, rows)
            fill(chunk, rows)


def _fill_totals(chunk: Chunk, out: Totals, rows: slice) -> None:
    """Writes score, coverage, categories, level and defaults of what the chunk has measured."""
    plan, coverage, score = chunk.plan, out.coverage[rows], out.score[rows]
    insufficient = out.insufficient[rows]
    np.divide(chunk.known, plan.total, out=coverage)
    # Rounded for the same reason as borders: half of the weight must count as half.
    np.less(np.round(coverage, 9), plan.coverage_minimum, out=insufficient)
    np.logical_or(insufficient, chunk.known == 0.0, out=insufficient)
    _mean(chunk.cost, chunk.weight, score)
    if insufficient.any():
        np.copyto(score, np.nan, where=insufficient)
    for category in range(len(plan.whole)):
        mean = out.category_scores[rows, category]
        _mean(chunk.costs[category], chunk.counted[category], mean)
        nothing = chunk.counted[category] == 0.0
        if nothing.any():
            np.copyto(mean, np.nan, where=nothing)
    if chunk.stood_in is not None:
        np.copyto(out.defaulted[rows], chunk.stood_in.T)
    _fill_levels(plan, out, rows)


def _mean(cost: FloatArray, weight: FloatArray, out: FloatArray) -> None:
    """100 - cost / weight, within 0 to 100 in spite of rounding; NaN where there is no weight."""
    np.divide(cost, weight, out=out)
    np.subtract(100.0, out, out=out)
    out.clip(0.0, 100.0, out=out)


def _fill_levels(plan: Plan, out: Totals, rows: slice) -> None:
    seen, band = judged(out.score[rows]), np.zeros(len(out.score[rows]), dtype=np.int8)
    for lower in plan.lowers[:-1]:
        np.add(band, (seen < lower).view(np.int8), out=band)
    np.take(plan.severities, band, out=out.level[rows], mode="wrap")
    np.copyto(out.level[rows], UNKNOWN, where=out.insufficient[rows])


def _fill_metrics(chunk: Chunk, out: Scores, rows: slice) -> None:
    """Writes points and cost of each metric, and how much of each category is known."""
    for category, whole in enumerate(chunk.plan.whole):
        np.divide(chunk.measured[category], whole, out=out.category_coverage[rows, category])
    divisor = np.where(out.insufficient[rows], np.nan, chunk.weight)
    for position, metric in enumerate(chunk.plan.metrics):
        lost = np.where(chunk.columns.usable[position], chunk.columns.lost[position], np.nan)
        if chunk.stood_in is not None and metric.stand_in is not None:
            lost[chunk.stood_in[position]] = metric.stand_in
        out.points[rows, position] = 100.0 - lost
        # Adding 0.0 turns a -0.0 into 0.0.
        out.lost[rows, position] = lost * metric.weight / divisor + 0.0


class TotalsArrays(TypedDict):
    """The fields of `Totals`."""

    score: FloatArray
    coverage: FloatArray
    category_scores: FloatArray
    level: LevelArray
    insufficient: BoolArray
    rejected: NDArray[np.int64]
    defaulted: BoolArray


def empty_totals(plan: Plan, n: int) -> TotalsArrays:
    """Arrays for `Totals`, to be filled."""
    return {
        "score": np.empty(n),
        "coverage": np.empty(n),
        "category_scores": wide(n, len(plan.whole)),
        "level": np.empty(n, dtype=np.int8),
        "insufficient": np.empty(n, dtype=np.bool_),
        "rejected": np.zeros(n, dtype=np.int64),
        "defaulted": np.zeros((len(plan.metrics), n), dtype=np.bool_).T,
    }


def wide(n: int, columns: int) -> FloatArray:
    """An empty (n, columns) array that lies column by column in memory, as it is written that way."""
    return np.empty((columns, n)).T


def freeze(result: object) -> None:
    """Makes a dataclass's arrays read-only."""
    for field in fields(result):  # type: ignore[arg-type]  # callers pass dataclasses only
        array = getattr(result, field.name)
        if isinstance(array, np.ndarray):
            array.setflags(write=False)


def matrices_of(
    card: Scorecard, values: ArrayLike, ages_days: ArrayLike | None
) -> tuple[FloatArray, FloatArray | None]:
    """Values and ages as (n, m) floats; ValueError if they do not fit the scorecard or each other."""
    raw = _matrix(card, values, "values")
    if ages_days is None:
        return raw, None
    ages = _matrix(card, ages_days, "ages_days")
    if ages.shape != raw.shape:
        raise ValueError(f"ages_days has the shape {ages.shape}, values {raw.shape}; they must be the same")
    return raw, ages


def _matrix(card: Scorecard, values: ArrayLike, name: str) -> FloatArray:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] != len(card.metrics):
        raise ValueError(
            f"{name} has the shape {matrix.shape}; scorecard {card.name} needs "
            f"(customers, {len(card.metrics)}), one column per metric"
        )
    return matrix
