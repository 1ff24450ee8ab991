"""Percentiles among similar customers: mid-ranks, groups, what is missing, and too few others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.arrays import FloatArray
from scoring.benchmark import in_good_direction, percentile, percentile_ranks
from scoring.load import builtin

NAN = math.nan


def column(*values: float) -> FloatArray:
    return np.array(values)[:, None]


def test_the_share_of_the_others_who_are_worse() -> None:
    ranks = percentile_ranks(column(10, 20, 30, 40, 50, 60), ["a"] * 6)
    assert ranks[:, 0].tolist() == [0, 20, 40, 60, 80, 100]


def test_equal_others_count_half() -> None:
    # Of the five others of a 20, one is worse and two are equal: (1 + 2 / 2) / 5.
    ranks = percentile_ranks(column(10, 20, 20, 20, 50, 60), ["a"] * 6)
    assert ranks[:, 0].tolist() == [0, 40, 40, 40, 80, 100]
    assert percentile_ranks(column(*[7] * 6), [1] * 6)[:, 0].tolist() == [50] * 6


def test_groups_are_apart_and_the_missing_count_for_nobody() -> None:
    values = column(1, 2, 3, 4, 5, 6, NAN, 100, 200, 300)
    groups = ["a"] * 7 + ["b"] * 3
    ranks = percentile_ranks(values, groups)[:, 0]
    assert ranks[:6].tolist() == [0, 20, 40, 60, 80, 100]
    # One is missing itself; the others of b have two others each, and five are needed.
    assert np.isnan(ranks[6:]).all()
    assert percentile_ranks(values, groups, 2)[7:, 0].tolist() == [0, 50, 100]


def test_nobody_and_wrong_shapes() -> None:
    assert percentile_ranks(np.empty((0, 3)), []).shape == (0, 3)
    assert np.isnan(percentile_ranks(column(1), ["a"])).all()
    with pytest.raises(ValueError, match="both need n rows"):
        percentile_ranks(column(1, 2), ["a"])
    with pytest.raises(ValueError, match="fewest must be at least 1"):
        percentile_ranks(column(1), ["a"], 0)


def test_counts_give_the_same() -> None:
    assert percentile(1, 2, 5) == 40
    assert percentile(1, 2, 4) is None
    assert percentile(0, 0, 0, fewest=0) is None


def test_a_lower_value_is_the_better_one_where_the_scorecard_says_so() -> None:
    card = builtin("customer-success")
    at = card.metric_names.index("days_since_last_login")
    up = card.metric_names.index("monthly_active_users")
    values = np.ones((1, len(card.metrics)))
    turned = in_good_direction(card, values)
    assert (turned[0, at], turned[0, up]) == (-1, 1)


FIGURES = arrays(
    np.float64,
    st.tuples(st.integers(0, 40), st.just(2)),
    elements=st.one_of(st.integers(-3, 3).map(float), st.just(NAN), st.just(math.inf)),
)


@given(FIGURES, st.data())
def test_as_counted_one_by_one(values: FloatArray, data: st.DataObject) -> None:
    groups = data.draw(st.lists(st.integers(0, 2), min_size=len(values), max_size=len(values)))
    ranks = percentile_ranks(values, groups, 3)
    for row in range(len(values)):
        for figure in range(2):
            own = values[row, figure]
            others = [
                values[other, figure]
                for other in range(len(values))
                if other != row and groups[other] == groups[row] and not math.isnan(values[other, figure])
            ]
            worse, equal = sum(one < own for one in others), sum(one == own for one in others)
            wanted = None if math.isnan(own) else percentile(worse, equal, len(others), 3)
            found = ranks[row, figure]
            assert (None if math.isnan(found) else found) == wanted


@given(FIGURES)
def test_the_order_of_the_customers_changes_nothing(values: FloatArray) -> None:
    groups = np.arange(len(values)) % 2
    order = np.random.default_rng(len(values)).permutation(len(values))
    one = percentile_ranks(values, groups, 1)
    other = percentile_ranks(values[order], groups[order], 1)
    assert one[order].tobytes() == other.tobytes()
