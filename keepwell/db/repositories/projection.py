"""When a plan is used up, if its use goes on rising as it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import linear_regression

LIMIT = 100.0
"""Percent of the plan."""

LOOKED_BACK = timedelta(days=60)
LEAST_VALUES = 3
LEAST_SPAN = timedelta(days=7)
FARTHEST = timedelta(days=180)
"""A trend is not stretched further than this."""

RESET = 20.0
"""A fall by more percentage points than this is a new counting period, not a change of habits."""

PERIOD = timedelta(days=31)
"""The longest that a counting period is taken for, where one has begun within the values."""

DAY = timedelta(days=1)


def used_up_at(series: Sequence[tuple[datetime, float]], now: datetime) -> datetime | None:
    """The moment at which a use in percent reaches 100, or None where nothing can be said.

    series: (moment, percent), oldest first. The slope is that of the least squares line through the values
    of the last 60 days, and is laid against the newest value. At least 3 values over at least 7 days, a
    rise, and a moment after `now` and within 180 days are needed. Where the use has been reset (it fell by
    more than 20 points), only the values since then count, and a moment in the next period is none.
    """
    recent = [(at, value) for at, value in series if now - LOOKED_BACK <= at <= now]
    begun = max((i for i in range(1, len(recent)) if recent[i - 1][1] - recent[i][1] > RESET), default=0)
    period = recent[begun:]
    if len(period) < LEAST_VALUES or period[-1][0] - period[0][0] < LEAST_SPAN:
        return None
    rise = _slope(period)
    last_at, last = period[-1]
    days = (LIMIT - last) / rise if rise > 0 else math.inf
    if not 0 < days <= FARTHEST / DAY:
        return None
    moment = last_at + days * DAY
    if moment <= now or (begun and moment > period[0][0] + PERIOD):
        return None
    return moment


def _slope(series: Sequence[tuple[datetime, float]]) -> float:
    """Percentage points a day: the least squares slope."""
    days = [(at - series[0][0]) / DAY for at, _ in series]
    return linear_regression(days, [value for _, value in series]).slope
