"""One customer worked by hand on each scorecard, the borders of each band, and what all scorecards keep."""

from collections.abc import Mapping
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.kernel import Scores, score_many
from scoring.levels import LEVELS, Level
from scoring.load import builtin, builtin_names
from scoring.normalise import Linear
from scoring.scorecard import Band, Category, Metric, Scorecard

NAN = float("nan")


def scored(card: Scorecard, values: Mapping[str, float]) -> Scores:
    """One customer's scores; metrics that are not named are missing."""
    assert not set(values) - set(card.metric_names)
    return score_many(card, [[values.get(name, NAN) for name in card.metric_names]])


def shown(card: Scorecard, scores: Scores) -> dict[str, Any]:
    """Points by metric, scores by category, the score, band and level, rounded as a person writes them."""
    return {
        "points": dict(zip(card.metric_names, scores.points[0].round(3).tolist(), strict=True)),
        "categories": dict(
            zip(card.category_names, scores.category_scores[0].round(3).tolist(), strict=True)
        ),
        "score": round(float(scores.score[0]), 3),
        "band": card.band_of(float(scores.score[0])).name,
        "level": LEVELS[scores.level[0]],
    }


def test_client_health_by_hand() -> None:
    # name: (raw, points), and how the points come about
    figures = {
        "uptime": (99.45, 65),  # halfway from 99 (40) to 99.9 (90)
        "response_time": (1000, 50.088),  # ln(10,001 / 1,001) / ln(10,001 / 101) = 2.30169 / 4.59532
        "error_rate": (0.55, 70),  # halfway from 0.1 (90) to 1 (50)
        "availability": (99.9, 90),
        "daily_active_users": (15, 50),  # log2(16) / log2(256) = 4 / 8
        "monthly_active_users": (127, 63.636),  # log2(128) / log2(2,048) = 7 / 11
        "active_users": (1023, 83.333),  # log2(1,024) / log2(4,096) = 10 / 12
        "session_duration": (2.5, 55),  # halfway from 1 (30) to 4 (80)
        "conversion_rate": (3.5, 80),  # halfway from 2 (60) to 5 (100)
        "stickiness": (0.35, 85),  # halfway from 0.2 (70) to 0.5 (100)
        "monthly_revenue": (1000, 49.912),  # ln(1,001 / 101) / ln(10,001 / 101) = 2.29363 / 4.59532
        "revenue_growth": (-10, 30),  # halfway from -20 (0) to 0 (60)
        "churn_risk": (45, 50),  # halfway from 30 (70) to 60 (30)
        "lifetime_value": (10000, 49.991),  # ln(10,001 / 1,001) / ln(100,001 / 1,001) = 2.30169 / 4.60418
        "nps": (25, 70),  # halfway from 0 (50) to 50 (90)
        "csat": (82.5, 85),  # halfway from 75 (70) to 90 (100)
        "largest_contentful_paint": (3.25, 70),  # halfway from 2.5 (90) to 4 (50)
        "first_input_delay": (200, 70),  # halfway from 100 (90) to 300 (50)
        "cumulative_layout_shift": (0.05, 95),  # halfway from 0 (100) to 0.1 (90)
        "security_score": (70, 70),
        "seo_score": (90, 90),
        "accessibility_score": (80, 80),
    }
    card = builtin("client-health")
    result = shown(card, scored(card, {name: float(raw) for name, (raw, _) in figures.items()}))
    assert result["points"] == {name: points for name, (_, points) in figures.items()}
    assert result["categories"] == {
        "performance": 66.357,  # (65 x 10 + 50.088 x 8 + 70 x 7 + 90 x 5) / 30 = 1990.704 / 30
        "engagement": 69.982,  # (50 x 4 + 63.636 x 4 + 83.333 x 3 + 55 x 4 + 80 x 5 + 85 x 5) / 25
        "business": 52.818,  # (49.9123 x 5 + 30 x 6 + 50 x 7 + 49.9910 x 4 + 70 x 5 + 85 x 3) / 30
        "technical": 78.0,  # (70 x 3 + 70 x 2 + 95 x 2 + 70 x 3 + 90 x 2 + 80 x 3) / 15 = 1170 / 15
    }
    # 66.357 x 0.30 + 69.982 x 0.25 + 52.818 x 0.30 + 78 x 0.15 = 19.907 + 17.495 + 15.845 + 11.700
    assert (result["score"], result["band"], result["level"]) == (64.948, "Warning", Level.AT_RISK)


