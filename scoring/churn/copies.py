"""Rows that are copies of each other, or nearly: one in the training part gives the other's answer away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scoring.churn.columns import Columns, length

_STEP = 0.005
"""Numbers within about this part of a standard deviation count as the same."""
_DETAIL = 30
"""Rows can be told to be copies only where a number takes at least so many values: among a few coarse
features, equal rows are to be expected."""
_BY_CHANCE = 0.5
"""Nor can they be told where shuffled columns give at least this part of the copies found."""


def near_copies(columns: Columns) -> NDArray[np.int64] | None:
    """For each row the number of its set of near-copies (a row alone is its own set), or None where the
    features are too coarse to tell copies from coincidence."""
    fine = [
        name
        for name, values in columns.items()
        if values.dtype != object and len(np.unique(values)) >= _DETAIL
    ]
    if not fine or len(columns) < 3:
        return None
    found = _sets(columns)
    many = _copies(found)
    dice = np.random.default_rng(0)
    shuffled = {
        name: dice.permutation(values) if name in fine else values for name, values in columns.items()
    }
    return None if many and _copies(_sets(shuffled)) >= _BY_CHANCE * many else found


def _copies(sets: NDArray[np.int64]) -> int:
    return len(sets) - len(np.unique(sets))


def _sets(columns: Columns) -> NDArray[np.int64]:
    # Two grids, half a step apart: near values on both sides of a border of one meet in the other.
    keys = [_keys(columns, offset) for offset in (0.0, 0.5)]
    rows = length(columns)
    here, there = [], []
    for codes in keys:
        _, first, back = np.unique(codes, return_index=True, return_inverse=True)
        here.append(np.arange(rows))
        there.append(first[back])
    a, b = np.concatenate(here), np.concatenate(there)
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(rows, rows))
    labels = connected_components(graph, directed=False)[1]
    found: NDArray[np.int64] = labels.astype(np.int64)
    return found


def _keys(columns: Columns, offset: float) -> NDArray[np.int64]:
    codes = np.zeros(length(columns), dtype=np.int64)
    for values in columns.values():
        if values.dtype == object:
            part = np.unique(values.astype(str), return_inverse=True)[1]
        else:
            part = np.unique(_grid(values.astype(float), offset), return_inverse=True)[1]
        # Numbered anew after each feature, so that the codes stay small and no two keys collide.
        codes = np.unique(codes * (int(part.max()) + 1) + part, return_inverse=True)[1].astype(np.int64)
    return codes


def _grid(values: NDArray[np.float64], offset: float) -> NDArray[np.float64]:
    deviation = float(np.nanstd(values)) if np.isfinite(values).any() else 0.0
    cells: NDArray[np.float64] = np.floor(values / ((deviation or 1.0) * _STEP) + offset)
    return np.nan_to_num(cells, nan=np.inf)
