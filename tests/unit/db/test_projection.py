"""The day a plan is used up, worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keepwell.db.repositories.projection import used_up_at

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def series(*values: tuple[float, float]) -> list[tuple[datetime, float]]:
    """(days before now, percent), oldest first."""
    return [(NOW - days * DAY, percent) for days, percent in values]


def test_an_even_rise() -> None:
    # 5 points a week; 20 points are left: 4 weeks.
    rise = series((28, 60), (21, 65), (14, 70), (7, 75), (0, 80))
    assert used_up_at(rise, NOW) == NOW + 28 * DAY


def test_an_uneven_rise_takes_the_least_squares_slope_from_the_newest_value() -> None:
    # Days 0, 10, 20 with 70, 90, 86: sum of (day - 10)(value - 82) is 120 + 40 = 160, of squares 200.
    # So 0.8 points a day, and 14 points from 86: 17.5 days.
    assert used_up_at(series((20, 70), (10, 90), (0, 86)), NOW) == NOW + 17.5 * DAY


def test_a_newest_value_that_is_some_days_old_counts_from_its_own_day() -> None:
    # 1 point a day, 85 four days ago: 15 days from then.
    assert used_up_at(series((24, 65), (14, 75), (4, 85)), NOW) == NOW + 11 * DAY


def test_after_a_reset_only_the_new_period_counts() -> None:
    # Reset ten days ago to 62, then 3 points a day to 92: 8 points are left, 2 2/3 days.
    reset = series((16, 80), (13, 97), (10, 62), (5, 77), (0, 92))
    found = used_up_at(reset, NOW)
    assert found is not None
    assert abs(found - (NOW + 8 / 3 * DAY)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((), id="nothing measured"),
        pytest.param(((10, 70), (0, 80)), id="two values"),
        pytest.param(((6, 70), (3, 75), (0, 80)), id="less than a week"),
        pytest.param(((20, 90), (10, 88), (0, 86)), id="it falls"),
        pytest.param(((20, 85), (10, 85), (0, 85)), id="it stands still"),
        pytest.param(((20, 90), (10, 96), (0, 101)), id="used up already"),
        pytest.param(((20, 81), (10, 81.2), (0, 81.4)), id="2.5 years away"),
        pytest.param(((90, 20), (80, 50), (70, 80)), id="all of it too old"),
        # 1 point a day and 25 to go: the 25th day is 42 days after the reset.
        pytest.param(((20, 95), (17, 58), (8, 67), (0, 75)), id="beyond the period's end"),
        # The line reaches 100 two days ago.
        pytest.param(((24, 78), (14, 88), (4, 98)), id="a day that is past"),
    ],
)
def test_nothing_is_said_where_nothing_can_be(values: tuple[tuple[float, float], ...]) -> None:
    assert used_up_at(series(*values), NOW) is None