def test_account_health_by_hand() -> None:
    figures = {
        "login_frequency": (8, 67.5),  # halfway from 4 (50) to 12 (85)
        "feature_adoption_rate": (35, 50),  # 35 / 70
        "session_duration": (6, 55),  # halfway from 2 (30) to 10 (80)
        "user_activity": (60, 75),  # 60 / 80
        "ticket_volume": (3, 50),  # 1 - log2(4) / log2(16) = 1 - 2 / 4
        "ticket_severity": (2.25, 50),  # (3.5 - 2.25) / (3.5 - 1)
        "ticket_resolution_time": (48, 50),  # one half-life
        "support_satisfaction": (4, 75),  # halfway from 3.5 (50) to 4.5 (100)
        "meeting_frequency": (0.5, 37.5),  # halfway from 0 (0) to 1 (75)
        "response_rate": (60, 80),  # halfway from 40 (60) to 80 (100)
        "outcome_quality": (65, 75),  # halfway from 50 (50) to 80 (100)
        "stakeholder_participation": (45, 60),  # 45 / 75
        "contract_value": (10000, 49.991),  # ln(10,001 / 1,001) / ln(100,001 / 1,001) = 2.30169 / 4.60418
        "payment_history": (90, 75),  # halfway from 80 (50) to 100 (100)
        "expansion_opportunities": (2, 85),  # halfway from 1 (70) to 3 (100)
        "renewal_likelihood": (70, 70),  # halfway from 50 (40) to 90 (100)
    }
    card = builtin("account-health")
    result = shown(card, scored(card, {name: float(raw) for name, (raw, _) in figures.items()}))
    assert result["points"] == {name: points for name, (_, points) in figures.items()}
    assert result["categories"] == {
        "product_usage": 61.875,  # (67.5 + 50 + 55 + 75) / 4
        "support": 56.25,  # (50 + 50 + 50 + 75) / 4
        "engagement_quality": 63.125,  # (37.5 + 80 + 75 + 60) / 4
        "business": 69.998,  # (49.991 + 75 + 85 + 70) / 4
    }
    # 61.875 x 0.40 + 56.25 x 0.25 + 63.125 x 0.20 + 69.998 x 0.15 = 24.750 + 14.0625 + 12.625 + 10.4997
    assert (result["score"], result["band"], result["level"]) == (61.937, "Moderate", Level.HEALTHY)


def test_customer_success_by_hand() -> None:
    figures = {
        "days_since_last_login": (8, 50),  # 20 of 40
        "monthly_active_users": (12, 60),  # 24 of 40
        "daily_active_users": (3, 75),  # 15 of 20
        "feature_adoption_rate": (60, 75),  # 60 / 80
        "api_usage_count": (99, 50),  # log(100) / log(10,000)
        "mobile_app_sessions": (15, 50),  # log2(16) / log2(256) = 4 / 8
        "training_completion_rate": (80, 80),
        "support_tickets_30_days": (3, 60),  # 1 - log2(4) / log2(32) = 1 - 2 / 5
        "ticket_resolution_time": (96, 25),  # two half-lives
        "system_uptime": (99, 72.5),  # halfway from 98.5 (60) to 99.5 (85)
        "cost_savings": (10000, 49.991),  # ln(10,001 / 1,001) / ln(100,001 / 1,001) = 2.30169 / 4.60418
        "work_order_completion_rate": (82.5, 75),  # halfway from 70 (50) to 95 (100)
        "time_to_value": (2, 85),  # halfway from 1 (100) to 3 (70)
    }
    card = builtin("customer-success")
    result = shown(card, scored(card, {name: float(raw) for name, (raw, _) in figures.items()}))
    assert result["points"] == {name: points for name, (_, points) in figures.items()}
    assert result["categories"] == {
        "usage": 59.0,  # 20 + 24 + 15, as the scheme adds it up
        "engagement": 67.4,  # (75 x 9 + 50 x 5 + 50 x 4 + 80 x 7) / 25 = 1685 / 25
        "satisfaction": 52.8,  # (60 x 9 + 25 x 8 + 72.5 x 8) / 25 = 1320 / 25
        "value_realization": 66.996,  # (49.991 x 8 + 75 x 8 + 85 x 4) / 20
    }
    # 59 x 0.30 + 67.4 x 0.25 + 52.8 x 0.25 + 66.996 x 0.20 = 17.70 + 16.85 + 13.20 + 13.399
    assert (result["score"], result["band"], result["level"]) == (61.149, "Warning", Level.AT_RISK)


