"""The trend of scores, worked by hand and against NumPy's own fit."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.arrays import FloatArray
from scoring.trend import DIRECTIONS, Direction, trend_of

NAN = np.nan
WEEKS = (-28.0, -21.0, -14.0, -7.0, 0.0)
NAMED = (*DIRECTIONS, Direction.UNKNOWN)
SCORES = st.one_of(st.floats(0, 100), st.just(NAN))


@pytest.mark.parametrize(
    ("scores", "slope", "change", "direction"),
    [
        # 7 points in 28 days along a straight line are 7.5 in 30
        ([60, 61.75, 63.5, 65.25, 67], 7.5, 7.0, Direction.RISING),
        ([67, NAN, NAN, NAN, 60], -7.5, -7.0, Direction.DECLINING),
        ([60, 60, 60, 60, 60], 0.0, 0.0, Direction.STABLE),
        # x = -14, -7, 0 and y = 50, 56, 53 have the slope 3 / 14 a day: 6.43 in 30 days, 3 within the 14 seen
        ([NAN, NAN, 50, 56, 53], 3 / 14 * 30, 3.0, Direction.STABLE),
        # 5 is enough, either way
        ([55, NAN, NAN, NAN, 60], 5 / 28 * 30, 5.0, Direction.RISING),
        ([60, NAN, NAN, NAN, 55], -5 / 28 * 30, -5.0, Direction.DECLINING),
        ([55.1, NAN, NAN, NAN, 60], 4.9 / 28 * 30, 4.9, Direction.STABLE),
        # the newest is not today's
        ([40, 50, NAN, NAN, NAN], 10 / 7 * 30, 10.0, Direction.RISING),
        ([NAN, NAN, NAN, 40, NAN], NAN, NAN, Direction.UNKNOWN),
        ([NAN] * 5, NAN, NAN, Direction.UNKNOWN),
    ],
)
def test_trends_by_hand(scores: list[float], slope: float, change: float, direction: Direction) -> None:
    trend = trend_of([scores], WEEKS, 5.0)
    np.testing.assert_allclose(trend.slope, [slope], atol=1e-12)
    np.testing.assert_allclose(trend.change, [change], atol=1e-12)
    assert NAMED[trend.direction[0]] is direction


def test_a_point_from_one_day_to_the_next_is_no_trend() -> None:
    trend = trend_of([[60.0, 61.0]], [0.0, 1.0], 5.0)
    assert trend.slope.tolist() == [30.0]
    assert NAMED[trend.direction[0]] is Direction.STABLE


def test_the_threshold_is_the_scorecards() -> None:
    assert [int(trend_of([[50.0, 54.0]], [0, 30], limit).direction[0]) for limit in (4.0, 4.1)] == [2, 1]


@given(value=st.floats(0, 100), known=st.lists(st.booleans(), min_size=12, max_size=12))
def test_equal_scores_are_exactly_level(value: float, known: list[bool]) -> None:
    row = np.where(known, value, NAN)
    trend = trend_of(row[None, :], range(12), 5.0)
    if sum(known) < 2:
        assert trend.direction.tolist() == [-1]
    else:
        assert (trend.slope.tolist(), trend.direction.tolist()) == ([0.0], [1])


@given(scores=arrays(np.float64, (5, 11), elements=SCORES))
def test_the_slope_is_that_of_least_squares(scores: FloatArray) -> None:
    days = np.array([0, 1, 2, 4, 7, 8, 9, 15, 20, 29, 30], dtype=np.float64)
    trend = trend_of(scores, days.tolist(), 5.0)
    for row, slope in zip(scores, trend.slope, strict=True):
        known = ~np.isnan(row)
        if known.sum() < 2:
            assert np.isnan(slope)
        else:
            assert slope == pytest.approx(np.polyfit(days[known], row[known], 1)[0] * 30, abs=1e-8)
    for at in range(len(scores)):
        alone = trend_of(scores[at : at + 1], days.tolist(), 5.0)
        assert alone.slope.tobytes() == trend.slope[at : at + 1].tobytes()
        assert alone.change.tobytes() == trend.change[at : at + 1].tobytes()
        assert alone.direction[0] == trend.direction[at]


def test_many_customers_have_the_trend_of_each_part_of_them() -> None:
    dice = np.random.default_rng(5)
    scores = dice.uniform(0, 100, (34_000, 9))
    scores[dice.random(scores.shape) < 0.4] = NAN
    whole = trend_of(np.asfortranarray(scores), range(9), 5.0)
    assert set(whole.direction.tolist()) == {-1, 0, 1, 2}
    for start, stop in ((0, 7), (32_760, 32_770), (32_768, 34_000)):
        part = trend_of(scores[start:stop], range(9), 5.0)
        assert part.slope.tobytes() == whole.slope[start:stop].tobytes()
        assert part.direction.tobytes() == whole.direction[start:stop].tobytes()


def test_no_customers_or_no_days() -> None:
    assert trend_of(np.empty((0, 2)), [0, 1], 5.0).slope.shape == (0,)
    assert trend_of(np.empty((3, 0)), [], 5.0).direction.tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: trend_of([[1.0, 2.0]], [0.0], 5.0), "must be"),
        (lambda: trend_of([1.0, 2.0], [0.0, 1.0], 5.0), "must be"),
        (lambda: trend_of([[1.0, 2.0]], [1.0, 1.0], 5.0), "that rise"),
        (lambda: trend_of([[1.0, 2.0]], [0.0, NAN], 5.0), "finite"),
        (lambda: trend_of([[1.0, 2.0]], [0.0, 1.0], 0.0), "above 0"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        call()
