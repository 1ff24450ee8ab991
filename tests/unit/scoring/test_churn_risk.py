"""Signs of churn by rule of thumb: one customer worked by hand, and what holds for all."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.churn_risk import ChurnRisk, Figure, IndicatorSign, Observation, churn_risk
from scoring.churn_signs import EVENT_FAMILIES, FACTORS, READINGS, SIGN_METRICS, Reads
from scoring.momentum import KINDS
from scoring.units import Unit

NOTHING = Observation({}, {}, {}, None)


def seen(
    now: Mapping[str, float] | None = None,
    earlier: Mapping[str, float] | None = None,
    events: Mapping[str, int] | None = None,
    renewal: float | None = None,
    age: float = 1.0,
) -> Observation:
    def figures(values: Mapping[str, float] | None) -> dict[str, Figure]:
        return {name: Figure(value, age) for name, value in (values or {}).items()}

    return Observation(figures(now), figures(earlier), events or {}, renewal)


BY_HAND = seen(
    {"daily_active_rate": 31, "feature_adoption_depth": 40}
    | {"support_interaction_sentiment": -0.4, "payment_health": 72.5},
    {"daily_active_rate": 50, "feature_adoption_depth": 40},
    {"meeting_missed": 1},
    60,
)


ALL_NOTED = {"meeting_held": 1, "ticket_opened": 1, "payment_received": 1, "playbook_answered": 1}
"""One of each family, so that none of a kind means none."""


def indicator(risk: ChurnRisk, name: str) -> IndicatorSign:
    return next(one for factor in risk.factors for one in factor.indicators if one.name == name)


def test_factors_and_weights_are_the_given_ones() -> None:
    assert {factor.name: factor.weight for factor in FACTORS} == {
        "healthDecline": 0.30,
        "engagementReduction": 0.25,
        "businessRisk": 0.25,
        "competitiveThreats": 0.20,
    }
    assert [[one.name for one in factor.indicators] for factor in FACTORS] == [
        ["declining_login_frequency", "reduced_feature_usage", "support_escalations"],
        ["missed_meetings", "delayed_responses", "negative_outcomes"],
        ["contract_approaching_renewal", "payment_delays", "budget_constraints"],
        ["competitor_mentions", "feature_requests", "pricing_discussions"],
    ]


def test_the_rules_are_sound() -> None:
    assert all(reading.why and reading.clear != reading.full for reading in READINGS)
    kinds = [kind for family in EVENT_FAMILIES for kind in family]
    assert len(kinds) == len(set(kinds))
    assert {reading.what for reading in READINGS if reading.reads is Reads.EVENTS} <= set(kinds)
    assert len(SIGN_METRICS) == len(set(SIGN_METRICS))
    # The two of playbooks are counted from interventions; a ticket shows only that tickets are noted.
    assert set(kinds) - {"playbook_answered", "playbook_unanswered", "ticket_opened"} <= set(KINDS)


def test_a_customer_by_hand() -> None:
    """The signs: a fall of 38 % is (38 - 10) / 40 = 0.7; a sentiment of -0.4 is half of the way to -0.8; one
    missed meeting is a third; 60 days are half between 90 and 30; 72.5 % half between 95 and 50. The missed
    meeting shows that talks are noted, so that no mention of a competitor is known, too: all is known.
    0.1 x (0.7 + 0 + 0.5) + 0.25 / 3 x 1 / 3 + 0.25 / 3 x (0.5 + 0.5 + 0) = 0.12 + 0.02778 + 0.08333."""
    risk = churn_risk(BY_HAND)
    assert risk.coverage == pytest.approx(1.0)
    assert risk.score == pytest.approx(23.1111, abs=1e-4)
    shares = {factor.name: factor.share for factor in risk.factors}
    assert shares == pytest.approx(
        {
            "healthDecline": 12.0,
            "engagementReduction": 2.7778,
            "businessRisk": 8.3333,
            "competitiveThreats": 0,
        },
        abs=1e-4,
    )
    assert indicator(risk, "declining_login_frequency").words == (
        "Daily active rate fell 38 % in 30 days, from 50 % to 31 %"
    )
    assert indicator(risk, "contract_approaching_renewal").words == (
        "The contract is up for renewal in 60 days"
    )
    assert indicator(risk, "missed_meetings").words == "1 meeting missed in 90 days"
    assert indicator(risk, "competitor_mentions").words == "No mentions of a competitor in 90 days"
    assert risk.factors[3].words == "no sign"
    assert risk.words.startswith("most of it is health decline: daily active rate fell 38 %")


def test_what_is_not_known_is_left_out_and_the_rest_weighs_more() -> None:
    """Without events 5 of 12 are left out: engagement (0.25), budget (0.0833) and competition (0.2). The
    rest weighs 0.4667, which is below half, so that a second sign of usage is needed."""
    without = churn_risk(BY_HAND._replace(events={}))
    assert without.score is None
    assert without.coverage == pytest.approx(0.4667, abs=1e-4)
    assert [factor.share for factor in without.factors] == [None] * 4
    assert without.words.startswith("too little is known: 47 %")
    more = {**BY_HAND.now, "contract_utilization_trend": Figure(-25.0, 1.0)}
    enough = churn_risk(BY_HAND._replace(events={}, now=more))
    # (0.12 + 0.0833 x (0.5 + 0.5 + 0.5)) / (0.3 + 0.25)
    assert enough.coverage == pytest.approx(0.55)
    assert enough.score == pytest.approx(100 * (0.12 + 0.125) / 0.55)
    missing = indicator(enough, "delayed_responses")
    assert (missing.sign, missing.share) == (None, None)
    assert missing.words == (
        "not known: no recent metric response_rate, no event late_response or playbook_unanswered"
    )


def test_nothing_known_is_no_figure() -> None:
    risk = churn_risk(NOTHING)
    assert (risk.score, risk.coverage) == (None, 0.0)
    assert {factor.words for factor in risk.factors} == {"nothing is known"}


@pytest.mark.parametrize(
    ("days", "sign"), [(120, 0), (90, 0), (60, 0.5), (30, 1), (0, 1), (-1, None), (math.nan, None)]
)
def test_a_renewal_is_a_sign_until_it_has_passed(days: float, sign: float | None) -> None:
    found = indicator(churn_risk(seen(renewal=days)), "contract_approaching_renewal")
    assert found.sign == sign
    if sign is None:
        assert found.words == "not known: the date of renewal has passed"


def test_a_value_of_before_the_comparison_is_not_compared_with_itself() -> None:
    old = seen({"login_frequency": 2}, {"login_frequency": 2}, age=30)
    assert indicator(churn_risk(old), "declining_login_frequency").sign is None
    new = seen({"login_frequency": 2}, {"login_frequency": 2}, age=29.9)
    found = indicator(churn_risk(new), "declining_login_frequency")
    assert (found.sign, found.words) == (0.0, "Login frequency stayed at 2 a month for 30 days")


def test_the_strongest_reading_counts() -> None:
    both = seen(
        {"login_frequency": 10, "days_since_last_login": 30}, {"login_frequency": 10}, {"meeting_missed": 9}
    )
    found = indicator(churn_risk(both), "declining_login_frequency")
    assert (found.sign, found.words) == (1.0, "The last login was 30 days ago")


def test_a_rise_is_no_sign_and_says_so() -> None:
    found = indicator(
        churn_risk(seen({"login_frequency": 12}, {"login_frequency": 8})), "declining_login_frequency"
    )
    assert (found.sign, found.words) == (
        0.0,
        "Login frequency rose 50 % in 30 days, from 8 a month to 12 a month",
    )


def test_a_fall_too_small_for_a_percent_has_none() -> None:
    found = indicator(
        churn_risk(seen({"login_frequency": 1000}, {"login_frequency": 1001})), "declining_login_frequency"
    )
    assert found.words == "Login frequency fell in 30 days, from 1,001 a month to 1,000 a month"


ODD = st.floats(allow_nan=True, allow_infinity=True)
AGES = st.one_of(st.floats(0, 120), st.just(math.nan))
METRICS = st.dictionaries(st.sampled_from(SIGN_METRICS), st.builds(Figure, ODD, AGES))
EVENTS = st.dictionaries(
    st.sampled_from(sorted(kind for family in EVENT_FAMILIES for kind in family)), st.integers(0, 10**9)
)


@given(METRICS, METRICS, EVENTS, st.one_of(st.none(), ODD))
def test_always_0_to_100_with_shares_that_add_up(
    now: dict[str, Figure], earlier: dict[str, Figure], events: dict[str, int], renewal: float | None
) -> None:
    risk = churn_risk(Observation(now, earlier, events, renewal))
    assert 0 <= risk.coverage <= 1
    assert (risk.score is None) == (round(risk.coverage, 9) < 0.5)
    every = [one for factor in risk.factors for one in factor.indicators]
    assert all(one.sign is None or 0 <= one.sign <= 1 for one in every)
    assert all(one.words for one in every)
    if risk.score is not None:
        assert 0 <= risk.score <= 100
        assert math.fsum(one.share or 0 for one in every) == pytest.approx(risk.score, abs=1e-9)
        assert math.fsum(factor.share or 0 for factor in risk.factors) == pytest.approx(risk.score, abs=1e-9)


VALUES = st.floats(-100, 100)


@given(VALUES, VALUES, st.integers(0, 50), st.integers(0, 50), st.floats(0, 400), st.floats(0, 400))
def test_a_stronger_sign_never_lowers_the_figure(
    a: float, b: float, few: int, more: int, near: float, far: float
) -> None:
    few, more, near, far = min(few, more), max(few, more), min(near, far), max(near, far)
    for reading in READINGS:
        worse_value = max(a, b) if reading.full > reading.clear else min(a, b)
        better_value = a + b - worse_value
        match reading.reads:
            case Reads.VALUE:
                worse, better = ({reading.what: Figure(one, 1.0)} for one in (worse_value, better_value))
                pair = [BY_HAND._replace(now={**BY_HAND.now, **one}) for one in (worse, better)]
            case Reads.FALL:
                before = {**BY_HAND.earlier, reading.what: Figure(100.0, 1.0)}
                values = (min(a, b), max(a, b))
                if values[0] < 0:
                    continue
                pair = [
                    BY_HAND._replace(now={**BY_HAND.now, reading.what: Figure(one, 1.0)}, earlier=before)
                    for one in values
                ]
            case Reads.EVENTS:
                pair = [BY_HAND._replace(events={**ALL_NOTED, reading.what: one}) for one in (more, few)]
            case Reads.RENEWAL:
                pair = [BY_HAND._replace(days_to_renewal=one) for one in (near, far)]
        worse_risk, better_risk = (churn_risk(one).score for one in pair)
        assert worse_risk is not None
        assert better_risk is not None
        assert worse_risk >= better_risk - 1e-9, reading


def test_units_of_readings_fit_their_sentences() -> None:
    """A sentence names its figure by {value}, an event by {count}; a fall has a title alone."""
    for reading in READINGS:
        match reading.reads:
            case Reads.VALUE:
                assert "{value}" in reading.title
            case Reads.EVENTS:
                assert "{count}" in reading.title
                assert reading.unit is Unit.COUNT
            case Reads.FALL | Reads.RENEWAL:
                assert "{" not in reading.title
