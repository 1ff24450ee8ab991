"""A portfolio to score as the daily run reads it: raw values, ages and scores, by numbered partitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.arrays import FloatArray
from scoring.load import builtin
from scoring.scorecard import Scorecard
from scoring.summary import Summary, summarise
from scoring.trend import Trend, trend_of

CARD: Scorecard = builtin("intervention")
PARTITION = 10_000
"""As the daily run has them, unless its setting says otherwise."""
DAYS = 30
MISSING = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """(n, 17) values and their ages, metric by metric in memory; (n, 30) daily scores, customer by customer.

    A tenth of the values is missing, and a tenth of the scores.
    """

    values: FloatArray
    ages: FloatArray
    days: FloatArray

    def parts(self) -> list[Part]:
        """The partitions, each in memory of its own."""
        starts = range(0, len(self.values), PARTITION)
        return [
            Part(self.values[rows].copy("F"), self.ages[rows].copy("F"), self.days[rows].copy())
            for rows in (slice(start, start + PARTITION) for start in starts)
        ]

    def summarise(self) -> Summary:
        """Score, categories, level, coverage and the three costliest metrics."""
        return summarise(CARD, self.values, self.ages)

    def in_full(self) -> tuple[Summary, Trend]:
        """All that the daily run computes of these customers: the summary, and the trend up to today."""
        found = self.summarise()
        self.days[:, -1] = np.where(found.insufficient, self.days[:, -1], found.score)
        return found, trend_of(self.days, range(DAYS), CARD.trend_threshold)


def part_of(rows: int, number: int = 0) -> Part:
    """Plausible values within what each metric allows; the same number gives the same partition."""
    dice = np.random.default_rng([7, number])
    values = np.empty((len(CARD.metrics), rows))
    for column, metric in enumerate(CARD.metrics):
        low = metric.minimum if metric.minimum is not None else 0.0
        high = metric.maximum if metric.maximum is not None else 100.0
        values[column] = dice.uniform(low, min(high, low + 200), rows)
    ages, days = dice.uniform(0, 20, values.shape), dice.uniform(20, 90, (rows, DAYS))
    for array in (values, days):
        array[dice.random(array.shape) < MISSING] = np.nan
    return Part(values.T, ages.T, days)