@pytest.mark.parametrize(
    ("days", "recency"), [(0, 40), (1, 40), (2, 30), (7, 30), (8, 20), (30, 20), (31, 0), (400, 0)]
)
@pytest.mark.parametrize("monthly", [0, 1, 19, 20, 21, 500])
@pytest.mark.parametrize("daily", [0, 3, 4, 5, 200])
def test_customer_success_usage_is_the_schemes_formula(
    days: int, recency: int, monthly: int, daily: int
) -> None:
    card = builtin("customer-success")
    scores = scored(
        card,
        {
            "days_since_last_login": days,
            "monthly_active_users": monthly,
            "daily_active_users": daily,
            "training_completion_rate": 50,
            "feature_adoption_rate": 50,
            "cost_savings": 5000,
        },
    )
    expected = recency + min(40, monthly * 2) + min(20, daily * 5)
    assert scores.category_scores[0, card.category_names.index("usage")] == pytest.approx(expected, abs=1e-9)


@given(days=st.floats(0, 100), monthly=st.floats(0, 60), daily=st.floats(0, 60))
def test_customer_success_usage_is_the_schemes_formula_for_means_too(
    days: float, monthly: float, daily: float
) -> None:
    card = builtin("customer-success")
    values = np.full((1, len(card.metrics)), 1.0)
    values[0, :3] = days, monthly, daily
    recency = 40 if days <= 1 else 30 if days <= 7 else 20 if days <= 30 else 0
    expected = recency + min(40, monthly * 2) + min(20, daily * 5)
    assert score_many(card, values).category_scores[0, 0] == pytest.approx(expected, abs=1e-9)


MOMENTUM = {
    "active_days_7": (4, 80),  # 4 / 5
    "events_7": (7, 50),  # log2(8) / log2(64) = 3 / 6
    "high_value_actions_7": (2, 65),  # halfway from 1 (50) to 3 (80)
    "onboarding_completion_rate": (75, 75),
    "launch_kit_viewed": (1, 100),
    "content_generated_30": (2, 43.333),  # a third of the way from 1 (30) to 4 (70)
    "visuals_created_30": (1, 40),
    "feedback_score": (80, 80),
    "activity_change_week": (-30, 30),  # halfway from -60 (0) to 0 (60)
}


def test_momentum_by_hand() -> None:
    card = builtin("momentum")
    scores = scored(card, {name: float(raw) for name, (raw, _) in MOMENTUM.items()})
    result = shown(card, scores)
    assert result["points"] == {name: points for name, (_, points) in MOMENTUM.items()}
    assert result["categories"] == {
        "engagement": 66.8,  # (80 x 10 + 50 x 7 + 65 x 8) / 25 = 1670 / 25
        "activation": 82.5,  # (75 x 14 + 100 x 6) / 20 = 1650 / 20
        "progress": 41.867,  # (43.333 x 14 + 40 x 11) / 25 = 1046.667 / 25
        "satisfaction": 80.0,
        "momentum": 30.0,
    }
    # 66.8 x 0.25 + 82.5 x 0.20 + 41.867 x 0.25 + 80 x 0.15 + 30 x 0.15 = 16.70 + 16.50 + 10.467 + 12 + 4.50
    assert (result["score"], result["band"], result["level"]) == (60.167, "Good", Level.HEALTHY)
    assert (scores.coverage[0], scores.defaulted.sum()) == (1.0, 0)


