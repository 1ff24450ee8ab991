"""The stories of the made-up portfolio: how the health of each group of customers went over 90 days.

A story gives the score a customer should have on each of the 90 days, oldest first. Its crossings of
level borders are placed with care: the demo scores the days in `PAST` and today, and what falls
between the last of them and today is what starts playbooks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scoring.arrays import FloatArray

DAYS = 90
PAST = (-30, -7, -1)
"""The earlier days on which the demo scores the portfolio, counted from today."""

_DAY = np.arange(DAYS) - (DAYS - 1)
Path = Callable[[np.random.Generator], FloatArray]


@dataclass(frozen=True, slots=True)
class Story:
    """A group of customers that fare alike.

    `first_day` is the day (0 is today) of their first figures. `only` names the categories that are
    measured, empty for all. `tilt` is how many points a category stands above the score.
    """

    name: str
    count: int
    path: Path
    tilt: tuple[tuple[str, float], ...] = ()
    first_day: int = -(DAYS - 1)
    only: tuple[str, ...] = ()


def _wave(rng: np.random.Generator, size: float) -> FloatArray:
    # Months, not days: a border crossed by chance from one day to the next would be another story.
    length, phase = rng.uniform(35, 60), rng.uniform(0, 2 * np.pi)
    return np.asarray(size * np.sin(2 * np.pi * _DAY / length + phase), dtype=np.float64)


def steady(low: float, high: float) -> Path:
    """About the same all the time, between `low` and `high`."""
    return lambda rng: rng.uniform(low + 1, high - 1) + _wave(rng, 1.0)


def slide(before: tuple[float, float], after: tuple[float, float], begin: int, end: int) -> Path:
    """From one height to another between two days, and steady outside of them."""

    def path(rng: np.random.Generator) -> FloatArray:
        start, stop = rng.uniform(*before), rng.uniform(*after)
        part = np.clip((_DAY - begin) / (end - begin), 0.0, 1.0)
        smooth = part * part * (3 - 2 * part)
        return np.asarray(start + (stop - start) * smooth, dtype=np.float64) + _wave(rng, 0.6)

    return path


def drop(before: tuple[float, float], eve: tuple[float, float], today: tuple[float, float]) -> Path:
    """Down to `eve` over the last four weeks, and from there to `today` overnight."""

    def path(rng: np.random.Generator) -> FloatArray:
        scores = slide(before, eve, -28, -3)(rng)
        scores[-1] = rng.uniform(*today)
        return scores

    return path


_USAGE_FIRST = (("usage", -9.0), ("business", 14.0), ("relationship", 4.0))
_NO_MONEY = (("business", -8.0), ("engagement", -4.0), ("usage", 3.0))
_POWER = (("usage", 10.0), ("relationship", -14.0))

STORIES = (
    # 39 customers that end thriving
    Story("thriving", 20, steady(83, 94)),
    Story("power user", 12, steady(85, 93), _POWER),
    Story("grown", 5, slide((66, 72), (84, 90), -75, -40)),
    Story("better today", 2, drop((68, 73), (73, 76), (84.5, 88))),
    # 79 customers that end healthy
    Story("healthy", 58, steady(64, 77)),
    Story("newcomer", 8, slide((46, 55), (68, 76), -38, -12), (("relationship", 10.0),), first_day=-40),
    Story("recovered", 10, slide((46, 54), (66, 74), -65, -35)),
    Story("recovered today", 3, drop((44, 50), (54, 57), (64.5, 69))),
    # 43 customers that end at risk
    Story("at risk", 14, steady(44, 56)),
    Story("slow decline", 19, slide((68, 76), (47, 55), -70, -12), _USAGE_FIRST),
    Story("slips today", 10, drop((68, 75), (62.5, 65), (47, 56)), _USAGE_FIRST),
    # 24 customers that end high risk
    Story("high risk", 8, steady(24, 36)),
    Story("long decline", 13, slide((62, 72), (26, 35), -75, -10), _USAGE_FIRST),
    Story("falls today", 3, drop((56, 62), (45, 49), (29, 35)), _NO_MONEY),
    # 11 customers that end critical
    Story("critical", 4, steady(8, 16)),
    Story("fell last week", 2, slide((26, 34), (6, 10), -16, -8), _NO_MONEY),
    Story("cliff", 5, drop((44, 58), (27, 33), (9.5, 17))),
    # 4 customers that end with too little data
    Story("hardly measured", 4, steady(50, 70), only=("business", "relationship")),
)
