"""Where customers stand among similar ones: mid-rank percentiles, for many groups and figures at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import FloatArray
from scoring.normalise import higher_is_better
from scoring.scorecard import Scorecard

FEWEST = 5
"""Others from which a comparison says something, and gives none of them away."""


def percentile_ranks(values: ArrayLike, groups: ArrayLike, fewest: int = FEWEST) -> FloatArray:
    """(n, k) percentiles, 0 to 100, of n customers in k figures, each among the others of its group.

    values: (n, k), greater is better, NaN where not known. groups: (n,) labels of any kind.
    The percentile is the share of the others who are worse, of those who are equal half (mid-rank), so that
    50 is the middle also where all are equal. NaN where the customer's own figure, or that of at least
    `fewest` others of the group, is not known. Infinite figures are compared like any other.
    Raises ValueError if the shapes do not fit or fewest is below 1.
    """
    figures = np.asarray(values, dtype=np.float64)
    labels = (
        np.unique(np.asarray(groups), return_inverse=True)[1] if np.size(groups) else np.zeros(0, np.intp)
    )
    if figures.ndim != 2 or labels.shape != figures.shape[:1]:
        raise ValueError(f"values has the shape {figures.shape} and groups {labels.shape}; both need n rows")
    if fewest < 1:
        raise ValueError(f"fewest must be at least 1, not {fewest}")
    ranks = np.full(figures.shape, np.nan)
    for column in range(figures.shape[1]):
        known = ~np.isnan(figures[:, column])
        ranks[known, column] = _ranks(figures[known, column], labels[known], fewest)
    return ranks


def percentile(worse: int, equal: int, others: int, fewest: int = FEWEST) -> float | None:
    """The same for one customer from counts of the others; None where there are fewer than `fewest`."""
    return None if others < max(1, fewest) else 100.0 * (worse + 0.5 * equal) / others


def in_good_direction(card: Scorecard, values: ArrayLike) -> FloatArray:
    """Raw values (n, m) by the scorecard's metrics, turned so that greater is better."""
    signs = np.array([1.0 if higher_is_better(metric.normalise) else -1.0 for metric in card.metrics])
    turned: FloatArray = np.asarray(values, dtype=np.float64) * signs
    return turned


def _ranks(figures: FloatArray, labels: NDArray[np.intp], fewest: int) -> FloatArray:
    """(n,) of figures that are all known."""
    size = len(figures)
    if size == 0:
        return figures
    order = np.lexsort((figures, labels))
    by_group, by_value = labels[order], figures[order]
    new_group = np.r_[True, by_group[1:] != by_group[:-1]]
    new_value = new_group | np.r_[True, by_value[1:] != by_value[:-1]]
    first_of_group, members = _runs(new_group, size)
    first_of_value, equal = _runs(new_value, size)
    worse, others = first_of_value - first_of_group, members - 1
    share = 100.0 * (worse + 0.5 * (equal - 1)) / np.maximum(others, 1)
    ranks = np.empty(size)
    ranks[order] = np.where(others >= fewest, share, np.nan)
    return ranks


def _runs(begins: NDArray[np.bool_], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each place the first place of its run, and the run's length."""
    starts = np.flatnonzero(begins)
    run = np.cumsum(begins) - 1
    return starts[run], np.diff(np.r_[starts, size])[run]
