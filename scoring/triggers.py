"""The rules that raise alerts: each takes plain figures, and gives what it found with the reason in words.

None is no finding. What was never measured is None, too, and finds nothing: a customer who never had an
event is not inactive, and a score that is not known has not fallen.

Each rule has its `..._over`, which says when its cause is gone. It lies a margin beyond the border that
raised the alert, so that a figure that moves around the border raises one alert and not many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.signal import Severity, Trigger

INACTIVE_HOURS = 48.0
ZERO_HOURS = 72.0
STALLED_HOURS = 72.0
UNUSED_DAYS = 7.0
CORE_DAYS = 3
"""A feature used on this many days or more is a core feature of the customer's, unless the core features are
named: then those are."""

CRITICAL_BELOW = 20.0
DROP_WARNING = 20.0
DROP_CRITICAL = 30.0
DROP_DAYS = 7.0
"""A drop is measured from the best score of this many days, so that one in several steps is seen, too."""

USAGE_FALL = 50.0
USAGE_DAYS = 3.0
USAGE_LEAST = 5.0
"""A fall from less than this is not judged: of next to nothing, half is soon lost."""

CHURN_ABOVE = 80.0
CHURN_MARGIN = 5.0
MARGIN = 3.0
"""Points beyond the border at which an alert on a score is over; the flapping guard's own margin."""

MEMORY_DAYS = 14.0
"""After this time a fall, or a failed payment, is no news any more: the next one is an alert of its own."""

LEAST_STEP = 1.0
"""A score that is less than this below the one before is not looked at for a drop: in a whole daily run, the
best score of the week is then read for few."""

THRESHOLDS: Mapping[str, float] = {
    "performance": 70.0,
    "engagement": 60.0,
    "business": 70.0,
    "technical": 70.0,
}
"""Thresholds of categories by name, unless an organisation sets others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. `subject` is the feature, task or category; empty where there is only one."""

    trigger: Trigger
    severity: Severity
    words: str
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    subject: str = ""


def silence(hours: float | None) -> Finding | None:
    """No event for 48 hours (warning), or for three days (critical). hours: since the customer's last one."""
    if hours is None or hours < INACTIVE_HOURS:
        return None
    zero = hours >= ZERO_HOURS
    limit = ZERO_HOURS if zero else INACTIVE_HOURS
    return Finding(
        Trigger.ZERO_ACTIVITY if zero else Trigger.INACTIVITY,
        Severity.CRITICAL if zero else Severity.WARNING,
        f"no event for {_figure(hours)} hours; the limit is {_figure(limit)}",
        {"hours": round(hours, 1), "limit": limit},
    )


def stalled(task: str, hours: float) -> Finding | None:
    """A task in progress without an update for 72 hours. hours: since its last update."""
    if hours < STALLED_HOURS:
        return None
    words = f"task {task!r} has no update for {_figure(hours)} hours; the limit is {_figure(STALLED_HOURS)}"
    evidence: dict[str, float | str] = {"task": task, "hours": round(hours, 1), "limit": STALLED_HOURS}
    return Finding(Trigger.TASK_STALLED, Severity.WARNING, words, evidence, task)


def unused(feature: str, days: float, used_days: int, core: frozenset[str] = frozenset()) -> Finding | None:
    """A core feature that was not used for 7 days.

    days: since it was last used. used_days: on how many days it was used before. core: the features that
    are core for everybody; where none is named, those that the customer used on 3 days or more.
    """
    if days < UNUSED_DAYS or not (feature in core if core else used_days >= CORE_DAYS):
        return None
    words = f"core feature {feature!r} not used for {_figure(days)} days; the limit is {_figure(UNUSED_DAYS)}"
    evidence: dict[str, float | str] = {
        "feature": feature,
        "days": round(days, 1),
        "limit": UNUSED_DAYS,
        "used_days": used_days,
    }
    return Finding(Trigger.FEATURE_UNUSED, Severity.WARNING, words, evidence, feature)


def payment_failed(data: Mapping[str, object]) -> Finding:
    """A payment failed; data: what the event says of it, of which amount, currency and reason are kept."""
    kept = {
        name: value
        for name in ("amount", "currency", "invoice", "reason")
        if isinstance(value := data.get(name), str | int | float) and not isinstance(value, bool)
    }
    amount = " ".join(str(kept[name]) for name in ("amount", "currency") if name in kept)
    words = "a payment failed" + (f": {amount}" if amount else "")
    words += f" ({kept['reason']})" if "reason" in kept else ""
    return Finding(Trigger.BILLING_FAILURE, Severity.CRITICAL, words, kept)


def fell_below(before: float | None, now: float | None) -> Finding | None:
    """The score fell below 20: it was at 20 or above with the score before, and is below now."""
    if before is None or now is None or not now < CRITICAL_BELOW <= before:
        return None
    words = f"the score fell from {before:.1f} to {now:.1f}, below {_figure(CRITICAL_BELOW)}"
    evidence = {"before": before, "now": now, "limit": CRITICAL_BELOW}
    return Finding(Trigger.CRITICAL_HEALTH, Severity.CRITICAL, words, evidence)


