"""The sums of one chunk of customers: costs and weights by category."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from scoring.arrays import BoolArray, ByteArray, FloatArray, add_bit
from scoring.columns import Columns
from scoring.kept import Kept
from scoring.plan import MetricPlan, Plan
from scoring.ranking import Ranking


class Chunk:
    """Working memory for `size` customers of one scorecard, and what was summed up last.

    costs, counted, measured: (c, size) by category the sum of points lost x weight, the weight behind it, and
    the part of that weight that was measured. cost, weight, known: (size,) their sums over the categories.
    stood_in: (m, size) where a default stands in for a value; None if the scorecard has no defaults.
    ranking: the `top` metrics that cost most, of those that were measured.
    Every sum runs metric by metric, elementwise: never along the customers and never through BLAS.
    """

    def __init__(self, plan: Plan, size: int, top: int) -> None:
        metrics, categories = len(plan.metrics), len(plan.whole)
        self.columns = Columns(plan, size)
        self.costs: FloatArray = np.empty((categories, size))
        self.measured: FloatArray = np.empty((categories, size))
        self.counted: FloatArray = self.measured
        self.stood_in: BoolArray | None = None
        self.cost, self.weight, self.known = np.empty(size), np.empty(size), np.empty(size)
        self.plan, self.top = plan, top
        self._patterns: ByteArray = np.empty((len(plan.groups), size), dtype=np.uint8)
        self._counted_patterns: ByteArray = self._patterns
        if plan.has_defaults:
            self.counted = np.empty((categories, size))
            self.stood_in = np.empty((metrics, size), dtype=np.bool_)
            self._counted_patterns = np.empty_like(self._patterns)
        self.ranking = Ranking(metrics, top, size)
        self._column: FloatArray = np.empty(size)
        self._byte: ByteArray = np.empty(size, dtype=np.uint8)

    def measure(self, values: FloatArray, ages: FloatArray | None, rejected: NDArray[np.int64]) -> None:
        """Sums up (size, m) raw values; the number of unusable ones is added to `rejected`."""
        self.costs.fill(0.0)
        self._patterns.fill(0)
        self._counted_patterns.fill(0)
        for position, metric, found in self.columns.read(values, ages, rejected):
            self._count(position, metric, found)
            if self.stood_in is not None:
                self._stand_in(position, metric, self.stood_in[position])
        self._weigh(self._patterns, self.measured)
        _total(self.measured, self.known)
        _total(self.costs, self.cost)
        self.weight = self.known
        if self.counted is not self.measured:
            self._weigh(self._counted_patterns, self.counted)
            self.weight = _total(self.counted, np.empty_like(self.known))

    def _count(self, position: int, metric: MetricPlan, found: int) -> None:
        np.multiply(self.columns.lost[position], metric.weight, out=self._column)
        if found < self.columns.size:
            np.fmax(self._column, 0.0, out=self._column)  # a missing value costs nothing
        total = self.costs[metric.category]
        np.add(total, self._column, out=total)
        self.ranking.add(self._column, position)
        add_bit(self._patterns[metric.group], self.columns.usable[position], metric.bit, self._byte)

    def _stand_in(self, position: int, metric: MetricPlan, stood_in: BoolArray) -> None:
        """Counts the default of a metric where it was never measured; it is no coverage, no rank."""
        stood_in.fill(False)
        counts = self.columns.usable[position]
        if metric.stand_in is not None:
            np.logical_not(self.columns.there, out=stood_in)
            np.multiply(stood_in, metric.stand_in * metric.weight, out=self._column)
            total = self.costs[metric.category]
            np.add(total, self._column, out=total)
            counts = counts | stood_in
        add_bit(self._counted_patterns[metric.group], counts, metric.bit, self._byte)

    def _weigh(self, patterns: ByteArray, out: FloatArray) -> None:
        out.fill(0.0)
        for group, pattern in zip(self.plan.groups, patterns, strict=True):
            # No pattern lies outside the table; "wrap" only spares the check.
            np.take(group.sums, pattern, out=self._column, mode="wrap")
            np.add(out[group.category], self._column, out=out[group.category])


_kept = Kept[Chunk]()


def chunk_for(plan: Plan, size: int, top: int) -> Chunk:
    """The thread's working memory for so many customers of a scorecard, whatever is in it."""
    return _kept.get((plan, size, top), lambda: Chunk(plan, size, top))


def _total(parts: Iterable[FloatArray], out: FloatArray) -> FloatArray:
    out.fill(0.0)
    for part in parts:
        np.add(out, part, out=out)
    return out
