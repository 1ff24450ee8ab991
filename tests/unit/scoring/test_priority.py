"""How urgently somebody should step in: the borders, and the sentence that says which one decided."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.priority import Priority, intervention_priority

SCORES = st.floats(0, 100)
CHANCES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("score", "churn", "priority"),
    [
        (24.999, None, "critical"),
        (25, None, "high"),
        (49.999, None, "high"),
        (50, None, "medium"),
        (69.999, None, "medium"),
        (70, None, "low"),
        (None, 0.701, "critical"),
        (None, 0.70, "high"),
        (None, 0.501, "high"),
        (None, 0.50, "medium"),
        (None, 0.301, "medium"),
        (None, 0.30, "low"),
        (90, 0.71, "critical"),
        (20, 0.01, "critical"),
        (60, 0.55, "high"),
        (0, 1, "critical"),
        (100, 0, "low"),
    ],
)
def test_borders(score: float | None, churn: float | None, priority: str) -> None:
    found = intervention_priority(score, churn)
    assert found is not None
    assert found.priority == priority


def test_the_reason_names_what_decided() -> None:
    def reason(score: float | None, churn: float | None = None) -> str:
        found = intervention_priority(score, churn)
        assert found is not None
        return found.reason

    assert reason(12.34) == "the health score 12.3 is below 25"
    assert reason(90, 0.714) == "the probability of leaving, 71.4 %, is above 70 %"
    assert reason(20, 0.9) == (
        "the health score 20 is below 25 and the probability of leaving, 90 %, is above 70 %"
    )
    # What decides alone is told alone: 60 would be medium only.
    assert reason(60, 0.55) == "the probability of leaving, 55 %, is above 50 %"
    assert reason(82, 0.12) == (
        "the health score 82 is 70 or more and the probability of leaving, 12 %, is 30 % or less"
    )
    assert reason(70) == "the health score 70 is 70 or more"


def test_a_number_is_told_so_that_it_is_not_the_border() -> None:
    found = intervention_priority(24.98)
    assert found is not None
    assert found.reason == "the health score 24.98 is below 25"
    closest = intervention_priority(49.99996, 0.500001)
    assert closest is not None
    assert closest.reason == (
        "the health score 49.99996 is below 50 and the probability of leaving, 50.0001 %, is above 50 %"
    )


def test_a_score_that_is_25_on_paper_is_25() -> None:
    found = intervention_priority(24.999999999999996)
    assert found is not None
    assert found.priority is Priority.HIGH


def test_nothing_known_is_no_priority() -> None:
    assert intervention_priority(None, None) is None


@pytest.mark.parametrize(
    ("score", "churn"), [(-1, None), (101, None), (math.nan, None), (50, 1.1), (None, -0.1)]
)
def test_numbers_out_of_range_are_refused(score: float | None, churn: float | None) -> None:
    with pytest.raises(ValueError, match="is a number from 0 to"):
        intervention_priority(score, churn)


@given(SCORES, SCORES, CHANCES, CHANCES)
def test_worse_figures_are_never_less_urgent(a: float, b: float, c: float, d: float) -> None:
    worse = intervention_priority(min(a, b), max(c, d))
    better = intervention_priority(max(a, b), min(c, d))
    assert worse is not None
    assert better is not None
    assert worse.priority.rank <= better.priority.rank
