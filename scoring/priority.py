"""How urgently somebody should step in for a customer, and why."""

import math
from enum import StrEnum

import numpy as np
from pydantic import BaseModel, ConfigDict

from scoring.arrays import judged


class Priority(StrEnum):
    """How urgent an intervention is, the most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for CRITICAL, the most urgent."""
        return tuple(Priority).index(self)


BORDERS = (
    (Priority.CRITICAL, 70.0, 25.0),
    (Priority.HIGH, 50.0, 50.0),
    (Priority.MEDIUM, 30.0, 70.0),
)
"""A priority holds where the probability of leaving is above the first number, in percent, or the health
score is below the second. Whoever meets none of them is LOW."""


class InterventionPriority(BaseModel):
    """The priority and the sentence that says which border decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    priority: Priority
    reason: str


def intervention_priority(score: float | None, churn: float | None = None) -> InterventionPriority | None:
    """The priority of a customer by health score (0 to 100) and probability of leaving (0 to 1).

    Either may be None where it is not known: then the other decides alone. None for both: no priority.
    The rule-of-thumb figure of `scoring.churn_risk` is no probability and must not be given here.
    Numbers are compared rounded to 6 decimals, like a score with its bands. Raises ValueError for numbers
    outside their range.
    """
    health = _known("score", score, 100.0)
    probability = _known("churn", churn, 1.0)
    if health is None and probability is None:
        return None
    percent = None if probability is None else float(judged(np.array([probability * 100.0]))[0])
    for priority, above, below in BORDERS:
        reasons = []
        if health is not None and health < below:
            reasons.append(f"the health score {_number(health, below)} is below {below:g}")
        if percent is not None and percent > above:
            reasons.append(f"the probability of leaving, {_number(percent, above)} %, is above {above:g} %")
        if reasons:
            return InterventionPriority(priority=priority, reason=" and ".join(reasons))
    _, above, below = BORDERS[-1]
    calm = []
    if health is not None:
        calm.append(f"the health score {_number(health, below)} is {below:g} or more")
    if percent is not None:
        calm.append(f"the probability of leaving, {_number(percent, above)} %, is {above:g} % or less")
    return InterventionPriority(priority=Priority.LOW, reason=" and ".join(calm))


def _known(name: str, value: float | None, most: float) -> float | None:
    if value is None:
        return None
    if not (math.isfinite(value) and 0 <= value <= most):
        raise ValueError(f"{name} is a number from 0 to {most:g}, not {value}")
    return float(judged(np.array([value]))[0])


def _number(value: float, border: float) -> str:
    """With one decimal, or as many as it takes to tell the number from the border: 24.98 is not "25"."""
    for decimals in (1, 2, 4, 6):
        text = f"{value:.{decimals}f}"
        if (float(text) == border) == (value == border):
            break
    return text.rstrip("0").rstrip(".") if decimals > 1 else text.removesuffix(".0")
