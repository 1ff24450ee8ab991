"""Time to churn: survival curves, recalibrated so that their intervals hold what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sksurv.nonparametric import kaplan_meier_estimator

from scoring.arrays import FloatArray
from scoring.churn.columns import Columns, take
from scoring.churn.concordance import concordance
from scoring.churn.encode import Encoder, learn
from scoring.churn.folds import Split
from scoring.churn.hazard import Boosted, Cox, boosted, cox
from scoring.churn.mapping import Settings
from scoring.churn.results import Time

KINDS = ("cox", "boosted", "average")
_POINTS = 120
_MARKS = (0.15, 0.3, 0.45, 0.6, 0.75)
"""Quantiles of the durations at which the recalibration is learnt anew."""
_MAP = 31
_AT_RISK = 30
_ENOUGH = 100
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Survival:
    """`kind` names what is used: Cox, boosted, or the mean of their cumulative hazards.

    For each of `marks` (months stayed, the first is 0) a row of `told` and `true` maps the probability of
    having left by some time, given that a customer had stayed so long, to the share that really had among
    rows unseen. Who has stayed long despite a high risk is steadier than a curve from the first day says.
    """

    encoder: Encoder
    kind: str
    cox: Cox | None
    boosted: Boosted | None
    grid: FloatArray
    marks: FloatArray
    told: FloatArray
    true: FloatArray
    level: float

    def raw(self, columns: Columns) -> FloatArray:
        """(rows, grid) survival curves before recalibration."""
        matrix = self.encoder.matrix(columns)
        parts = [model.hazards(matrix, self.grid) for model in (self.cox, self.boosted) if model is not None]
        found: FloatArray = np.exp(-np.mean(parts, axis=0))
        return found

    def still_there(self, raw: FloatArray, now: FloatArray) -> FloatArray:
        """(rows, grid) the probability of being there after so many months, given that of `now`; 1 before."""
        left = 1 - np.minimum(1.0, raw / np.maximum(at(self.grid, raw, now), _TINY)[:, None])
        place = np.maximum(np.searchsorted(self.marks, now, side="right") - 1, 0)
        out = np.empty_like(raw)
        for mark in np.unique(place):
            rows = place == mark
            out[rows] = 1 - np.interp(left[rows], self.told[mark], self.true[mark])
        return out

    def times(self, columns: Columns, stayed: FloatArray) -> tuple[Time, ...]:
        """Months from now, for customers who have stayed so many months (NaN: unknown, taken as 0)."""
        now = np.nan_to_num(stayed, nan=0.0)
        curves = self.still_there(self.raw(columns), now)
        edge = (1 - self.level) / 2
        months, low, high = (
            [_or_none(found) for found in left_by(self.grid, curves, now, share)]
            for share in (0.5, edge, 1 - edge)
        )
        ends = np.maximum(0.0, self.grid[-1] - now)
        return tuple(Time(months[row], low[row], high[row], float(ends[row])) for row in range(len(now)))


def left_by(grid: FloatArray, curves: FloatArray, now: FloatArray, share: float) -> FloatArray:
    """Months from now until a customer has left with probability `share`; infinite where the curve (given
    that the customer is there now) does not come so low within the grid."""
    below = (curves <= 1 - share + 1e-12) & (grid > now[:, None])
    out = np.full(len(now), np.inf)
    for row in np.flatnonzero(below.any(axis=1)):
        index = int(below[row].argmax())
        start, high = float(now[row]), 1.0
        if index and grid[index - 1] > start:
            start, high = float(grid[index - 1]), float(curves[row, index - 1])
        low, end = float(curves[row, index]), float(grid[index])
        part = 1.0 if high - low < _TINY else (high - 1 + share) / (high - low)
        out[row] = start + min(1.0, max(0.0, part)) * (end - start) - now[row]
    return out


def at(grid: FloatArray, curves: FloatArray, times: FloatArray) -> FloatArray:
    """Each row's curve at its own time, straight between grid points, 1 at 0."""
    x = np.concatenate([[0.0], grid])
    return np.array(
        [np.interp(times[row], x, np.concatenate([[1.0], curves[row]])) for row in range(len(times))]
    )


def fit(
    columns: Columns,
    duration: FloatArray,
    y: NDArray[np.int64],
    inner: tuple[Split, ...],
    settings: Settings,
) -> tuple[Survival, tuple[tuple[str, float], ...]]:
    """Choose by the C-index of rows unseen in inner folds, learn the recalibration from the same rows, then
    learn from all. Returns the model and the C-index of each kind, the best first."""
    times, left = positive(duration), y == 1
    grid = _grid(times, left, settings.horizon)
    curves, judged = _unseen(columns, times, left, inner, grid, settings)
    found = {
        kind: mean_known([c_index(times[rows], left[rows], grid, found[rows]) for rows in judged])
        for kind, found in curves.items()
    }
    # Equal figures: the earlier name, which is the simpler model.
    order = sorted(KINDS, key=lambda kind: -np.nan_to_num(found[kind], nan=0.5))
    kind = order[0]
    rows = np.concatenate(judged)
    marks, told, true = _recalibrations(grid, curves[kind][rows], times[rows], left[rows])
    encoder = learn(columns)
    matrix = encoder.matrix(columns)
    model = Survival(
        encoder,
        kind,
        None if kind == "boosted" else cox(matrix, times, left),
        None if kind == "cox" else boosted(matrix, times, left, _rounds(settings), settings.seed),
        grid,
        marks,
        told,
        true,
        settings.level,
    )
    return model, tuple((name, found[name]) for name in order)


