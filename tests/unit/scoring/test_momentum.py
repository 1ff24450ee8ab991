"""The momentum metrics out of counts, worked by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scoring.kernel import score_many
from scoring.load import builtin
from scoring.momentum import HIGH_VALUE, KINDS, MOMENTUM_METRICS, NO_ACTIVITY, Activity, momentum_values

counts = st.integers(0, 10_000)


def activity(**figures: float) -> Activity:
    """One customer, known for a month, of whom nothing else is said."""
    given_figures = {
        "active_days": 3,
        "events": 12,
        "events_before": 8,
        "high_value": 2,
        "content": 4,
        "visuals": 1,
        "tasks": 4,
        "tasks_done": 3,
        "launch_kit": 1,
        "feedback": 70.0,
        "known_days": 30,
    } | figures
    columns = {name: np.array([float(value)]) for name, value in given_figures.items()}
    launch_kit = columns.pop("launch_kit") > 0
    return Activity(**columns, launch_kit=launch_kit)


def of(**figures: float) -> dict[str, float]:
    values = momentum_values(activity(**figures))
    assert values.shape == (1, len(MOMENTUM_METRICS))
    return dict(zip(MOMENTUM_METRICS, values[0].tolist(), strict=True))


def test_a_customer_by_hand() -> None:
    assert of() == {
        "active_days_7": 3.0,
        "events_7": 12.0,
        "high_value_actions_7": 2.0,
        "onboarding_completion_rate": 75.0,
        "launch_kit_viewed": 1.0,
        "content_generated_30": 4.0,
        "visuals_created_30": 1.0,
        "feedback_score": 70.0,
        "activity_change_week": 50.0,
    }


def test_what_is_not_known_is_not_invented() -> None:
    assert np.isnan(of(tasks=0, tasks_done=0)["onboarding_completion_rate"])
    assert np.isnan(of(feedback=np.nan)["feedback_score"])
    assert np.isnan(of(events_before=0)["activity_change_week"]), "of nothing there is no change in percent"
    assert np.isnan(of(known_days=13.9)["activity_change_week"]), "the week before is not known wholly"
    assert of(known_days=14)["activity_change_week"] == 50.0
    assert of(events=0)["activity_change_week"] == -100.0
    assert of(events=0, events_before=0)["activity_change_week"] == -100.0, (
        "a quiet week is known to be quiet"
    )
    assert np.isnan(of(events=0, events_before=0, known_days=13.9)["activity_change_week"])


def test_longer_silence_never_raises_the_score() -> None:
    card = builtin("momentum")
    quiet = {"active_days": 0, "events": 0, "high_value": 0}
    weeks = (
        activity(events_before=0, known_days=7),
        activity(**quiet, events_before=12, known_days=14),
        activity(**quiet, events_before=0, known_days=21),
        activity(**quiet, events_before=0, known_days=28),
    )
    values = np.vstack([momentum_values(week) for week in weeks])
    columns = [MOMENTUM_METRICS.index(name) for name in card.metric_names]
    scores = score_many(card, values[:, columns], np.zeros((len(weeks), len(columns)))).score
    assert np.isfinite(scores).all()
    assert (np.diff(scores) <= 0).all(), scores
    assert scores[-1] < scores[0]


def test_the_scorecard_takes_these_metrics_and_no_others() -> None:
    assert set(builtin("momentum").metric_names) == set(MOMENTUM_METRICS)
    assert set(KINDS) >= HIGH_VALUE | NO_ACTIVITY
    assert not HIGH_VALUE & NO_ACTIVITY


@given(events=counts, before=counts, done=st.integers(0, 50), open_tasks=st.integers(0, 50))
def test_every_value_lies_in_the_range_of_its_metric(
    events: int, before: int, done: int, open_tasks: int
) -> None:
    card = builtin("momentum")
    found = of(events=events, events_before=before, tasks=done + open_tasks, tasks_done=done)
    for name, value in found.items():
        metric = card.metric(name)
        assert np.isnan(value) or (metric.minimum or -np.inf) <= value <= (metric.maximum or np.inf)