def test_momentum_counts_50_points_until_there_is_feedback_and_says_so() -> None:
    card = builtin("momentum")
    figures = {name: float(raw) for name, (raw, _) in MOMENTUM.items() if name != "feedback_score"}
    scores = scored(card, figures)
    # 50 in place of 80 points at 15 %: 60.167 - 30 x 0.15
    assert round(float(scores.score[0]), 3) == 55.667
    assert card.band_of(float(scores.score[0])).name == "Needs attention"
    assert scores.category_scores[0, card.category_names.index("satisfaction")] == 50
    assert scores.defaulted[0].tolist() == [name == "feedback_score" for name in card.metric_names]
    assert scores.coverage[0] == pytest.approx(0.85), "a default is nothing measured"


def test_a_feedback_that_grew_old_is_missing_and_no_default_takes_its_place() -> None:
    card = builtin("momentum")
    values = np.array([[float(MOMENTUM[name][0]) for name in card.metric_names]])
    ages = np.where(np.array(card.metric_names) == "feedback_score", 31.0, 0.0)[None, :]
    scores = score_many(card, values, ages)
    # What is measured adds up to 16.70 + 16.50 + 10.4667 + 4.50 = 48.1667, of 85 % of the weight.
    assert round(float(scores.score[0]), 3) == 56.667
    assert (scores.defaulted.sum(), round(float(scores.coverage[0]), 6)) == (0, 0.85)