def fell_below_over(now: float | None) -> str:
    """Why it is over, or empty: the score is 23 or above."""
    border = CRITICAL_BELOW + MARGIN
    return f"the score is {now:.1f} again" if now is not None and now >= border else ""


def dropped(best: float | None, now: float | None) -> Finding | None:
    """The score is 20 points (warning) or 30 (critical) below `best`, the highest of the last 7 days."""
    if best is None or now is None:
        return None
    # Rounded, or 72.3 - 52.3 would be a little less than 20.
    drop = round(best - now, 6)
    if drop < DROP_WARNING:
        return None
    critical = drop >= DROP_CRITICAL
    limit = DROP_CRITICAL if critical else DROP_WARNING
    words = (
        f"the score fell {drop:.1f} points in {_figure(DROP_DAYS)} days, from {best:.1f} to {now:.1f}; "
        f"the limit is {_figure(limit)}"
    )
    severity = Severity.CRITICAL if critical else Severity.WARNING
    evidence = {"before": best, "now": now, "drop": round(drop, 1), "limit": limit}
    return Finding(Trigger.SCORE_DROP, severity, words, evidence)


def dropped_over(before: float, now: float | None) -> str:
    """Why it is over, or empty: 10 of the points are made good. before: the score that it fell from."""
    border = before - DROP_WARNING / 2
    return f"the score is {now:.1f} again" if now is not None and now >= border else ""


def usage_fell(before: float | None, now: float | None, name: str, unit: str = "") -> Finding | None:
    """Usage fell by half or more. before: what it was 3 days earlier; name, unit: of the metric, in words."""
    if before is None or now is None or before < USAGE_LEAST:
        return None
    fall = round((before - now) / before * 100, 6)
    if fall < USAGE_FALL:
        return None
    words = (
        f"{name} fell {_figure(fall)} % over {_figure(USAGE_DAYS)} days, from {before:.4g}{unit} to "
        f"{now:.4g}{unit}; the limit is {_figure(USAGE_FALL)} %"
    )
    evidence = {"before": before, "now": now, "fall": round(fall, 1), "limit": USAGE_FALL}
    return Finding(Trigger.USAGE_FALL, Severity.CRITICAL, words, evidence)


def usage_fell_over(before: float, now: float | None) -> str:
    """Why it is over, or empty: usage is back at 60 % of what it was, or more."""
    border = before * (1 - (USAGE_FALL - 10) / 100)
    return f"usage is at {now:.4g} again" if now is not None and now >= border else ""


def below_threshold(
    category: str, title: str, before: float | None, now: float | None, limit: float
) -> Finding | None:
    """A category's score fell below its threshold: it was there or above with the score before."""
    if before is None or now is None or not now < limit <= before:
        return None
    words = f"{title} fell from {before:.1f} to {now:.1f}, below its threshold of {_figure(limit)}"
    evidence: dict[str, float | str] = {"category": category, "before": before, "now": now, "limit": limit}
    return Finding(Trigger.CATEGORY_THRESHOLD, Severity.WARNING, words, evidence, category)


def below_threshold_over(now: float | None, limit: float) -> str:
    """Why it is over, or empty: the category is 3 points above its threshold, or at 100."""
    border = min(limit + MARGIN, 100.0)
    return f"it is {now:.1f} again" if now is not None and now >= border else ""


def churn_risk(probability: float | None) -> Finding | None:
    """The probability to leave is above 80; probability: in percent, None without a prediction."""
    if probability is None or probability <= CHURN_ABOVE:
        return None
    words = f"the probability to leave is {probability:.0f} %; the limit is {_figure(CHURN_ABOVE)} %"
    evidence = {"probability": round(probability, 1), "limit": CHURN_ABOVE}
    return Finding(Trigger.CHURN_RISK, Severity.CRITICAL, words, evidence)


def churn_risk_over(probability: float | None) -> str:
    """Why it is over, or empty: the probability is 75 % or less."""
    below = probability is not None and probability <= CHURN_ABOVE - CHURN_MARGIN
    return f"the probability to leave is {probability:.0f} %" if below else ""


def worth_a_look(before: ArrayLike, now: ArrayLike) -> NDArray[np.bool_]:
    """Of n customers, whose score fell so that `fell_below` or `dropped` may find something.

    before, now: (n,) the score before and the one now, NaN where there is none.
    """
    was, is_now = np.asarray(before, dtype=np.float64), np.asarray(now, dtype=np.float64)
    below = (is_now < CRITICAL_BELOW) & (was >= CRITICAL_BELOW)
    low_enough = is_now <= 100.0 - DROP_WARNING
    return np.asarray(below | ((was - is_now >= LEAST_STEP) & low_enough), dtype=np.bool_)


def _figure(number: float) -> str:
    """A figure without needless decimals: 48, 51.5. Rounded down, so that a limit never seems reached."""
    tenths = int(number * 10 + 1e-6) / 10
    return f"{tenths:.0f}" if tenths == int(tenths) or tenths >= 100 else f"{tenths:.1f}"
