"""The flapping guard: which level is in force when the score moves around a border."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.arrays import LevelArray, judged
from scoring.levels import LEVELS, UNKNOWN
from scoring.scorecard import Scorecard


def hold_levels(
    card: Scorecard,
    score: ArrayLike,
    raw_level: ArrayLike,
    held_before: ArrayLike,
    previous_day_raw: ArrayLike,
) -> LevelArray:
    """The level in force per customer, as a severity; all arrays are (n,) with -1 for "no level".

    score, raw_level: today's, from score_many. held_before: the level in force until now.
    previous_day_raw: the raw level of the daily score before today's; -1 if there was none.

    - No level in force yet: today's raw level is the baseline.
    - The raw level is worse: it takes effect at once.
    - The raw level is better: the best level L takes effect that is not better than today's raw level and
      that either the score confirms, by lying at least `margin` points above the border where L begins, or
      two daily scores agree on: the previous day's raw level was as good as L or better. With
      agreeing_days = 1 today's score is enough, so a better level takes effect at once.
      If no such L is better than the level in force, that one stays. It never gets worse here.
    - Insufficient data today: the level in force stays.
    Raises ValueError if the arrays differ in shape or hold anything but -1 to 4.
    """
    raw, held, previous = (
        _levels(values, name)
        for values, name in (
            (raw_level, "raw_level"),
            (held_before, "held_before"),
            (previous_day_raw, "previous_day_raw"),
        )
    )
    seen = judged(np.asarray(score, dtype=np.float64))
    if not seen.shape == raw.shape == held.shape == previous.shape:
        raise ValueError(
            "score, raw_level, held_before and previous_day_raw must have one shape, not "
            f"{seen.shape}, {raw.shape}, {held.shape}, {previous.shape}"
        )
    at_once = (raw != UNKNOWN) & ((held == UNKNOWN) | (raw > held))
    result: LevelArray = np.where(at_once, raw, held).astype(np.int8)
    # From the worst level to the best, so that the best one that is confirmed has the last word.
    for severity in sorted({band.level.severity for band in card.bands}, reverse=True):
        candidate = (raw != UNKNOWN) & (raw <= severity) & (severity < held)
        result[candidate & _confirmed(card, severity, seen, previous)] = severity
    return result


def _confirmed(
    card: Scorecard, severity: int, seen: NDArray[np.float64], previous: LevelArray
) -> NDArray[np.bool_]:
    if card.guard.agreeing_days == 1:
        return np.ones(seen.shape, dtype=np.bool_)
    border = min(band.lower for band in card.bands if band.level.severity <= severity)
    clear: NDArray[np.bool_] = seen >= round(border + card.guard.margin, 6)
    agreed: NDArray[np.bool_] = (previous != UNKNOWN) & (previous <= severity)
    return clear | agreed


def _levels(values: ArrayLike, name: str) -> LevelArray:
    levels = np.asarray(values)
    if levels.size and not (np.isin(levels, np.arange(UNKNOWN, len(LEVELS))).all()):
        raise ValueError(f"{name} must hold {UNKNOWN} (no level) or severities 0 to {len(LEVELS) - 1}")
    return levels.astype(np.int8)
