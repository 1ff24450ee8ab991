"""Two models of how the risk of leaving goes with time; both give cumulative hazards on a grid of months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from scoring.arrays import FloatArray

_SPANS = 12
"""Spans within which the boosted model takes the risk as constant, cut at quantiles of these times."""
_RIDGE = 1.0


class Regressor(Protocol):
    """What of a scikit-learn regressor is used here."""

    def predict(self, matrix: FloatArray) -> FloatArray:
        """One value per row."""


@dataclass(frozen=True, slots=True)
class Cox:
    """Cox's proportional hazards with a ridge penalty (Cox 1972; Breslow's baseline): risk factors multiply
    one curve, which is the baseline cumulative hazard at `times`."""

    coefficients: FloatArray
    times: FloatArray
    baseline: FloatArray

    def hazards(self, matrix: FloatArray, grid: FloatArray) -> FloatArray:
        """(rows, grid) cumulative hazards."""
        place = np.searchsorted(self.times, grid, side="right")
        curve = np.concatenate([[0.0], self.baseline])[place]
        # Beyond e^20 a customer has left on the first day; the cut keeps products finite.
        risk = np.exp(np.clip(matrix @ self.coefficients, -20.0, 20.0))
        found: FloatArray = risk[:, None] * curve
        return found


@dataclass(frozen=True, slots=True)
class Boosted:
    """Boosted trees for the rate of leaving within spans of time (piecewise exponential model: a Poisson
    regression with the time spent in a span as exposure; Friedman 1982). Risk factors may matter more at
    some times than at others."""

    edges: FloatArray
    trees: Regressor

    def hazards(self, matrix: FloatArray, grid: FloatArray) -> FloatArray:
        """(rows, grid) cumulative hazards."""
        found = np.zeros((len(matrix), len(grid)))
        for span, (low, high) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True)):
            rate = self.trees.predict(np.column_stack([matrix, np.full(len(matrix), float(span))]))
            last = span == len(self.edges) - 2
            found += rate[:, None] * np.clip(grid - low, 0, None if last else high - low)
        return found


def cox(matrix: FloatArray, times: FloatArray, left: NDArray[np.bool_]) -> Cox:
    """Learn from times (months, above 0) and whether each customer left then or is still there."""
    fitted = CoxPHSurvivalAnalysis(alpha=_RIDGE).fit(matrix, Surv.from_arrays(left, times))
    curve = fitted.cum_baseline_hazard_
    # The library centres nothing: its linear predictor is the bare product.
    return Cox(fitted.coef_.astype(float), curve.x.astype(float), curve.y.astype(float))


def boosted(
    matrix: FloatArray, times: FloatArray, left: NDArray[np.bool_], rounds: int, seed: int
) -> Boosted:
    """Learn from the same, each customer's time cut into spans."""
    inside = np.quantile(times[left], np.linspace(0, 1, _SPANS + 1))[1:-1]
    edges = np.unique(np.concatenate([[0.0], inside, [times.max()]]))
    low, high = edges[:-1], edges[1:]
    spent = np.clip(times[:, None] - low, 0, high - low)
    row, span = np.nonzero(spent > 0)
    ended = left[row] & (times[row] <= high[span])
    exposure = spent[row, span]
    trees = HistGradientBoostingRegressor(
        loss="poisson",
        max_iter=rounds,
        learning_rate=0.08,
        max_leaf_nodes=4,
        min_samples_leaf=40,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    trees.fit(
        np.column_stack([matrix[row], span.astype(float)]),
        ended / exposure,
        sample_weight=exposure / exposure.mean(),
    )
    return Boosted(edges, trees)
