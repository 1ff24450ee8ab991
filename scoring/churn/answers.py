"""The answers of a table: who left, and whether these are enough to learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.churn import columns
from scoring.churn.errors import TableError
from scoring.churn.mapping import Mapping
from scoring.churn.results import Finding, Severity, Trouble

FEWEST = 20
"""Customers needed of each kind, left and stayed: fewer do not fill the folds."""
_FEW = 100


def answered(
    frame: pd.DataFrame, mapping: Mapping
) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.int64], list[Finding]]:
    """The rows that have an answer, their answers (1: left), their positions, and what was odd.

    Raises TableError where all say the same.
    """
    values = [columns.answer(value) for value in frame[mapping.target].tolist()]
    there = np.array([value != columns.MISSING for value in values], dtype=bool)
    rows = np.flatnonzero(there).astype(np.int64)
    said = {columns.answer(value) for value in mapping.churned}
    y = np.array([int(values[row] in said) for row in rows], dtype=np.int64)
    findings = []
    if len(rows) < len(values):
        gone = len(values) - len(rows)
        words = f"{mapping.target}: {gone:,} rows without an answer are left out"
        findings.append(
            Finding(Trouble.NO_TARGET, Severity.WARN, (mapping.target,), words, (("rows", float(gone)),))
        )
    found = sorted({values[row] for row in rows})
    if len(rows) and not (y.any() and not y.all()):
        kind = "left" if y.all() else "stayed"
        raise TableError(
            f"column {mapping.target}: all {len(y):,} customers {kind}; a model needs both kinds. "
            f"Values there: {', '.join(found[:8])}; values that count as having left: "
            f"{', '.join(mapping.churned)}"
        )
    return frame.iloc[rows].reset_index(drop=True), y, rows, findings


def of_each(y: NDArray[np.int64], groups: NDArray[np.int64]) -> tuple[int, int]:
    """How many customers left and how many stayed. One with rows of both kinds counts for both; a second row
    of the same kind tells little that is new, so it counts for nothing."""
    return len(np.unique(groups[y == 1])), len(np.unique(groups[y == 0]))


def enough(y: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
    """Raises TableError where customers of a kind are too few to be spread over folds."""
    left, stayed = of_each(y, groups)
    if min(left, stayed) < FEWEST:
        raise TableError(
            f"too little to learn from: {left} customers left and {stayed} stayed; at least {FEWEST} of each "
            f"are needed (some hundreds of each for figures that mean something)"
        )


def few(y: NDArray[np.int64], groups: NDArray[np.int64]) -> list[Finding]:
    """A warning where figures will be rough for want of customers."""
    least = min(of_each(y, groups))
    if least >= _FEW:
        return []
    words = (
        f"only {least} customers of one kind: figures from so few swing by several points; "
        f"{_FEW} or more are better"
    )
    return [Finding(Trouble.FEW, Severity.WARN, (), words, (("customers", float(least)),))]
