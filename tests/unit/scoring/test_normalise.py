"""Points of raw values and back, worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scoring.normalise import (
    HalfLife,
    Linear,
    Logarithm,
    Rule,
    Steps,
    Table,
    higher_is_better,
    points_of,
    raw_for,
    span,
)

TREND = Table(points=((-50.0, 0.0), (0.0, 60.0), (25.0, 100.0)))
FLAT_TOP = Table(points=((0.0, 10.0), (1.0, 10.0), (2.0, 90.0), (5.0, 90.0)))
LOGIN = Steps(better="lower", points=((1.0, 100.0), (7.0, 75.0), (30.0, 50.0)))
MEETINGS = Steps(better="higher", points=((1.0, 40.0), (4.0, 100.0)), otherwise=5.0)
ERRORS = Linear(worst=4.0, best=0.0)
CALLS = Logarithm(worst=0.0, best=63.0)
TICKETS = Logarithm(worst=31.0, best=0.0)
ANSWER = HalfLife(half_life=48.0)
RULES = [
    CALLS,
    TICKETS,
    ANSWER,
    Logarithm(worst=1e3, best=1e5),
    TREND,
    FLAT_TOP,
    LOGIN,
    MEETINGS,
    ERRORS,
    Linear(worst=0.0, best=60.0),
    Linear(worst=-0.3, best=0.7),
]


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
        (CALLS, 0, 0),
        (CALLS, 1, 100 / 6),  # log2(1 + 1) of log2(1 + 63) = 6
        (CALLS, 7, 50),  # log2(1 + 7) = 3
        (CALLS, 63, 100),
        (CALLS, 1e12, 100),
        (CALLS, -5, 0),
        (TICKETS, 0, 100),
        (TICKETS, 3, 60),  # 1 - 2 / 5
        (TICKETS, 31, 0),
        (Logarithm(worst=9.0, best=999.0), 99, 50),  # 10, 100, 1,000
        (ANSWER, 0, 100),
        (ANSWER, -1, 100),
        (ANSWER, 48, 50),
        (ANSWER, 72, 100 / 8**0.5),  # one and a half times: half, and of that the root of a half
        (ANSWER, 480, 100 / 1024),
        (ANSWER, 1e300, 0),
    ],
)
def test_points(rule: Rule, raw: float, points: float) -> None:
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
        (CALLS, 50, 7),
        (CALLS, 0, 0),
        (CALLS, 100, 63),
        (TICKETS, 80, 1),  # 1 - log2(2) / 5
        (TICKETS, 100, 0),
        (ANSWER, 50, 48),
        (ANSWER, 100, 0),
        (ANSWER, 0, 480),  # 0 points are never reached: ten halvings are called its worst value
    ],
)
def test_the_raw_value_for_points(rule: Rule, points: float, raw: float) -> None:
    assert raw_for(rule, points) == pytest.approx(raw)


@given(rule=st.sampled_from(RULES), points=st.floats(0, 90))
def test_the_raw_value_gives_the_points_it_is_for(rule: Rule, points: float) -> None:
    assert points_of(rule, np.array([raw_for(rule, points)]))[0] >= points - 1e-9


@given(
    rule=st.sampled_from(RULES),
    first=st.floats(allow_nan=False, allow_infinity=False),
    second=st.floats(allow_nan=False, allow_infinity=False),
    step=st.integers(0, 3),
)
def test_a_better_value_never_gets_fewer_points(rule: Rule, first: float, second: float, step: int) -> None:
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


RAWS = st.floats(-1e12, 1e12)
NOT_NEGATIVE = st.floats(0, 1e12)


@st.composite
def corners(draw: st.DrawFn) -> Rule | None:
    """Any table or steps a file may hold; None for a table that is refused."""
    raws = sorted(draw(st.lists(RAWS, min_size=2, max_size=6, unique=True)))
    gained = sorted(draw(st.lists(st.floats(0, 100), min_size=len(raws), max_size=len(raws), unique=True)))
    rising = draw(st.booleans())
    pairs = tuple(zip(raws, gained if rising else gained[::-1], strict=True))
    if draw(st.booleans()):
        return or_none(Table, points=pairs)
    worst = pairs[0] if rising else pairs[-1]
    steps = tuple(pair for pair in pairs if pair != worst)
    return or_none(Steps, better="higher" if rising else "lower", points=steps, otherwise=worst[1])


def or_none(kind: type[Rule], **values: object) -> Rule | None:
    """A rule, or None where these values are refused."""
    try:
        return kind.model_validate(values)
    except ValidationError:
        return None


ANY_RULE = st.one_of(
    corners(),
    st.builds(or_none, st.just(Linear), worst=RAWS, best=RAWS),
    st.builds(or_none, st.just(Logarithm), worst=NOT_NEGATIVE, best=NOT_NEGATIVE),
    st.builds(HalfLife, half_life=st.floats(1e-9, 1e12)),
).filter(lambda rule: rule is not None)


@given(rule=ANY_RULE, data=st.data())
def test_what_holds_for_every_rule_a_file_may_hold(rule: Rule, data: st.DataObject) -> None:
    low, high = span(rule)
    near = st.one_of(st.floats(low, high), st.sampled_from([low, high]))
    raws = data.draw(st.lists(st.one_of(near, st.floats(-1e308, 1e308)), min_size=1, max_size=8))
    raws += [math.nextafter(raw, math.inf) for raw in raws] + [math.nextafter(raw, -math.inf) for raw in raws]
    worst_first = np.array(sorted(raws, reverse=not higher_is_better(rule)))
    points = points_of(rule, worst_first)
    assert np.all((points >= 0) & (points <= 100)), "also says that none is NaN"
    assert np.all(np.diff(points) >= 0)
    alone = [float(points_of(rule, np.array([raw]))[0]) for raw in worst_first]
    assert alone == points.tolist(), "the same bits alone"
    assert points.tolist() == points_of(rule, np.repeat(worst_first, 3)[::3]).tolist(), "and strided"


@given(rule=ANY_RULE, points=st.floats(0, 100))
def test_the_raw_value_for_points_is_one_the_rule_names(rule: Rule, points: float) -> None:
    low, high = span(rule)
    raw = raw_for(rule, points)
    assert low <= raw <= (10 * high if isinstance(rule, HalfLife) else high)
