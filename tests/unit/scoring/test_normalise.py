"""Points of raw values and back, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.normalise import Linear, Steps, Table, higher_is_better, points_of, raw_for

TREND = Table(points=((-50.0, 0.0), (0.0, 60.0), (25.0, 100.0)))
FLAT_TOP = Table(points=((0.0, 10.0), (1.0, 10.0), (2.0, 90.0), (5.0, 90.0)))
LOGIN = Steps(better="lower", points=((1.0, 100.0), (7.0, 75.0), (30.0, 50.0)))
MEETINGS = Steps(better="higher", points=((1.0, 40.0), (4.0, 100.0)), otherwise=5.0)
ERRORS = Linear(worst=4.0, best=0.0)
RULES = [TREND, FLAT_TOP, LOGIN, MEETINGS, ERRORS, Linear(worst=0.0, best=60.0), Linear(worst=-0.3, best=0.7)]


@pytest.mark.parametrize(
    ("rule", "raw", "points"),
    [
        (Linear(worst=0.0, best=60.0), 48, 80),  # 48 / 60
        (Linear(worst=0.0, best=60.0), -5, 0),
        (Linear(worst=0.0, best=60.0), 1e300, 100),
        (ERRORS, 1, 75),  # (4 - 1) / 4
        (ERRORS, 9, 0),
        (TREND, -50, 0),
        (TREND, -25, 30),  # halfway from 0 to 60
        (TREND, 0, 60),
        (TREND, 12.5, 80),  # halfway from 60 to 100
        (TREND, 1000, 100),
        (FLAT_TOP, 0.5, 10),
        (FLAT_TOP, 1.5, 50),
        (LOGIN, 1, 100),
        (LOGIN, 1.01, 75),
        (LOGIN, 7, 75),
        (LOGIN, 30, 50),
        (LOGIN, 31, 0),
        (MEETINGS, 0, 5),
        (MEETINGS, 1, 40),
        (MEETINGS, 3.9, 40),
        (MEETINGS, 4, 100),
    ],
)
def test_points(rule: Linear | Table | Steps, raw: float, points: float) -> None:
    assert points_of(rule, np.array([float(raw)]))[0] == pytest.approx(points, abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "points", "raw"),
    [
        (Linear(worst=0.0, best=60.0), 80, 48),
        (ERRORS, 80, 0.8),
        (TREND, 80, 12.5),
        (TREND, 0, -50),
        (FLAT_TOP, 50, 1.5),
        (FLAT_TOP, 95, 2),  # 90 is the most there is: the least demanding value that gives it
        (LOGIN, 80, 1),
        (LOGIN, 75, 7),
        (MEETINGS, 80, 4),
        (MEETINGS, 40, 1),
    ],
)
def test_the_raw_value_for_points(rule: Linear | Table | Steps, points: float, raw: float) -> None:
    assert raw_for(rule, points) == pytest.approx(raw)


@given(rule=st.sampled_from(RULES), points=st.floats(0, 90))
def test_the_raw_value_gives_the_points_it_is_for(rule: Linear | Table | Steps, points: float) -> None:
    assert points_of(rule, np.array([raw_for(rule, points)]))[0] >= points - 1e-9


@given(
    rule=st.sampled_from(RULES),
    first=st.floats(allow_nan=False, allow_infinity=False),
    second=st.floats(allow_nan=False, allow_infinity=False),
    step=st.integers(0, 3),
)
def test_a_better_value_never_gets_fewer_points(
    rule: Linear | Table | Steps, first: float, second: float, step: int
) -> None:
    # Neighbouring floats too, where rounding would show.
    near = first
    for _ in range(step):
        near = min(math.nextafter(near, math.inf), 1e308)
    raws = np.array(sorted([first, second, near], reverse=not higher_is_better(rule)))
    points = points_of(rule, raws)
    assert np.all(np.diff(points) >= 0)
    assert np.all((points >= 0) & (points <= 100))


def test_tables_agree_with_plain_interpolation() -> None:
    raws = np.linspace(-60, 30, 1001)
    expected = np.interp(raws, [-50, 0, 25], [0, 60, 100])
    np.testing.assert_allclose(points_of(TREND, raws), expected, atol=1e-12)
