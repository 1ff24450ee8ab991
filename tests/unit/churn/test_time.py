"""The time to churn at its edges: durations that are missing, all alike or all 0, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scoring.churn.errors import TableError
from scoring.churn.evaluate import evaluate
from scoring.churn.survive import c_index, mean_known, positive
from scoring.churn.table import describe
from scoring.churn.timing import _landmark, _landmarks
from tests.unit.churn.conftest import MAPPING, QUICK


def test_what_nobody_can_tell_does_not_count_as_held() -> None:
    dice = np.random.default_rng(1)
    left, told = dice.random(400) < 0.5, dice.random(400)
    none, some, every = (np.arange(400) < count for count in (0, 20, 400))
    closed = _landmark(0.0, left, told, every, 0.9)
    assert closed.within == pytest.approx(1 - closed.before - closed.after)
    few = _landmark(0.0, left, told, some, 0.9)
    assert (few.closed, np.isnan(few.after), np.isnan(few.within)) == (0.05, True, True)
    beyond = _landmark(0.0, left, told, none, 0.9)
    assert (beyond.closed, beyond.within) == (0.0, 1 - beyond.before)
    nobody = _landmark(0.0, np.zeros(400, dtype=bool), told, every, 0.9)
    assert np.isnan([nobody.before, nobody.after, nobody.within]).all()
    assert _landmark(0.0, left[:0], told[:0], none[:0], 0.9).customers == 0


def test_unknown_durations_stay_unknown() -> None:
    found = positive(np.array([0.0, np.nan, 2.0, 6.0, 6.0]))
    assert found.tolist()[:1] + found.tolist()[2:] == [1.0, 2.0, 6.0, 6.0]
    assert np.isnan(found[1])
    assert _landmarks(np.array([np.nan] * 90 + [8.0] * 10)) == (0.0, 8.0), "of those known only"


def test_an_order_that_cannot_be_told() -> None:
    curves, grid = np.full((3, 2), 0.5), np.array([1.0, 2.0])
    assert np.isnan(c_index(np.array([1.0, 2.0, 3.0]), np.zeros(3, dtype=bool), grid, curves))
    # One left, and nobody was seen for as long: there are pairs, but none that compares.
    last = np.array([False, False, True])
    assert np.isnan(c_index(np.array([1.0, 2.0, 3.0]), last, grid, curves))
    assert mean_known([0.5, float("nan"), 0.7]) == pytest.approx(0.6)
    assert np.isnan(mean_known([float("nan")]))


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (None, "column months: 0 customers who left and 0 who stayed have a duration"),
        (" ", "column months: 0 customers who left and 0 who stayed have a duration"),
        (0, "column months: no duration is above 0 months"),
        (12, "column months: all durations are 12 months"),
    ],
)
def test_durations_that_say_nothing_are_refused(customers: pd.DataFrame, months: object, words: str) -> None:
    with pytest.raises(TableError, match=words):
        describe(customers.assign(months=months), MAPPING)


def test_durations_of_a_few_are_refused_and_of_many_are_enough(customers: pd.DataFrame) -> None:
    some = customers.copy()
    left = (some["left"] == "Yes").to_numpy()
    some.loc[np.flatnonzero(left)[15:], "months"] = np.nan
    with pytest.raises(TableError, match=r"months: 15 customers who left and .* needs 20 of each"):
        describe(some, MAPPING)
    holes = customers.copy()
    holes.loc[::4, "months"] = np.nan
    found = evaluate(holes, MAPPING, QUICK, measure_truth=False).survival
    assert found is not None
    assert found.coverage[0].customers == 450
    assert found.c_index > 0.65
