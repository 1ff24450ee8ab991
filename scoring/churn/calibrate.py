"""Turning a model's raw probability into one that means what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from scoring.arrays import FloatArray

KINDS = ("none", "sigmoid", "isotonic")
_EDGE = 1e-3
_TIES = 1e-2
"""How much of the raw probability is mixed into isotonic steps, so that customers on one step keep their
order and nobody gets exactly 0 or 1."""


def logit(p: FloatArray) -> FloatArray:
    """Log odds, of probabilities kept `1e-3` away from 0 and 1."""
    kept = np.clip(p, _EDGE, 1 - _EDGE)
    found: FloatArray = np.log(kept / (1 - kept))
    return found


def expit(z: FloatArray) -> FloatArray:
    """The inverse of log odds."""
    found: FloatArray = 1 / (1 + np.exp(-z))
    return found


@dataclass(frozen=True, slots=True)
class Calibrator:
    """`kind` none: raw as it is. sigmoid: logit(p) = x[0] + y[0] × logit(raw) (Platt 1999). isotonic: the
    monotone function through the points (x, y) (Zadrozny and Elkan 2002)."""

    kind: str
    x: FloatArray
    y: FloatArray

    def __call__(self, raw: FloatArray) -> FloatArray:
        """Calibrated probabilities of raw ones."""
        if self.kind == "none":
            return raw
        if self.kind == "sigmoid":
            return expit(self.x[0] + self.y[0] * logit(raw))
        steps: FloatArray = np.interp(raw, self.x, self.y)
        return (1 - _TIES) * steps + _TIES * np.clip(raw, _EDGE, 1 - _EDGE)


def calibrator(kind: str, raw: FloatArray, y: FloatArray) -> Calibrator:
    """Learnt from raw probabilities of rows that the models had not seen, and what happened."""
    none = np.zeros(0)
    if kind == "none":
        return Calibrator(kind, none, none)
    if kind == "sigmoid":
        line = LogisticRegression(C=1e4).fit(logit(raw)[:, None], y)
        return Calibrator(kind, np.array([float(line.intercept_[0])]), np.array([float(line.coef_[0, 0])]))
    if kind == "isotonic":
        steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw, y)
        return Calibrator(kind, steps.X_thresholds_.astype(float), steps.y_thresholds_.astype(float))
    raise ValueError(f"calibration is one of {', '.join(KINDS)}, not {kind}")
