"""The flapping guard, case by case. Severities: 0 THRIVING, 1 HEALTHY, 2 AT_RISK, 3 HIGH_RISK, 4 CRITICAL."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.guard import hold_levels
from scoring.load import builtin
from scoring.scorecard import Guard, Scorecard

CARD = builtin("intervention")


def hold(card: Scorecard, score: float, held: int, previous: int) -> int:
    raw = -1 if np.isnan(score) else card.level_of(score).severity
    return int(hold_levels(card, [score], [raw], [held], [previous])[0])


@pytest.mark.parametrize(
    ("score", "held", "previous", "result", "why"),
    [
        (15, -1, -1, 4, "the first level is the baseline"),
        (81, -1, 4, 0, "the baseline needs no margin"),
        (59.9, 1, 1, 2, "worse takes effect at once"),
        (5, 0, 0, 4, "worse by several levels as well"),
        (65, 1, 2, 1, "the same level stays"),
        (41, 3, 3, 3, "better, but only 1 point above 40 and yesterday was worse"),
        (42.99, 3, 3, 3, "just below the margin"),
        (43, 3, 3, 2, "3 points above the border are enough"),
        (42.9999999999, 3, 3, 2, "judged to six decimals"),
        (41, 3, 2, 2, "two daily scores agree"),
        (41, 3, 1, 2, "yesterday was even better, so both were at least AT_RISK"),
        (41, 3, -1, 3, "yesterday is unknown"),
        (81, 2, 1, 1, "81 is not 83, yesterday was HEALTHY: two days confirm HEALTHY"),
        (81, 2, 2, 1, "81 lies well above 63, so HEALTHY is clear, THRIVING is not yet"),
        (83, 4, 4, 0, "clear of every border"),
        (61, 4, 4, 2, "61 is clear of 43, not of 63"),
        (81, 4, 3, 1, "yesterday's HIGH_RISK does not matter, 81 is clear of 63"),
        (np.nan, 3, 2, 3, "insufficient data keeps the level in force"),
        (np.nan, -1, -1, -1, "nothing known, nothing in force"),
    ],
)
def test_held_level(score: float, held: int, previous: int, result: int, why: str) -> None:
    assert hold(CARD, score, held, previous) == result, why


def test_oscillating_around_a_border_changes_the_level_once() -> None:
    held, previous, seen = -1, -1, []
    for score in (41.0, 39.0, 41.0, 39.0, 42.0, 39.5):
        held, previous = hold(CARD, score, held, previous), CARD.level_of(score).severity
        seen.append(held)
    assert seen == [2, 3, 3, 3, 3, 3]


def with_guard(margin: float, days: int) -> Scorecard:
    return CARD.model_copy(update={"guard": Guard(margin=margin, agreeing_days=days)})


@pytest.mark.parametrize(
    ("card", "score", "previous", "result"),
    [
        (with_guard(3.0, 1), 40, -1, 2),  # today is enough
        (with_guard(0.0, 2), 40, -1, 2),  # no margin: on the border is enough
        (with_guard(10.0, 2), 49.9, -1, 3),
        (with_guard(10.0, 2), 50, -1, 2),
    ],
)
def test_the_guard_is_set_by_the_scorecard(card: Scorecard, score: float, previous: int, result: int) -> None:
    assert hold(card, score, 3, previous) == result


def test_levels_the_scorecard_does_not_use_are_never_given(small: Scorecard) -> None:
    # small has HEALTHY 60, AT_RISK 40, CRITICAL 0; 41 is no clear AT_RISK, and there is no HIGH_RISK between
    assert hold(small, 41, 4, 4) == 4
    assert hold(small, 41, 4, 3) == 4
    assert hold(small, 43, 4, 4) == 2


@given(score=st.floats(0, 100), held=st.integers(-1, 4), previous=st.integers(-1, 4), margin=st.floats(0, 20))
def test_between_raw_and_before(score: float, held: int, previous: int, margin: float) -> None:
    card = with_guard(margin, 2)
    raw = card.level_of(score).severity
    result = hold(card, score, held, previous)
    assert raw <= result <= max(raw, held)
    # a customer's result does not depend on who stands beside
    many = hold_levels(card, [50.0, score], [2, raw], [3, held], [1, previous])
    assert many.dtype == np.int8
    assert many[1] == result


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: hold_levels(CARD, [50.0], [2, 2], [2], [2]), "one shape"),
        (lambda: hold_levels(CARD, [50.0], [5], [2], [2]), "raw_level must hold -1"),
        (lambda: hold_levels(CARD, [50.0], [2], [np.nan], [2]), "held_before must hold -1"),
    ],
)
def test_wrong_arrays_are_refused(call: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()
