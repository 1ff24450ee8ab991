"""Levels, borders and the built-in scorecard's numbers."""

import math

import numpy as np
import pytest

from scoring.arrays import judged
from scoring.levels import LEVELS, Level
from scoring.load import builtin, builtin_names
from scoring.scorecard import Scorecard


def test_levels_run_from_best_to_worst() -> None:
    assert [level.value for level in LEVELS] == ["THRIVING", "HEALTHY", "AT_RISK", "HIGH_RISK", "CRITICAL"]
    assert [level.severity for level in LEVELS] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (100, Level.THRIVING),
        (80, Level.THRIVING),
        (79.9999999999, Level.THRIVING),
        (79.999999, Level.HEALTHY),
        (60, Level.HEALTHY),
        (59.99, Level.AT_RISK),
        (40, Level.AT_RISK),
        (39.99, Level.HIGH_RISK),
        (20, Level.HIGH_RISK),
        (19.99, Level.CRITICAL),
        (0, Level.CRITICAL),
    ],
)
def test_a_border_belongs_to_the_better_level(intervention: Scorecard, score: float, level: Level) -> None:
    assert intervention.level_of(score) is level
    assert intervention.band_of(score).level is level


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 100.1])
def test_only_a_score_has_a_level(intervention: Scorecard, score: float) -> None:
    with pytest.raises(ValueError, match="a number from 0 to 100"):
        intervention.level_of(score)


def test_judged_rounds_to_six_decimals() -> None:
    assert judged(np.array([79.99999951, 79.9999994])).tolist() == [80.0, 79.999999]


def test_the_intervention_scorecard_has_the_agreed_weights() -> None:
    card = builtin("intervention")
    assert "intervention" in builtin_names()
    assert {c.name: c.weight for c in card.categories} == {
        "usage": 40,
        "engagement": 30,
        "business": 20,
        "relationship": 10,
    }
    assert {m.name: (m.category, m.weight) for m in card.metrics} == {
        "daily_active_rate": ("usage", 15),
        "feature_adoption_depth": ("usage", 10),
        "usage_trend_30_days": ("usage", 10),
        "plan_utilization_rate": ("usage", 5),
        "support_interaction_sentiment": ("engagement", 10),
        "feature_request_frequency": ("engagement", 8),
        "community_participation": ("engagement", 5),
        "onboarding_completion_rate": ("engagement", 4),
        "documentation_engagement": ("engagement", 3),
        "payment_health": ("business", 8),
        "contract_utilization_trend": ("business", 6),
        "team_adoption_rate": ("business", 4),
        "integration_usage": ("business", 2),
        "success_manager_interactions": ("relationship", 4),
        "executive_engagement": ("relationship", 3),
        "referral_generation": ("relationship", 2),
        "case_study_participation": ("relationship", 1),
    }
    assert [(b.lower, b.level) for b in card.bands] == list(zip((80, 60, 40, 20, 0), LEVELS, strict=True))
    assert (card.coverage_minimum, card.guard.margin, card.guard.agreeing_days) == (0.5, 3.0, 2)


def test_a_metric_is_found_by_name(intervention: Scorecard) -> None:
    assert intervention.metric("payment_health").weight == 8
    with pytest.raises(KeyError, match="no metric 'payment'"):
        intervention.metric("payment")
