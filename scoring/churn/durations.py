"""How long customers have been there: the column that the time to churn is learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.arrays import FloatArray
from scoring.churn import columns
from scoring.churn.answers import FEWEST, of_each
from scoring.churn.errors import TableError
from scoring.churn.results import Finding, Severity, Trouble

_ODD = 0.01


def months(frame: pd.DataFrame, name: str) -> tuple[FloatArray, list[Finding]]:
    """A duration column in months, NaN where unknown.

    Raises TableError where one is below 0, or where more than 1 % of the filled cells are no number.
    """
    columns.require(frame, [name], "duration")
    values, findings = columns.numbers(frame[name])
    if not pd.api.types.is_numeric_dtype(frame[name]):
        filled = np.array([columns.text_of(cell) != columns.MISSING for cell in frame[name].tolist()], bool)
        odd = np.flatnonzero(filled & np.isnan(values))
        if len(odd) > _ODD * filled.sum():
            raise TableError(
                f"column {name}: {len(odd):,} of {filled.sum():,} durations are no number of months, for "
                f"example {frame[name].iloc[odd[0]]!r}. Name a column that counts months, from 0 up, or none"
            )
    negative = int((values < 0).sum())
    if negative:
        raise TableError(f"column {name}: {negative} durations are below 0; they count months, from 0 up")
    return values, findings


def durations(
    frame: pd.DataFrame, name: str, y: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[FloatArray, list[Finding]]:
    """The same, of rows to learn from. Raises TableError also where too few customers have a duration."""
    values, findings = months(frame, name)
    known = ~np.isnan(values)
    left, stayed = of_each(y[known], groups[known])
    if min(left, stayed) < FEWEST:
        raise TableError(
            f"column {name}: {left} customers who left and {stayed} who stayed have a duration; the time to "
            f"churn needs {FEWEST} of each. Fill it in, or name no duration"
        )
    if not (values > 0).any():
        raise TableError(
            f"column {name}: no duration is above 0 months. Name a column that counts months, or none"
        )
    if np.ptp(values[known]) == 0:
        raise TableError(
            f"column {name}: all durations are {values[known][0]:g} months, so nobody left earlier than "
            "another. Name a column that counts months, or none"
        )
    zero = int((values == 0).sum())
    if zero:
        words = (
            f"{name}: {zero:,} customers have 0 months; "
            "for the time to churn they count as half the smallest step"
        )
        figures = (("rows", float(zero)),)
        findings.append(Finding(Trouble.ZERO_DURATION, Severity.NOTE, (name,), words, figures, "time"))
    return values, findings
