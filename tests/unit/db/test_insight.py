"""What the figures of a customer mean, from the store: priority, comparison, signs of churn, drill-down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories.insight_benchmark import Comparison, comparison
from keepwell.db.repositories.views_customer import CustomerDetail, customer_detail, standing_of
from keepwell.db.repositories.views_customer_category import CategoryDetail, category_detail
from keepwell.db.tables import (
    ChurnModel,
    ChurnPrediction,
    Customer,
    Delivery,
    Health,
    Intervention,
    Organisation,
)
from keepwell.errors import InputError, NotFoundError
from scoring.benchmark import percentile_ranks
from scoring.churn_risk import IndicatorSign
from tests.unit.db.test_daily_rows import SINGLE
from tests.unit.db.world import CARD, DAY, NOW, World

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme", plan="Team", industry="retail", segment="small")
    return made


@contextmanager
def rows(world: World) -> Iterator[tuple[Session, Organisation, Customer]]:
    with world.store.read() as session:
        yield (
            session,
            session.get_one(Organisation, world.organisation),
            session.get_one(Customer, "acme"),
        )


def detail_of(world: World) -> CustomerDetail:
    with world.store.read() as session:
        return customer_detail(session, world.organisation, "acme", LATER)


def category_of(world: World, category: str) -> CategoryDetail:
    with world.store.read() as session:
        return category_detail(session, world.organisation, "acme", category)


def compared(world: World) -> Comparison:
    with rows(world) as (session, organisation, customer):
        standing = standing_of(session, organisation, customer)
        assert standing is not None
        return comparison(session, organisation, customer, *standing[1:])


def sign(detail: CustomerDetail, name: str) -> IndicatorSign:
    factors = detail.insight.churn_risk.factors
    return next(one for factor in factors for one in factor.indicators if one.name == name)


def event(world: World, kind: str, days: float) -> None:
    world.did("acme", (kind, LATER - days * DAY))


def peers(world: World, points: list[float], **values: str) -> None:
    for number, one in enumerate(points):
        key = f"peer{number}{values.get('segment', '')}"
        world.customer(key, **values)
        world.score(key, one, NOW)


def test_a_customer_among_similar_ones(world: World) -> None:
    """Two of five have less than 50, one has the same: (2 + 1 / 2) / 5 = 50 %."""
    world.score("acme", 50, NOW)
    peers(world, [20, 40, 50, 60, 90], industry="retail", segment="small")
    world.customer("big", industry="retail", segment="large")
    world.score("big", 1, NOW)
    found = compared(world)
    assert (found.segment, found.customers, found.sampled) == ("small customers in retail", 5, 5)
    assert found.score is not None
    assert (found.score.percentile, found.score.median, found.score.others) == (50, 50, 5)
    assert [(one.name, one.percentile) for one in found.categories] == [
        (name, 50) for name in CARD.category_names
    ]
    assert len(found.metrics) == len(CARD.metrics)
    rate = found.metrics[0]
    # 60 % is 100 points.
    assert (rate.name, rate.yours_words, rate.median_words, rate.percentile) == (
        "daily_active_rate",
        "30 %",
        "30 %",
        50,
    )


def test_a_wider_segment_where_the_closest_has_too_few(world: World) -> None:
    world.score("acme", 50, NOW)
    peers(world, [10, 20, 30, 40], industry="retail", segment="small")
    assert compared(world).customers == 0
    assert compared(world).why == "fewer than 5 other customers have a score by this scorecard"
    peers(world, [60], industry="banks", segment="large")
    found = compared(world)
    assert (found.segment, found.customers) == ("customers of Brightdesk Ltd", 5)
    assert found.score is not None
    assert found.score.percentile == 80
    # Who has no score now is nobody to compare with, and nobody's figure is shown.
    world.customer("new", industry="banks", segment="small")
    assert compared(world).customers == 5
    assert "peer" not in found.model_dump_json()


def test_sums_of_the_store_are_the_vectorised_percentiles(world: World) -> None:
    generator = np.random.default_rng(3)
    points = [float(value) for value in generator.integers(0, 12, 11) * 8]
    world.score("acme", 40, NOW)
    peers(world, points, segment="small")
    found = compared(world)
    wanted = percentile_ranks(np.array([[40.0], *([one] for one in points)]), np.zeros(12))[0, 0]
    assert found.score is not None
    assert found.score.percentile == pytest.approx(wanted)
    assert [one.percentile for one in found.metrics] == pytest.approx([wanted] * len(CARD.metrics))


def test_of_a_large_segment_every_nth_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.db.repositories.insight_benchmark.SAMPLE", 6)
    world.score("acme", 50, NOW)
    # Every second one by their ids is read: the scores of 10, 30, 60, 80 and 60, and one without.
    peers(world, [10, 20, 30, 40, 60, 70, 80, 90, 60, 70], segment="small")
    # Those without a score are known to be similar, and nothing is compared with them.
    world.customer("peer98", segment="small")
    world.customer("peer99", segment="small")
    found = compared(world)
    assert (found.customers, found.sampled) == (12, 5)
    assert found.score is not None
    assert (found.score.percentile, found.score.median, found.score.others) == (40, 60, 5)
    assert [one.others for one in found.metrics] == [5] * len(CARD.metrics)


def test_priority_follows_the_score_and_a_fresh_prediction(world: World) -> None:
    world.score("acme", 82, NOW)
    calm = detail_of(world).insight
    assert calm.priority is not None
    assert (calm.priority.priority, calm.prediction) == ("low", None)
    predict(world, 0.62, LATER - DAY)
    warned = detail_of(world).insight
    assert warned.priority is not None
    assert warned.priority.reason == "the probability of leaving, 62 %, is above 50 %"
    assert warned.prediction is not None
    assert (warned.prediction.model, warned.prediction.old) == ("own@1", False)


def test_an_old_prediction_is_shown_and_does_not_count(world: World) -> None:
    world.score("acme", 82, NOW)
    predict(world, 0.95, LATER - 32 * DAY)
    found = detail_of(world).insight
    assert found.prediction is not None
    assert found.prediction.old
    assert found.priority is not None
    assert found.priority.priority == "low"


def predict(world: World, probability: float, at: datetime) -> None:
    world.add(
        ChurnModel(
            id="model",
            organisation_id=world.organisation,
            name="own",
            version=1,
            state="in_use",
            content=b"",
            sha256="",
            trained_at=NOW,
        )
    )
    world.add(
        ChurnPrediction(
            organisation_id=world.organisation,
            customer_id="acme",
            model_id="model",
            at=at,
            probability=probability,
            low=probability - 0.05,
            high=min(1.0, probability + 0.05),
            category="high",
        )
    )


def test_signs_of_churn_from_metrics_events_and_the_contract(world: World) -> None:
    world.change(Customer, "acme", renews_on=date(2026, 12, 6))
    world.measure("acme", {"daily_active_rate": 50}, NOW - 31 * DAY)
    world.measure("acme", {"daily_active_rate": 31, "payment_health": 72.5}, NOW)
    for days in (1, 30, 89, 91):
        event(world, "meeting_missed", days)
    found = detail_of(world)
    assert sign(found, "declining_login_frequency").sign == pytest.approx(0.7)
    assert sign(found, "payment_delays").sign == pytest.approx(0.5)
    assert sign(found, "missed_meetings").words == "3 meetings missed in 90 days"
    assert sign(found, "competitor_mentions").sign == 0
    renewal = sign(found, "contract_approaching_renewal")
    assert (renewal.sign, renewal.words) == (1, "The contract is up for renewal in 15 days")
    assert sign(found, "support_escalations").words.startswith("not known: no recent metric")
    # Not scored yet: the signs need no score.
    assert found.score is None
    assert found.insight.churn_risk.score is not None


def test_a_metric_out_of_range_or_in_another_unit_is_no_sign(world: World) -> None:
    world.score("acme", 50, NOW - DAY)
    world.measure("acme", {"payment_health": 140, "support_interaction_sentiment": -7}, NOW)
    found = detail_of(world)
    assert sign(found, "payment_delays").sign is None
    assert sign(found, "support_escalations").sign is None


def test_playbooks_without_an_answer_are_late_responses(world: World) -> None:
    world.score("acme", 50, NOW - DAY)
    for number, (outcome, sent) in enumerate(
        (("completed", True), ("completed", False), ("recovered", True))
    ):
        key = f"i{number}"
        world.intervention(key, "acme")
        world.change(Intervention, key, outcome=outcome, ended_at=NOW - DAY)
        if sent:
            deliver(world, key)
    found = sign(detail_of(world), "delayed_responses")
    assert (found.sign, found.words) == (0.5, "1 playbook without an answer in 90 days")


def deliver(world: World, intervention: str) -> None:
    world.add(
        Delivery(
            key=f"{intervention}/x",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id=intervention,
            step="x",
            channel="email",
            recipient_id="mara",
            recipient_kind="contact",
            state="accepted",
            planned_at=NOW,
            updated_at=NOW,
        )
    )


def test_costs_falls_and_what_to_do(world: World) -> None:
    world.score("acme", 80, NOW - 31 * DAY)
    world.at_points("acme", 80, NOW, daily_active_rate=10, feature_adoption_depth=20)
    world.rescore("acme", NOW)
    found = detail_of(world)
    assert found.score is not None
    assert [one.metric for one in found.score.costs[:2]] == ["daily_active_rate", "feature_adoption_depth"]
    assert all(one.fell for one in found.score.costs[:2])
    advice = found.insight.recommendations[0]
    assert (advice.metric, advice.due_days) == ("daily_active_rate", 7)
    assert advice.action == "Agree with Acme's lead on one daily task that moves into the product."
    assert advice.reason == found.score.costs[0].words


def test_what_stood_still_has_not_fallen(world: World) -> None:
    world.score("acme", 100 / 3, NOW - 31 * DAY)
    world.score("acme", 100 / 3, NOW)
    found = detail_of(world).score
    assert found is not None
    assert found.costs
    assert not any(one.fell for one in found.costs)


@pytest.mark.parametrize(
    ("level", "review"), [("CRITICAL", date(2026, 11, 22)), ("HEALTHY", date(2026, 12, 20))]
)
def test_the_next_review_is_that_of_the_held_level_by_local_days(
    world: World, level: str, review: date
) -> None:
    text = SINGLE.replace('level = "HEALTHY"', 'level = "HEALTHY"\nreview_days = 30')
    text = text.replace('level = "CRITICAL"', 'level = "CRITICAL"\nreview_days = 2')
    world.use(text)
    world.change(Customer, "acme", time_zone="Pacific/Auckland")
    world.measure("acme", {"payment_health": 80.0}, NOW)
    world.rescore("acme", NOW)
    # In Auckland it is 20 November already.
    world.change(Health, "acme", level=level, since=NOW.replace(day=19, hour=22))
    found = detail_of(world).score
    assert found is not None
    assert (found.band, found.next_review) == ("Good", review)


def test_what_fell_without_costing_most_is_told_beside(world: World) -> None:
    world.at_points("acme", 100, NOW - 31 * DAY, daily_active_rate=0, usage_trend_30_days=0)
    world.rescore("acme", NOW - 31 * DAY)
    low = {"daily_active_rate": 0, "usage_trend_30_days": 0, "support_interaction_sentiment": 0}
    world.at_points("acme", 100, NOW, **low, integration_usage=50)
    world.rescore("acme", NOW)
    score = detail_of(world).score
    assert score is not None
    assert [one.metric for one in score.costs] == [
        "daily_active_rate",
        "usage_trend_30_days",
        "support_interaction_sentiment",
    ]
    assert [one.metric for one in score.falls] == ["integration_usage"]


def test_a_trend_has_a_slope_and_a_direction(world: World) -> None:
    for days, points in ((20, 70), (10, 60), (0, 50)):
        world.score("acme", points, NOW - days * DAY)
    trend = detail_of(world).trend
    assert (trend.direction, len(trend.points)) == ("declining", 3)
    assert trend.slope == pytest.approx(-30)
    assert trend.change == pytest.approx(-20)


def test_a_category_and_its_metrics(world: World) -> None:
    world.score("acme", 80, NOW - 31 * DAY)
    world.at_points("acme", 80, NOW, daily_active_rate=10)
    world.rescore("acme", NOW)
    found = category_of(world, "Usa")
    assert (found.name, found.weight, found.coverage, found.outdated) == ("usage", 40, 1, False)
    first = found.metrics[0]
    assert (first.metric, first.value_words, first.before_words) == ("daily_active_rate", "6 %", "48 %")
    assert first.points == pytest.approx(10)
    assert first.points_change == pytest.approx(-70)
    assert first.lost == pytest.approx(13.5)
    # 80 points each but 10 in 15 of 40.
    assert found.points == pytest.approx((25 * 80 + 15 * 10) / 40, abs=0.01)
    assert found.lost == pytest.approx(13.5 + 25 * 0.2)


def test_a_category_says_why_a_metric_has_no_points(world: World) -> None:
    world.at_points("acme", 80, NOW - 20 * DAY, feature_adoption_depth=20)
    world.rescore("acme", NOW)
    found = {one.metric: one for one in category_of(world, "usage").metrics}
    assert found["daily_active_rate"].why == "too old: 20 days, 14 are allowed"
    assert found["daily_active_rate"].points is None
    world.measure("acme", {"feature_adoption_depth": 400}, NOW)
    again = category_of(world, "usage")
    assert again.outdated
    assert next(one for one in again.metrics if one.metric == "feature_adoption_depth").why == "out of range"


def test_a_category_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFoundError, match="has not been scored yet"):
        category_of(world, "usage")
    world.score("acme", 80, NOW)
    with pytest.raises(InputError, match="has no category 'usges'") as refused:
        category_of(world, "usges")
    assert refused.value.hint == "It has: usage, engagement, business, relationship."


def test_a_customer_without_a_score_now_keeps_its_priority(world: World) -> None:
    world.score("acme", 20, NOW - 400 * DAY)
    world.rescore("acme", NOW)
    found = detail_of(world)
    assert found.score is not None
    assert found.score.score is None
    with world.store.read() as session:
        assert session.get_one(Health, "acme").score == pytest.approx(20)
    assert found.insight.priority is not None
    assert found.insight.priority.priority == "critical"
