"""Expansion signals: worked by hand, at their borders, and whatever the figures are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.signal import Signal, Urgency
from scoring.signals import SIGNAL_METRIC_NAMES, FoundSignal, detect_signals

NAN = math.nan
COLUMNS = len(SIGNAL_METRIC_NAMES)


def row(**figures: float) -> list[float]:
    assert figures.keys() <= set(SIGNAL_METRIC_NAMES)
    return [figures.get(name, NAN) for name in SIGNAL_METRIC_NAMES]


def found(revenue: float = NAN, **figures: float) -> list[FoundSignal]:
    return list(detect_signals([row(**figures)], [revenue]))


@pytest.mark.parametrize(
    ("figures", "revenue", "signal", "urgency", "value", "action", "words"),
    [
        (
            {"usage_percentage": 87, "next_plan_price": 150},
            100,
            "USAGE_LIMIT_APPROACHING",
            Urgency.HIGH,
            600.0,  # (150 - 100) x 12
            "PROACTIVE_UPGRADE_OUTREACH",
            "usage is at 87 % of the plan's limit",
        ),
        (
            {"overage_months": 4, "average_overage": 25.5},
            NAN,
            "CONSISTENT_OVERAGE",
            Urgency.MEDIUM,
            306.0,  # 25.50 x 12
            "ROI_BASED_UPGRADE_PRESENTATION",
            "usage went beyond the plan in 4 months",
        ),
        (
            {"advanced_feature_usage": 0.82, "next_plan_price": 99},
            49,
            "POWER_USER_BEHAVIOR",
            Urgency.MEDIUM,
            600.0,  # (99 - 49) x 12
            "BUSINESS_TIER_PREVIEW_OFFER",
            "82 % of the advanced features are in use",
        ),
        (
            {"active_users": 5, "team_size_estimate": 12},
            NAN,
            "TEAM_EXPANSION_OPPORTUNITY",
            Urgency.HIGH,
            4320.0,  # 12 x 30 a month, x 12
            "TEAM_PLAN_DEMO_SCHEDULING",
            "5 people use it, of a team of about 12",
        ),
        (
            {"integration_requests": 1},
            NAN,
            "INTEGRATION_EXPANSION",
            Urgency.MEDIUM,
            300.0,
            "INTEGRATION_CAPABILITIES_SHOWCASE",
            "1 integration was asked for",
        ),
        (
            {"api_usage_growth_rate": 1.8},
            NAN,
            "API_SCALING_OPPORTUNITY",
            Urgency.LOW,
            600.0,
            "DEVELOPER_SUCCESS_OUTREACH",
            "API use is 1.8 times what it was before",
        ),
    ],
)
def test_each_signal_worked_by_hand(
    figures: dict[str, float],
    revenue: float,
    signal: str,
    urgency: Urgency,
    value: float,
    action: str,
    words: str,
) -> None:
    (one,) = found(revenue, **figures)
    assert (one.signal, one.urgency, one.value) == (Signal(signal), urgency, value)
    assert (one.action, one.words) == (action, words)
    known = figures if math.isnan(revenue) else {**figures, "monthly_revenue": revenue}
    assert one.evidence == known


@pytest.mark.parametrize(
    ("name", "border", "beyond"),
    [
        ("usage_percentage", 80, 80.01),
        ("overage_months", 2, 3),
        ("advanced_feature_usage", 0.7, 0.71),
        ("active_users", 1, 2),
        ("integration_requests", 0, 1),
        ("api_usage_growth_rate", 1.5, 1.51),
    ],
)
def test_borders(name: str, border: float, beyond: float) -> None:
    assert found(**{name: border}) == []
    assert len(found(**{name: beyond})) == 1


def test_a_border_is_not_crossed_by_rounding_in_binary() -> None:
    assert 70 * 0.01 > 0.7
    assert found(advanced_feature_usage=70 * 0.01) == []


@pytest.mark.parametrize(
    ("revenue", "figures"),
    [
        (NAN, {"usage_percentage": 90, "next_plan_price": 150}),
        (100, {"usage_percentage": 90}),
        (0, {"usage_percentage": 90, "next_plan_price": 150}),
        (100, {"usage_percentage": 90, "next_plan_price": 0}),
        (200, {"usage_percentage": 90, "next_plan_price": 150}),
        (-5, {"usage_percentage": 90, "next_plan_price": 150}),
        (math.inf, {"usage_percentage": 90, "next_plan_price": 150}),
        (NAN, {"overage_months": 3}),
        (NAN, {"active_users": 4}),
        (NAN, {"overage_months": 3, "average_overage": 1e308}),
    ],
)
def test_a_value_that_nobody_knows_is_not_invented(revenue: float, figures: dict[str, float]) -> None:
    (one,) = found(revenue, **figures)
    assert one.value is None


def test_missing_unusable_and_old_values_give_no_signal() -> None:
    assert found() == []
    for unusable in (math.inf, -math.inf, -1.0, NAN):
        assert found(**dict.fromkeys(SIGNAL_METRIC_NAMES, unusable)) == []
    assert found(advanced_feature_usage=1.01) == []
    values = [row(usage_percentage=95, next_plan_price=150)]

    def aged(usage: float, price: float) -> tuple[FoundSignal, ...]:
        ages = [row(usage_percentage=usage, next_plan_price=price)]
        return detect_signals(values, [100], ages)

    assert aged(90, 366)[0].value == 600
    assert aged(90, 367)[0].value is None
    assert aged(91, 0) == ()
    assert aged(NAN, 0) == ()


def test_several_customers_keep_their_rows_and_the_order_of_signals() -> None:
    values = [row(), row(api_usage_growth_rate=2, usage_percentage=120), row(integration_requests=3)]
    seen = [(one.row, one.signal) for one in detect_signals(values, [NAN] * 3)]
    assert seen == [
        (1, Signal.USAGE_LIMIT_APPROACHING),
        (1, Signal.API_SCALING_OPPORTUNITY),
        (2, Signal.INTEGRATION_EXPANSION),
    ]
    assert detect_signals(np.empty((0, COLUMNS)), []) == ()


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="customers, 9"):
        detect_signals([[1.0]], [1.0])
    with pytest.raises(ValueError, match="same customers"):
        detect_signals([row()], [1.0, 2.0])
    with pytest.raises(ValueError, match="same customers"):
        detect_signals([row()], [1.0], [[1.0]])


figures_of_customers = st.lists(
    st.tuples(
        st.lists(st.floats(), min_size=COLUMNS, max_size=COLUMNS),
        st.floats(),
        st.lists(st.floats(-10, 500) | st.just(NAN), min_size=COLUMNS, max_size=COLUMNS),
    ),
    min_size=1,
    max_size=6,
)


@given(figures_of_customers)
def test_whatever_the_figures_nothing_found_is_nan_and_partitions_make_no_difference(
    customers: list[tuple[list[float], float, list[float]]],
) -> None:
    values, revenue, ages = ([one[part] for one in customers] for part in range(3))
    together = detect_signals(values, revenue, ages)
    alone = [
        (at, one.signal, one.value, one.words, one.evidence)
        for at, (own, paid, old) in enumerate(customers)
        for one in detect_signals([own], [paid], [old])
    ]
    assert [(one.row, one.signal, one.value, one.words, one.evidence) for one in together] == alone
    for one in together:
        assert one.value is None or (math.isfinite(one.value) and one.value > 0)
        assert all(math.isfinite(figure) for figure in one.evidence.values())
        assert "nan" not in one.words
        assert "inf" not in one.words.replace("information", "")
