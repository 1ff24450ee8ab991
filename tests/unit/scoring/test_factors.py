"""Risk factors, targets and how values read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.factors import risk_factors, success_words, target_value
from scoring.kernel import score_many
from scoring.scorecard import Scorecard
from scoring.summary import summarise
from scoring.units import Unit, format_value

NAN = np.nan


def test_the_costliest_metrics_come_first_and_say_what_they_cost(small: Scorecard) -> None:
    # active 12 of 50 -> 24 points, lost 76 x 0.5 = 38; trend -25 -> 30, lost 17.5; login 1 day -> 100, lost 0
    scores = score_many(small, [[12.0, -25.0, 1.0]])
    factors = risk_factors(
        small, [12.0, -25.0, 1.0], scores.points[0], scores.lost[0], previous_values_row=[31.0, -30.0, NAN]
    )
    assert [factor.words for factor in factors] == [
        "Active rate fell 61 % in 30 days, from 31 % to 12 %, and costs 38.0 points",
        "Trend is -25 % (30 days ago it was -30 %) and costs 17.5 points",
    ]
    first, second = factors
    assert (first.metric, first.category, first.lost, first.points) == ("active", "use", 38.0, 24.0)
    assert (first.fell, second.fell) == (True, False)
    assert (first.low, first.owner) == ("few are active", "csm")


@pytest.mark.parametrize("previous", [NAN, np.inf, 101.0, 12.01, 12.0])
def test_an_unusable_or_equal_earlier_value_is_not_mentioned(small: Scorecard, previous: float) -> None:
    scores = score_many(small, [[12.0, 25.0, 1.0]])
    (factor,) = risk_factors(
        small, [12.0, 25.0, 1.0], scores.points[0], scores.lost[0], [previous, 0.0, 0.0], top=5
    )
    assert factor.words == "Active rate is 12 % and costs 38.0 points"
    assert factor.previous == (previous if previous in {12.01, 12.0} else None)
    assert factor.fell == (previous == 12.01)


def test_small_costs_read_well(small: Scorecard) -> None:
    row = [49.99, 24.375, 1.0]  # lost: 0.02 x 0.5 = 0.01; 25 - 24.375 = 2.5 % of 40 = 1 point x 0.25 = 0.25
    scores = score_many(small, [row])
    trend, active = risk_factors(small, row, scores.points[0], scores.lost[0])
    assert trend.words == "Trend is +24.4 % and costs 0.2 points"
    assert active.words == "Active rate is 50 % and costs less than 0.1 points"


def test_half_a_percent_is_told_by_its_values_not_as_0_percent(small: Scorecard) -> None:
    row = [50.0, 25.0, 201.0]
    scores = score_many(small, [row])
    found = risk_factors(small, row, scores.points[0], scores.lost[0], [50.0, 25.0, 200.0], top=1)
    assert found[0].metric == "last_login"
    assert found[0].change_percent == 0.5
    assert "is 201 days (30 days ago it was 200 days)" in found[0].words


def test_nothing_costs_points_without_a_score(small: Scorecard) -> None:
    row = [NAN, -50.0, NAN]
    scores = score_many(small, [row])
    assert risk_factors(small, row, scores.points[0], scores.lost[0]) == ()
    with pytest.raises(ValueError, match="needs 3"):
        risk_factors(small, row[:2], scores.points[0], scores.lost[0])
    with pytest.raises(ValueError, match="at least 1"):
        risk_factors(small, row, scores.points[0], scores.lost[0], top=0)


def test_the_costliest_of_many(small: Scorecard) -> None:
    rows = [
        [12.0, -25.0, 1.0],  # 38, 17.5, 0
        [50.0, 25.0, 31.0],  # 0, 0, 25
        [50.0, -50.0, 31.0],  # 0, 25, 25: a tie goes by the scorecard's order
        [NAN, NAN, 31.0],  # insufficient
    ]
    assert summarise(small, rows, top=2).top.tolist() == [[0, 1], [2, -1], [1, 2], [-1, -1]]
    assert summarise(small, rows, top=4).top.tolist()[2] == [1, 2, -1, -1]


@given(
    rows=st.lists(
        st.tuples(st.floats(0, 100), st.floats(-90, 90), st.floats(0, 60)).map(list), min_size=1, max_size=5
    )
)
def test_both_ways_name_the_same_metrics(small: Scorecard, rows: list[list[float]]) -> None:
    scores = score_many(small, rows)
    for row, found in enumerate(summarise(small, rows).top.tolist()):
        factors = risk_factors(small, rows[row], scores.points[row], scores.lost[row])
        assert [f.metric for f in factors] == [small.metric_names[i] for i in found if i >= 0]


def test_targets_give_eighty_points(small: Scorecard, intervention: Scorecard) -> None:
    assert target_value(small, "active") == 40.0  # 80 % of 50
    assert target_value(small, "active", points=50) == 25.0
    assert target_value(small, "trend") == 12.5
    assert target_value(small, "last_login") == 1.0  # the first step with 80 or more is 100 at 1 day
    # integrations: 50 at 1, 100 at 3: 80 at 2.2, and there is no 0.2 of an integration
    assert target_value(intervention, "integration_usage") == 3.0
    for name in intervention.metric_names:
        row = [target_value(intervention, name) if m == name else NAN for m in intervention.metric_names]
        points = score_many(intervention, [row]).points[0, intervention.metric_names.index(name)]
        assert points >= 80 - 1e-9, name
    with pytest.raises(KeyError, match="no metric 'x'"):
        target_value(small, "x")
    with pytest.raises(ValueError, match="0 to 100"):
        target_value(small, "active", points=101)


def test_success_in_words(small: Scorecard) -> None:
    assert success_words(small, "active") == "40 % are active."
    assert success_words(small, "trend") == "A change of +12.5 %."
    assert success_words(small, "last_login") == "A login within 1 day."


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.04, Unit.PERCENT, "12 %"),
        (99.96, Unit.PERCENT, "100 %"),
        (-0.04, Unit.PERCENT_CHANGE, "0 %"),
        (5, Unit.PERCENT_CHANGE, "+5 %"),
        (-12.5, Unit.PERCENT_CHANGE, "-12.5 %"),
        (3, Unit.PER_MONTH, "3 a month"),
        (0.356, Unit.RATIO, "0.36"),
        (-0.5, Unit.SENTIMENT, "-0.5"),
        (8.25, Unit.RATING, "8.2"),
        (1234567, Unit.COUNT, "1,234,567"),
        (100, Unit.COUNT, "100"),
        (1234.5, Unit.MONEY, "1,234"),
        (19.99, Unit.MONEY, "19.99"),
        (1, Unit.MONTHS, "1 month"),
        (4, Unit.MONTHS, "4 months"),
        (0, Unit.DAYS, "0 days"),
        (1.5, Unit.HOURS, "1.5 hours"),
        (10, Unit.MINUTES, "10 minutes"),
        (2, Unit.SECONDS, "2 seconds"),
        (250, Unit.MILLISECONDS, "250 ms"),
        (1, Unit.YES_NO, "yes"),
        (0, Unit.YES_NO, "no"),
    ],
)
def test_values_in_words(value: float, unit: Unit, text: str) -> None:
    assert format_value(value, unit) == text


def test_only_finite_values_have_words() -> None:
    with pytest.raises(ValueError, match="finite"):
        format_value(NAN, Unit.PERCENT)