def positive(duration: FloatArray) -> FloatArray:
    """Durations above 0: a 0 becomes half the smallest step there is (a model of time needs time). Those
    unknown (NaN) stay so. At least one must be above 0."""
    above = np.unique(duration[duration > 0])
    step = min(float(above[0]), float(np.diff(above).min()) if len(above) > 1 else float(above[0]))
    return np.where(duration == 0, step / 2, duration)


def c_index(times: FloatArray, left: NDArray[np.bool_], grid: FloatArray, curves: FloatArray) -> float:
    """The concordance of curves, by the mean time within the grid."""
    widths = np.diff(np.concatenate([[0.0], grid]))
    return concordance(left, times, -(curves @ widths))


def mean_known(values: Sequence[float]) -> float:
    """The mean of the figures that could be computed; NaN where none could."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def share_left(values: FloatArray, left: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Kaplan and Meier's estimate (1958) of the share with an event up to each value; censored rows count
    as long as they are seen."""
    order = np.argsort(values, kind="stable")
    x, survival = kaplan_meier_estimator(left[order], np.clip(values[order], 0.0, 1.0))
    return x.astype(float), 1 - survival.astype(float)


def _unseen(
    columns: Columns,
    times: FloatArray,
    left: NDArray[np.bool_],
    inner: tuple[Split, ...],
    grid: FloatArray,
    settings: Settings,
) -> tuple[dict[str, FloatArray], list[NDArray[np.int64]]]:
    curves = {kind: np.ones((len(times), len(grid))) for kind in KINDS}
    for split in inner:
        known = take(columns, split.train)
        encoder = learn(known)
        train, judge = encoder.matrix(known), encoder.matrix(take(columns, split.judge))
        one = cox(train, times[split.train], left[split.train]).hazards(judge, grid)
        other = boosted(train, times[split.train], left[split.train], _rounds(settings), settings.seed)
        two = other.hazards(judge, grid)
        for kind, hazards in zip(KINDS, (one, two, (one + two) / 2), strict=True):
            curves[kind][split.judge] = np.exp(-hazards)
    return curves, [split.judge for split in inner]


def _grid(times: FloatArray, left: NDArray[np.bool_], horizon: float | None) -> FloatArray:
    end = float(times.max()) if horizon is None else min(horizon, float(times.max()))
    points = np.unique(np.concatenate([times[left & (times <= end)], [end]]))
    if len(points) > _POINTS:
        points = np.unique(np.quantile(points, np.linspace(0, 1, _POINTS)))
    return points.astype(float)


def _recalibrations(
    grid: FloatArray, curves: FloatArray, times: FloatArray, left: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    marks, told, true = [], [], []
    for mark in sorted({0.0, *(float(found) for found in np.quantile(times, _MARKS))}):
        there = times > mark
        # Too few who left after it: the map of the mark before serves on.
        if mark and int(left[there].sum()) < _ENOUGH:
            break
        kept, now = curves[there], np.full(int(there.sum()), mark)
        chance = 1 - np.minimum(1.0, at(grid, kept, times[there]) / np.maximum(at(grid, kept, now), _TINY))
        x, y = _recalibration(chance, left[there])
        marks.append(mark)
        told.append(x)
        true.append(y)
    return np.array(marks), np.array(told), np.array(true)


def _recalibration(told: FloatArray, left: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """The map as the same number of points for every mark; straight on to (1, 1) beyond the last event,
    where nothing is known."""
    x, share = share_left(told, left)
    # Where hardly anybody is left to be seen, the estimate jumps about.
    last = float(np.sort(told)[-min(_AT_RISK, len(told))])
    seen = np.minimum(np.quantile(told[left], np.linspace(0, 1, _MAP)), last)
    points = np.concatenate([[0.0], np.minimum(seen, 1.0), [1.0]])
    true = np.concatenate([[0.0], np.interp(seen, x, share), [1.0]])
    return points, np.minimum(np.maximum.accumulate(true), 1.0)


def _rounds(settings: Settings) -> int:
    # Several rows per customer: it learns faster than the classifier.
    return max(1, settings.rounds * 3 // 5)


def _or_none(months: float) -> float | None:
    return float(months) if np.isfinite(months) else None
