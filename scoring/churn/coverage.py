"""How often the intervals of probabilities hold, measured on customers who were not learnt from."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from scoring.arrays import FloatArray
from scoring.churn.figures import within_ties
from scoring.churn.results import Coverage

_GROUP = 100
_MOST_GROUPS = 50


def of_rates(
    y: FloatArray, p: FloatArray, low: FloatArray, high: FloatArray, level: float, truth: float
) -> Coverage:
    """Sort customers by probability, cut them into groups of about 100 (at most 50 groups, at least two)
    and compare each group's observed rate with its mean interval, bare and widened by chance.

    The widening adds the normal quantile times sqrt(mean of p (1 - p) / n) in squares to each half of the
    interval: what a rate among n customers swings by even where every probability is right. Customers
    with the same probability share their answers and ends evenly, wherever a border cuts them.
    """
    y, low, high = (within_ties(values, p) for values in (y, low, high))
    groups = np.array_split(np.argsort(p, kind="stable"), max(2, min(_MOST_GROUPS, len(p) // _GROUP)))
    held = bare = 0
    for rows in groups:
        rate, mean = float(y[rows].mean()), float(p[rows].mean())
        below, above = mean - float(low[rows].mean()), float(high[rows].mean()) - mean
        chance = norm.ppf((1 + level) / 2) * float(np.sqrt(np.mean(p[rows] * (1 - p[rows])) / len(rows)))
        bare += bool(mean - below <= rate <= mean + above)
        held += bool(mean - np.hypot(below, chance) <= rate <= mean + np.hypot(above, chance))
    return Coverage(
        nominal=level,
        rates=held / len(groups),
        rates_bare=bare / len(groups),
        truth=truth,
        width=float(np.mean(high - low)),
        groups=len(groups),
        group_size=round(len(p) / len(groups)),
    )
