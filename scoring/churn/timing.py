"""Judging the time to churn: order, curves and intervals, on customers who were not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn import brier
from scoring.churn.columns import take
from scoring.churn.folds import Split
from scoring.churn.mapping import Settings
from scoring.churn.results import Landmark, SurvivalEvaluation, TimeFold
from scoring.churn.survive import Survival, at, c_index, left_by, mean_known, positive, share_left
from scoring.churn.table import Data

_ENOUGH = 50


@dataclass(frozen=True, slots=True)
class TimePart:
    """One fold: its figures, and for each landmark the customers still there then as (whether left, the
    probability told of leaving before they did or were last seen, whether the high end is in the horizon)."""

    fold: TimeFold
    points: tuple[tuple[float, NDArray[np.bool_], FloatArray, NDArray[np.bool_]], ...]
    horizon: float


def judge_time(
    data: Data,
    split: Split,
    number: int,
    found: tuple[Survival, tuple[tuple[str, float], ...]],
    settings: Settings,
) -> TimePart:
    """The figures of one outer fold; rows without a duration are left out."""
    if data.duration is None:
        raise ValueError("without a duration there is no time to judge")
    model, candidates = found
    times = positive(data.duration)
    train, judge = (rows[~np.isnan(data.duration[rows])] for rows in (split.train, split.judge))
    left = data.y == 1
    columns = take(data.time_columns, judge)
    raw = model.raw(columns)
    curves = model.still_there(raw, np.zeros(len(raw)))
    seen = [(times[rows], left[rows]) for rows in (judge, train)]
    score, baseline = _brier(model.grid, curves, seen[0], seen[1])
    fold = TimeFold(
        number=number + 1,
        trained=len(train),
        judged=len(judge),
        c_index=c_index(times[judge], left[judge], model.grid, raw),
        brier=score,
        baseline_brier=baseline,
        chosen=model.kind,
        candidates=candidates,
    )
    marks = _landmarks(times)
    points = tuple(
        (mark, *_told(model, raw, times[judge], left[judge], mark, settings.level)) for mark in marks
    )
    return TimePart(fold, points, float(model.grid[-1]))


def summed(parts: list[TimePart], data: Data, settings: Settings) -> SurvivalEvaluation:
    """Means over folds, and the coverage over all judged customers."""
    c = [part.fold.c_index for part in parts]
    marks = []
    for place in range(len(parts[0].points)):
        joined = [part.points[place] for part in parts]
        marks.append(
            _landmark(
                joined[0][0],
                np.concatenate([left for _, left, _, _ in joined]),
                np.concatenate([told for _, _, told, _ in joined]),
                np.concatenate([inside for _, _, _, inside in joined]),
                settings.level,
            )
        )
    return SurvivalEvaluation(
        folds=tuple(part.fold for part in parts),
        c_index=mean_known(c),
        c_index_spread=float(np.nanstd(c)),
        brier=mean_known([part.fold.brier for part in parts]),
        baseline_brier=mean_known([part.fold.baseline_brier for part in parts]),
        horizon=max(part.horizon for part in parts),
        nominal=settings.level,
        coverage=tuple(marks),
        features=data.table.time_features,
    )


def _landmarks(times: FloatArray) -> tuple[float, ...]:
    quarter, middle = (float(np.floor(np.nanquantile(times, share))) for share in (0.25, 0.5))
    return tuple(sorted({0.0, quarter, middle}))


def _told(
    model: Survival, raw: FloatArray, times: FloatArray, left: NDArray[np.bool_], mark: float, level: float
) -> tuple[NDArray[np.bool_], FloatArray, NDArray[np.bool_]]:
    there = times > mark
    now = np.full(int(there.sum()), mark)
    curves = model.still_there(raw[there], now)
    told = 1 - np.minimum(1.0, at(model.grid, curves, times[there]))
    inside = np.isfinite(left_by(model.grid, curves, now, (1 + level) / 2))
    return left[there], told, inside


def _landmark(
    mark: float, left: NDArray[np.bool_], told: FloatArray, inside: NDArray[np.bool_], level: float
) -> Landmark:
    """If the curves are right, the told probabilities are spread evenly over 0 to 1: a share (1 - level)/2
    lies below (1 - level)/2 (left before the low end), as much above the rest (after the high end). The
    high side can be seen only in customers whose high end is within the horizon, which the model decides
    without knowing the answer."""
    edge = (1 - level) / 2
    before = _up_to(told, left, edge)
    after = float("nan")
    if int(inside.sum()) >= _ENOUGH and left[inside].any():
        after = 1 - _up_to(told[inside], left[inside], 1 - edge)
    closed = float(inside.mean()) if len(inside) else 0.0
    # Nothing is after a high end that nobody has; what cannot be told must not count as held.
    within = 1 - before - (closed * after if closed else 0.0)
    return Landmark(mark, len(told), before, closed, after, within)


def _up_to(told: FloatArray, left: NDArray[np.bool_], edge: float) -> float:
    if not len(told) or not left.any():
        return float("nan")
    x, share = share_left(told, left)
    place = int(np.searchsorted(x, edge, side="right")) - 1
    return float(share[place]) if place >= 0 else 0.0


def _brier(
    grid: FloatArray, curves: FloatArray, judged: brier.Lives, known: brier.Lives
) -> tuple[float, float]:
    """The integrated Brier score, and that of everybody's curve; NaN where it cannot be computed."""
    months = brier.points(judged, known, float(grid[-1]))
    same = brier.everybody(months, known, len(curves))
    ours = brier.losses(months, brier.read_at(months, grid, curves), judged, known)
    return float(ours.mean()), float(brier.losses(months, same, judged, known).mean())
