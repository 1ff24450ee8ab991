"""What to do about what costs most: the scorecard's actions, with owner, days and the reason."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.factors import risk_factors
from scoring.kernel import score_many
from scoring.load import builtin
from scoring.normalise import raw_for
from scoring.recommend import recommendations
from scoring.scorecard import Owner

CARD = builtin("intervention")


def test_the_actions_of_the_costliest_metrics() -> None:
    points = {"daily_active_rate": 10, "support_interaction_sentiment": 0, "integration_usage": 0}
    values = np.array([[raw_for(metric.normalise, points.get(metric.name, 100)) for metric in CARD.metrics]])
    scores = score_many(CARD, values)
    factors = risk_factors(CARD, values[0], scores.points[0], scores.lost[0], top=3)
    first, second, third = recommendations(CARD, factors)
    assert [one.metric for one in (first, second, third)] == [
        "daily_active_rate",
        "support_interaction_sentiment",
        "integration_usage",
    ]
    assert first.action == "Agree with the customer's lead on one daily task that moves into the product."
    assert (first.owner, first.due_days) == (Owner.CSM, 7)
    assert first.success == "On an average working day 48 % of the users are active."
    assert first.reason == factors[0].words
    assert second.owner is Owner.SUPPORT
    assert len(recommendations(CARD, factors, top=1)) == 1


def test_nothing_costs_nothing_to_do() -> None:
    assert recommendations(CARD, ()) == ()
    with pytest.raises(ValueError, match="top must be at least 1"):
        recommendations(CARD, (), top=0)
