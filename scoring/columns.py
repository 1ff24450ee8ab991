"""From raw values to points lost, metric by metric, for one chunk of customers."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import BoolArray, FloatArray, columns_of
from scoring.normalise import points_of, span
from scoring.plan import MetricPlan, Plan
from scoring.ramps import lost_into


class Columns:
    """Working memory for `size` customers, used again from chunk to chunk, and what was read last.

    lost: (m, size) points of 100 that each metric falls short of, NaN where it has no usable value.
    usable: (m, size) True where it has one. there: (size,) the same of any value, for the
    metric read last.
    """

    def __init__(self, plan: Plan, size: int) -> None:
        metrics = len(plan.metrics)
        self.plan, self.size = plan, size
        self.lost: FloatArray = np.empty((metrics, size))
        self.usable: BoolArray = np.empty((metrics, size), dtype=np.bool_)
        self.there: BoolArray = np.empty(size, dtype=np.bool_)
        self._flag: BoolArray = np.empty(size, dtype=np.bool_)
        self._spare: FloatArray = np.empty(size)
        self._values: FloatArray = np.empty((metrics, size))
        self._ages: FloatArray = np.empty((metrics, size))

    def read(
        self, values: FloatArray, ages: FloatArray | None, rejected: NDArray[np.int64]
    ) -> Iterator[tuple[int, MetricPlan, int]]:
        """Read (size, m) raw values with their ages; gives each metric's position, plan and usable values
        as soon as it is done, while its column is still in the cache.

        rejected: (size,) to which the number of values that are there but unusable is added.
        """
        columns = columns_of(values, self._values)
        by_metric = None if ages is None else columns_of(ages, self._ages)
        for position, metric in enumerate(self.plan.metrics):
            raw, usable = columns[position], self.usable[position]
            found = self._check(metric, raw, None if by_metric is None else by_metric[position], usable)
            if found != np.count_nonzero(self.there):
                np.logical_xor(self.there, usable, out=self._flag)
                np.add(rejected, self._flag, out=rejected)
                raw = np.where(usable, raw, np.nan)
            self._lose(metric, raw, position)
            yield position, metric, found

    def _check(self, metric: MetricPlan, raw: FloatArray, age: FloatArray | None, usable: BoolArray) -> int:
        """Notes which values are there and which are usable; the number of the usable ones."""
        flag = self._flag
        np.equal(raw, raw, out=self.there)
        np.greater_equal(raw, metric.least, out=usable)
        np.less_equal(raw, metric.greatest, out=flag)
        np.logical_and(usable, flag, out=usable)
        if age is not None and metric.oldest is not None:
            np.less_equal(age, metric.oldest, out=flag)
            np.logical_and(usable, flag, out=usable)
        return int(np.count_nonzero(usable))

    def _lose(self, metric: MetricPlan, raw: FloatArray, position: int) -> None:
        """Writes the points lost; NaN in `raw`, where nothing is usable, gives NaN."""
        lost, usable = self.lost[position], self.usable[position]
        if metric.ramps is not None:
            lost_into(metric.ramps, raw, lost, self._spare)
            return
        filled = np.where(usable, raw, span(metric.rule)[0])
        np.copyto(lost, np.where(usable, 100.0 - points_of(metric.rule, filled), np.nan))
