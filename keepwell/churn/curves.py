"""The points of curves, from labels and probabilities. NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.arrays import FloatArray

MOST_POINTS = 240
"""More cannot be seen, and would only make the page heavy."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a line, both (n,)."""

    x: FloatArray
    y: FloatArray


def _counts(y: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """True and false positives at each distinct probability, from the highest down, with 0 in front."""
    order = np.argsort(-p, kind="stable")
    labels, values = y[order], p[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    true = np.cumsum(labels)[last]
    return np.concatenate([[0.0], true]), np.concatenate([[0.0], last + 1 - true])


def roc(y: FloatArray, p: FloatArray) -> Curve:
    """Share of those who stayed that a threshold takes for leaving, against the share of leavers it finds."""
    true, false = _counts(y, p)
    return _thinned(false / max(false[-1], 1.0), true / max(true[-1], 1.0))


def precision_recall(y: FloatArray, p: FloatArray) -> Curve:
    """Share of leavers found, against how many of those pointed at really leave."""
    true, false = _counts(y, p)
    return _thinned(true[1:] / max(true[-1], 1.0), true[1:] / (true[1:] + false[1:]))


def staying(duration: FloatArray, left: FloatArray) -> Curve:
    """Kaplan-Meier: the share that has stayed at least so long, where some have not left yet.

    duration: months, left: 1 where the customer left then, 0 where it is still there; both (n,).
    """
    times = np.unique(duration)
    at_risk = len(duration) - np.searchsorted(np.sort(duration), times, side="left")
    gone = np.array([float(left[duration == time].sum()) for time in times])
    share = np.cumprod(1.0 - gone / at_risk)
    return Curve(np.concatenate([[0.0], times]), np.concatenate([[1.0], share]))


def _thinned(x: FloatArray, y: FloatArray) -> Curve:
    if len(x) <= MOST_POINTS:
        return Curve(x, y)
    keep = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int))
    return Curve(x[keep], y[keep])
