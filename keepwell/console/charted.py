"""Charts of health scores: what `static/charts.js` draws, and a scale on which a month can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import ceil, floor

WHOLE = (0, 100, 25)
"""From, to, and the step between lines, for scores that went far."""


def score_chart(name: str, points: Sequence[tuple[date, float | None]]) -> dict[str, object]:
    """A line of scores by day; None is a gap.

    Its axis begins where the scores do, in round steps that are written beside it. The ground below the line
    is filled only where that ground is zero: elsewhere its height would say nothing.
    """
    known = [score for _, score in points if score is not None]
    low, high, step = score_axis(known)
    data = [None if score is None else round(score, 1) for _, score in points]
    return {
        "type": "line",
        "labels": [f"{day.day} {day:%b}" for day, _ in points],
        "min": low,
        "max": high,
        "interval": step,
        "unit": "points",
        "series": [{"name": name, "data": data, "area": low == 0}],
    }


def score_axis(scores: Sequence[float]) -> tuple[int, int, int]:
    """From, to, and the step between lines: at least 20 points, so that a wobble looks like one."""
    if not scores or max(scores) - min(scores) > 40:
        return WHOLE
    step = 5 if max(scores) - min(scores) <= 15 else 10
    low, high = floor(min(scores) / step) * step, ceil(max(scores) / step) * step
    while high - low < 4 * step:
        if high < 100:
            high += step
        if low > 0 and high - low < 4 * step:
            low -= step
    return low, high, step