WEIGHTS = {
    "client-health": {"performance": 30, "engagement": 25, "business": 30, "technical": 15},
    "account-health": {"product_usage": 40, "support": 25, "engagement_quality": 20, "business": 15},
    "customer-success": {"usage": 30, "engagement": 25, "satisfaction": 25, "value_realization": 20},
    "momentum": {"engagement": 25, "activation": 20, "progress": 25, "satisfaction": 15, "momentum": 15},
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_agreed_weights_of_the_categories(name: str) -> None:
    card = builtin(name)
    assert {category.name: category.weight for category in card.categories} == WEIGHTS[name]
    metrics = {category: 0 for category in card.category_names}
    for metric in card.metrics:
        metrics[metric.category] += 1
    if name == "account-health":
        assert set(metrics.values()) == {4}, "four metrics each"
        for category in card.categories:
            own = {metric.weight for metric in card.metrics if metric.category == category.name}
            assert own == {category.weight / 4}


BANDS = {
    "intervention": [
        (80, "Thriving", Level.THRIVING),
        (60, "Healthy", Level.HEALTHY),
        (40, "At risk", Level.AT_RISK),
        (20, "High risk", Level.HIGH_RISK),
        (0, "Critical", Level.CRITICAL),
    ],
    "client-health": [
        (90, "Excellent", Level.THRIVING),
        (70, "Good", Level.HEALTHY),
        (50, "Warning", Level.AT_RISK),
        (0, "Critical", Level.CRITICAL),
    ],
    "account-health": [
        (80, "Healthy", Level.THRIVING),
        (60, "Moderate", Level.HEALTHY),
        (40, "At risk", Level.AT_RISK),
        (0, "Critical", Level.CRITICAL),
    ],
    "customer-success": [
        (85, "Excellent", Level.THRIVING),
        (70, "Good", Level.HEALTHY),
        (50, "Warning", Level.AT_RISK),
        (25, "Critical", Level.HIGH_RISK),
        (0, "Churn risk", Level.CRITICAL),
    ],
    "momentum": [
        (80, "Excellent", Level.THRIVING),
        (60, "Good", Level.HEALTHY),
        (40, "Needs attention", Level.AT_RISK),
        (0, "At risk", Level.HIGH_RISK),
    ],
}


@pytest.mark.parametrize("name", BANDS)
def test_a_border_belongs_to_the_better_band(name: str) -> None:
    card = builtin(name)
    assert [(band.lower, band.name, band.level) for band in card.bands] == BANDS[name]
    for upper, lower in pairwise(card.bands):
        assert card.band_of(upper.lower) is upper
        assert card.band_of(upper.lower - 1e-5) is lower
    assert card.band_of(100) is card.bands[0]
    assert card.band_of(0) is card.bands[-1]


@pytest.mark.parametrize("name", BANDS)
def test_the_kernel_sees_the_borders_alike(name: str) -> None:
    """A customer of whom a single metric is known, on a straight line, at and just below each border."""
    card = builtin(name).model_copy(update={"coverage_minimum": 0.0})
    column, line = next(
        (index, metric.normalise)
        for index, metric in enumerate(card.metrics)
        if isinstance(metric.normalise, Linear) and metric.default is None
    )
    # What would stand in with a default was measured once, too long ago to count.
    old = np.array([metric.default is not None for metric in card.metrics])
    for index, band in enumerate(card.bands[:-1]):
        values = np.where(old, 0.0, NAN)[None, :].repeat(2, axis=0)
        values[:, column] = [
            line.worst + (line.best - line.worst) * points / 100 for points in (band.lower, band.lower - 1e-4)
        ]
        ages = np.where(old, 1e6, 0.0)[None, :].repeat(2, axis=0)
        scores, wanted = score_many(card, values, ages), card.bands[index : index + 2]
        assert scores.level.tolist() == [one.level.severity for one in wanted]
        assert tuple(card.band_of(score) for score in scores.score.tolist()) == wanted


def test_reviews_come_sooner_for_worse_bands() -> None:
    days = {name: [band.review_days for band in builtin(name).bands] for name in builtin_names()}
    assert days["client-health"] == [30, 30, 7, 1]
    assert days["customer-success"] == [91, 91, 30, 7, 1]


def test_there_are_five() -> None:
    assert builtin_names() == (
        "account-health",
        "client-health",
        "customer-success",
        "intervention",
        "momentum",
    )


@pytest.mark.parametrize("name", builtin_names())
def test_every_number_has_a_source_and_every_direction_is_stated(name: str) -> None:
    card = builtin(name)
    parts: list[Band | Category | Metric] = [*card.bands, *card.categories, *card.metrics]
    for part in parts:
        assert card.source_of(part)
    for metric in card.metrics:
        assert metric.better == metric.direction
        assert metric.minimum is not None, "a value that cannot be is refused"
        assert metric.maximum is not None
    assert len({metric.low for metric in card.metrics}) == len(card.metrics)
    assert len({metric.action for metric in card.metrics}) == len(card.metrics)


def test_a_metric_of_one_name_is_the_same_measurement_on_every_scorecard() -> None:
    """Values are stored by customer and name: what one scorecard calls days is hours on no other."""
    for first, second in combinations([builtin(name) for name in builtin_names()], 2):
        for name in set(first.metric_names) & set(second.metric_names):
            one, other = first.metric(name), second.metric(name)
            assert (one.unit, one.direction) == (other.unit, other.direction)
            assert (one.minimum, one.maximum) == (other.minimum, other.maximum)


@pytest.mark.parametrize("name", builtin_names())
@given(data=st.data())
@settings(max_examples=40)
def test_on_every_scorecard_a_better_value_never_costs(name: str, data: st.DataObject) -> None:
    """Whatever the other values are; and one customer alone has the bits it has among others."""
    card = builtin(name)
    cells = st.one_of(st.floats(0, 1), st.floats(allow_infinity=True, allow_nan=True), st.integers(0, 5000))
    row = [float(data.draw(cells)) for _ in card.metrics]
    column = data.draw(st.integers(0, len(card.metrics) - 1))
    metric = card.metrics[column]
    assert metric.minimum is not None
    assert metric.maximum is not None
    allowed = sorted(data.draw(st.lists(st.floats(metric.minimum, metric.maximum), min_size=2, max_size=2)))
    worse, better = allowed if metric.direction == "higher" else allowed[::-1]
    rows = np.array([row, row])
    rows[:, column] = worse, better
    scores = score_many(card, rows)
    assert np.array_equal(np.isnan(scores.score), scores.insufficient)
    if not scores.insufficient.any():
        assert 0 <= scores.score[0] <= scores.score[1] <= 100
        assert scores.level[1] <= scores.level[0]
    alone = score_many(card, rows[1:])
    assert alone.score.tobytes() == scores.score[1:].tobytes()
    assert alone.category_scores.tobytes() == scores.category_scores[1:].tobytes()
