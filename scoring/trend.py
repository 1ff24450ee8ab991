"""Where scores are heading: the straight line through those of some days, and its direction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import (
    CHUNK_ROWS,
    BoolArray,
    ByteArray,
    FloatArray,
    LevelArray,
    add_bit,
    columns_of,
    judged,
    subset_sums,
)
from scoring.kept import Kept

TREND_DAYS = 30.0
"""Days a slope is told for."""
UNKNOWN_DIRECTION = -1


class Direction(StrEnum):
    """Which way a score is heading; the index in DIRECTIONS is what arrays hold, UNKNOWN is -1 there."""

    DECLINING = "declining"
    STABLE = "stable"
    RISING = "rising"
    UNKNOWN = "unknown"


DIRECTIONS = (Direction.DECLINING, Direction.STABLE, Direction.RISING)
_DECLINING, _STABLE, _RISING = range(3)


@dataclass(frozen=True, slots=True)
class Trend:
    """The trend of n customers' scores.

    slope: (n,) points per 30 days, NaN with fewer than two scores.
    change: (n,) points by which the fitted line rises or falls from the first known score to the last.
    direction: (n,) 0 declining, 1 stable, 2 rising, -1 unknown.
    """

    slope: FloatArray
    change: FloatArray
    direction: LevelArray


def trend_of(scores: ArrayLike, days: Sequence[float], threshold: float) -> Trend:
    """The trend of (n, k) scores that were taken on k known days, NaN where there was none.

    days: (k,) rising, in days, from any beginning. threshold: points, above 0.

    The slope is that of the straight line with the least squares (ordinary least squares; Legendre 1805):
    (n Sxy - Sx Sy) / (n Sxx - Sx^2) over a customer's known scores, Sy and Sxy taken from differences to the
    newest one, so that equal scores have a slope of exactly 0. It is told for 30 days. The direction goes by
    the change along the line within the days that were seen, judged to 6 decimals: 5 points or more up is
    rising, 5 or more down declining (with a threshold of 5). So two scores of one point's difference on
    neighbouring days are stable, although their slope is 30 points in 30 days.

    Elementwise: a customer's trend has the same bits alone and among others. Raises ValueError if shapes do
    not fit, days do not rise or the threshold is not above 0.
    """
    found = np.asarray(scores, dtype=np.float64)
    calendar = _calendar(tuple(float(day) for day in days))
    if found.ndim != 2 or found.shape[1] != len(calendar.days):
        raise ValueError(
            f"scores has the shape {found.shape}; it must be (n, {len(calendar.days)}), one column a day"
        )
    if not threshold > 0:
        raise ValueError(f"the threshold must be above 0, not {threshold}")
    n = len(found)
    trend = Trend(np.empty(n), np.empty(n), np.empty(n, dtype=np.int8))
    for start in range(0, n, CHUNK_ROWS):
        rows = slice(start, min(start + CHUNK_ROWS, n))
        size = rows.stop - start
        line = _kept.get((calendar, size), partial(_Line, calendar, size))
        _fill(line.fit(found[rows]), threshold, trend, rows)
    for field in (trend.slope, trend.change, trend.direction):
        field.setflags(write=False)
    return trend


def _fill(fitted: tuple[FloatArray, FloatArray], threshold: float, out: Trend, rows: slice) -> None:
    """Writes the slope for 30 days, the change and its direction."""
    a_day, change = fitted
    np.multiply(a_day, TREND_DAYS, out=out.slope[rows])
    np.copyto(out.change[rows], change)
    seen, direction = judged(change), out.direction[rows]
    direction.fill(_STABLE)
    np.add(direction, seen >= threshold, out=direction)
    np.subtract(direction, (seen <= -threshold).view(np.int8), out=direction)
    np.copyto(direction, UNKNOWN_DIRECTION, where=np.isnan(change))


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Up to eight days; for each pattern of known ones their number, sums of x and x^2, first, last."""

    number: FloatArray
    x: FloatArray
    xx: FloatArray
    first: FloatArray
    last: FloatArray

    @classmethod
    def of(cls, days: Sequence[float]) -> "_Group":
        size = 1 << len(days)
        first, last = np.full(size, np.inf), np.full(size, -np.inf)
        for bit, day in enumerate(days):
            last[1 << bit : 2 << bit] = day
            first[1 << bit : 2 << bit] = np.minimum(first[: 1 << bit], day)
        return cls(
            subset_sums([1.0] * len(days)),
            subset_sums(days),
            subset_sums([day * day for day in days]),
            first,
            last,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Calendar:
    """The days of a history, made ready: what the sums over days are for each pattern of known scores."""

    days: tuple[float, ...]
    groups: tuple[_Group, ...]


@lru_cache(maxsize=64)
def _calendar(days: tuple[float, ...]) -> _Calendar:
    whole = np.array(days)
    if not np.isfinite(whole).all() or not (np.diff(whole) > 0).all():
        raise ValueError(f"days must be finite numbers that rise, not {list(days)}")
    # Counted from the last one, so that the sums stay small whatever the days are counted from.
    near = tuple((whole - whole[-1]).tolist() if days else ())
    return _Calendar(near, tuple(_Group.of(near[start : start + 8]) for start in range(0, len(near), 8)))


class _Line:
    """Working memory for the straight lines of `size` customers."""

    def __init__(self, calendar: _Calendar, size: int) -> None:
        self._calendar = calendar
        self._space: FloatArray = np.empty((len(calendar.days), size))
        self._patterns: ByteArray = np.empty((len(calendar.groups), size), dtype=np.uint8)
        self._newest, self._spare, self._sum_y, self._sum_xy = np.empty((4, size))
        self._number, self._sum_x, self._sum_xx, self._first, self._last = np.empty((5, size))
        self._known: BoolArray = np.empty(size, dtype=np.bool_)
        self._byte: ByteArray = np.empty(size, dtype=np.uint8)
        self._mask: NDArray[np.int64] = np.empty(size, dtype=np.int64)

    def fit(self, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points a day and change along the line of (size, k) scores; NaN with fewer than two."""
        columns = columns_of(scores, self._space)
        self._find_newest(columns)
        self._add_scores(columns)
        self._add_days()
        number, sum_x, sum_y = self._number, self._sum_x, self._sum_y
        with np.errstate(invalid="ignore", divide="ignore"):
            a_day = (number * self._sum_xy - sum_x * sum_y) / (number * self._sum_xx - sum_x * sum_x)
            change = a_day * (self._last - self._first)
        few = number < 2
        a_day[few], change[few] = np.nan, np.nan
        return a_day, change

    def _find_newest(self, columns: FloatArray) -> None:
        self._newest.fill(np.nan)
        for column in columns[::-1]:
            np.isnan(self._newest, out=self._known)
            if not self._known.any():
                break
            np.copyto(self._newest, column, where=self._known)

    def _add_scores(self, columns: FloatArray) -> None:
        """Sums of y and x * y, y being the difference to the newest score; patterns of what is known."""
        y = self._spare
        for sums in (self._sum_y, self._sum_xy, self._patterns):
            sums.fill(0)
        for position, (day, column) in enumerate(zip(self._calendar.days, columns, strict=True)):
            np.equal(column, column, out=self._known)
            add_bit(self._patterns[position // 8], self._known, position % 8, self._byte)
            if day == 0.0:
                continue  # the last day: x is 0, and y too, as it is the newest itself
            np.subtract(column, self._newest, out=y)
            self._clear_unknown(y)
            np.add(self._sum_y, y, out=self._sum_y)
            np.multiply(y, day, out=y)
            np.add(self._sum_xy, y, out=self._sum_xy)

    def _clear_unknown(self, y: FloatArray) -> None:
        """Makes numbers 0 that are not known: a mask of all bits or none, quicker than a choice for each."""
        np.negative(self._known.view(np.int8), out=self._byte.view(np.int8))
        np.copyto(self._mask, self._byte.view(np.int8))
        np.bitwise_and(y.view(np.int64), self._mask, out=y.view(np.int64))

    def _add_days(self) -> None:
        for sums in (self._number, self._sum_x, self._sum_xx):
            sums.fill(0.0)
        self._first.fill(np.inf)
        self._last.fill(-np.inf)
        for group, pattern in zip(self._calendar.groups, self._patterns, strict=True):
            np.copyto(self._mask, pattern)
            for combine, table, out in (
                (np.add, group.number, self._number),
                (np.add, group.x, self._sum_x),
                (np.add, group.xx, self._sum_xx),
                (np.minimum, group.first, self._first),
                (np.maximum, group.last, self._last),
            ):
                np.take(table, self._mask, out=self._spare, mode="wrap")
                combine(out, self._spare, out=out)


_kept = Kept[_Line]()
