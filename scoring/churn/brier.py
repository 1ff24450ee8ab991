"""The integrated Brier score of survival curves: how far they are from what happened, over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sksurv.nonparametric import CensoringDistributionEstimator, kaplan_meier_estimator
from sksurv.util import Surv

from scoring.arrays import FloatArray

_POINTS = 60
_MIDDLE = (0.1, 0.9)
"""Judged between these quantiles of the times: outside, hardly anybody leaves or is still seen."""

Lives = tuple[FloatArray, NDArray[np.bool_]]
"""Months (above 0) of each customer, and whether it left then or was only seen until then."""


def points(judged: Lives, known: Lives, end: float) -> FloatArray:
    """Months at which curves are compared: where customers left, in the middle of the times judged, before
    `end` and before the last customer that is `known`. Empty where there are too few to be a span."""
    times, left = judged
    if not left.any():
        return np.zeros(0)
    low, high = np.quantile(times, _MIDDLE)
    found = np.unique(times[left & (times > times.min()) & (times >= low) & (times <= high)])
    found = found[(found < known[0].max()) & (found <= end)]
    if len(found) < 2:
        return np.zeros(0)
    thinned: FloatArray = np.unique(np.quantile(found, np.linspace(0, 1, _POINTS), method="nearest"))
    return thinned


def losses(months: FloatArray, curves: FloatArray, judged: Lives, known: Lives) -> FloatArray:
    """Per customer, the squared distance between its curve at `months` (n, months) and whether it was still
    there, averaged over that span; customers who were seen long enough also stand for those who were not
    (inverse probability of censoring, estimated on `known`; Graf and others 1999). Their mean is the
    integrated Brier score. NaN where it cannot be computed.
    """
    times, left = judged
    unknown = np.full(len(times), np.nan)
    if len(months) < 2:
        return unknown
    censoring = CensoringDistributionEstimator().fit(Surv.from_arrays(known[1], known[0]))
    try:
        seen, own = censoring.predict_proba(months), censoring.predict_proba(times)
    except ValueError:
        # Judged longer than anybody known: how likely it was to be seen so long, nobody can say.
        return unknown
    gone = left[:, None] & (times[:, None] <= months)
    there = times[:, None] > months
    # Where nobody can be seen any more, nobody counts.
    weight = gone / np.where(own > 0, own, np.inf)[:, None] + there / np.where(seen > 0, seen, np.inf)
    squares = weight * (there - curves) ** 2
    return np.asarray(np.trapezoid(squares, months, axis=1) / np.ptp(months), dtype=np.float64)


def read_at(months: FloatArray, grid: FloatArray, curves: FloatArray) -> FloatArray:
    """(n, months): curves on a grid as they are at other times, straight between the grid's points."""
    x, whole = np.concatenate([[0.0], grid]), np.column_stack([np.ones(len(curves)), curves])
    above = np.clip(np.searchsorted(x, months), 1, len(grid))
    part = np.clip((months - x[above - 1]) / (x[above] - x[above - 1]), 0.0, 1.0)
    found: FloatArray = whole[:, above - 1] * (1 - part) + whole[:, above] * part
    return found


def everybody(months: FloatArray, known: Lives, rows: int) -> FloatArray:
    """(rows, months): the one curve of all customers known, by Kaplan and Meier."""
    x, share = kaplan_meier_estimator(known[1], known[0])
    step = np.concatenate([[1.0], share])[np.searchsorted(x, months, side="right")]
    return np.tile(step, (rows, 1))
