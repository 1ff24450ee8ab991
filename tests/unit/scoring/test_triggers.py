"""The rules of alerts, worked by hand, and what holds for all figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import triggers
from scoring.signal import Severity, Trigger

points = st.floats(0, 100)


@pytest.mark.parametrize(
    ("hours", "trigger", "severity", "words"),
    [
        (48.0, Trigger.INACTIVITY, Severity.WARNING, "no event for 48 hours; the limit is 48"),
        (51.4, Trigger.INACTIVITY, Severity.WARNING, "no event for 51.4 hours; the limit is 48"),
        (71.99, Trigger.INACTIVITY, Severity.WARNING, "no event for 71.9 hours; the limit is 48"),
        (72.0, Trigger.ZERO_ACTIVITY, Severity.CRITICAL, "no event for 72 hours; the limit is 72"),
    ],
)
def test_silence(hours: float, trigger: Trigger, severity: Severity, words: str) -> None:
    found = triggers.silence(hours)
    assert found is not None
    assert (found.trigger, found.severity, found.words) == (trigger, severity, words)


def test_nobody_is_silent_too_early_or_without_ever_an_event() -> None:
    assert triggers.silence(47.99) is None
    assert triggers.silence(None) is None


def test_a_stalled_task_and_an_unused_feature_at_their_limits() -> None:
    assert triggers.stalled("audit", 71.9) is None
    found = triggers.stalled("audit", 72.0)
    assert found is not None
    assert found.words == "task 'audit' has no update for 72 hours; the limit is 72"
    assert found.subject == "audit"
    assert triggers.unused("reports", 6.99, 9) is None
    assert triggers.unused("reports", 7.0, 2) is None, "two days of use make no core feature"
    unused = triggers.unused("reports", 7.0, 3)
    assert unused is not None
    assert unused.words == "core feature 'reports' not used for 7 days; the limit is 7"
    named = frozenset({"export"})
    assert triggers.unused("reports", 30.0, 99, named) is None, (
        "where core features are named, only those count"
    )
    assert triggers.unused("export", 30.0, 1, named) is not None


def test_a_failed_payment_says_how_much_and_why() -> None:
    found = triggers.payment_failed(
        {"amount": 49, "currency": "EUR", "reason": "card expired", "card": {"n": 1}}
    )
    assert found.words == "a payment failed: 49 EUR (card expired)"
    assert found.evidence == {"amount": 49, "currency": "EUR", "reason": "card expired"}
    assert triggers.payment_failed({}).words == "a payment failed"


def test_falling_below_twenty() -> None:
    found = triggers.fell_below(34.0, 19.9)
    assert found is not None
    assert found.severity is Severity.CRITICAL
    assert found.words == "the score fell from 34.0 to 19.9, below 20"
    assert triggers.fell_below(34.0, 20.0) is None, "20 is not below 20"
    assert triggers.fell_below(19.0, 12.0) is None, "it was below before"
    assert triggers.fell_below(None, 12.0) is None, "a first score has fallen from nothing"
    assert triggers.fell_below(34.0, None) is None
    assert triggers.fell_below_over(22.9) == ""
    assert triggers.fell_below_over(23.0) == "the score is 23.0 again"


def test_a_drop_is_a_warning_at_twenty_points_and_critical_at_thirty() -> None:
    assert triggers.dropped(72.3, 52.31) is None
    warning, critical = triggers.dropped(72.3, 52.3), triggers.dropped(72.3, 42.3)
    assert warning is not None
    assert critical is not None
    assert (warning.severity, critical.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert warning.words == "the score fell 20.0 points in 7 days, from 72.3 to 52.3; the limit is 20"
    assert triggers.dropped_over(72.3, 62.2) == ""
    assert triggers.dropped_over(72.3, 62.3) == "the score is 62.3 again"


def test_usage_fell_by_half() -> None:
    found = triggers.usage_fell(40.0, 20.0, "daily active rate", " %")
    assert found is not None
    assert found.words == ("daily active rate fell 50 % over 3 days, from 40 % to 20 %; the limit is 50 %")
    assert triggers.usage_fell(40.0, 20.1, "x") is None
    assert triggers.usage_fell(4.9, 0.0, "x") is None, "of next to nothing, half is soon lost"
    assert triggers.usage_fell(None, 0.0, "x") is None
    assert triggers.usage_fell(0.0, 0.0, "x") is None
    assert triggers.usage_fell_over(40.0, 23.9) == ""
    assert triggers.usage_fell_over(40.0, 24.0) == "usage is at 24 again"


def test_a_category_below_its_threshold() -> None:
    found = triggers.below_threshold("business", "Business", 71.0, 69.9, 70.0)
    assert found is not None
    assert found.words == "Business fell from 71.0 to 69.9, below its threshold of 70"
    assert found.subject == "business"
    assert triggers.below_threshold("business", "Business", 71.0, 70.0, 70.0) is None
    assert triggers.below_threshold("business", "Business", 65.0, 60.0, 70.0) is None
    assert triggers.below_threshold("business", "Business", None, 60.0, 70.0) is None
    assert triggers.below_threshold_over(72.9, 70.0) == ""
    assert triggers.below_threshold_over(73.0, 70.0) == "it is 73.0 again"
    assert triggers.below_threshold_over(100.0, 99.0) == "it is 100.0 again"


def test_the_risk_to_leave() -> None:
    assert triggers.churn_risk(80.0) is None
    assert triggers.churn_risk(None) is None
    found = triggers.churn_risk(80.1)
    assert found is not None
    assert found.words == "the probability to leave is 80 %; the limit is 80 %"
    assert triggers.churn_risk_over(75.1) == ""
    assert triggers.churn_risk_over(75.0) == "the probability to leave is 75 %"


@given(best=points, now=points)
def test_what_has_just_raised_a_drop_is_never_over_at_once(best: float, now: float) -> None:
    if triggers.dropped(best, now) is not None:
        assert triggers.dropped_over(best, now) == ""


@given(before=points, now=points, limit=points)
def test_no_rule_is_over_while_it_holds(before: float, now: float, limit: float) -> None:
    if triggers.fell_below(before, now) is not None:
        assert triggers.fell_below_over(now) == ""
    if triggers.usage_fell(before, now, "usage") is not None:
        assert triggers.usage_fell_over(before, now) == ""
    if triggers.below_threshold("c", "C", before, now, limit) is not None:
        assert triggers.below_threshold_over(now, limit) == ""
    if triggers.churn_risk(now) is not None:
        assert triggers.churn_risk_over(now) == ""


@given(before=st.lists(points, min_size=1, max_size=8), now=st.lists(points, min_size=1, max_size=8))
def test_whoever_a_rule_finds_is_looked_at(before: list[float], now: list[float]) -> None:
    size = min(len(before), len(now))
    look = triggers.worth_a_look(before[:size], now[:size])
    for place in range(size):
        was, is_now = before[place], now[place]
        found = triggers.fell_below(was, is_now) or triggers.dropped(was, is_now)
        assert look[place] or found is None


def test_who_has_no_score_is_not_looked_at() -> None:
    assert triggers.worth_a_look([np.nan, 50.0], [10.0, np.nan]).tolist() == [False, False]
