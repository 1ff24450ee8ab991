"""Alerts that follow from scores, in the transaction of the scores."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories import alerts_score
from keepwell.db.repositories.alert_rules import Rules, described, load_rules, set_rules
from keepwell.db.repositories.alerts import NO_PLAYBOOK
from keepwell.db.tables import Customer
from keepwell.errors import InputError
from scoring.normalise import raw_for
from tests.databases import statements
from tests.unit.db.test_daily_rows import SINGLE
from tests.unit.db.test_monitor import alerts, states
from tests.unit.db.world import CARD, DAY, NOW, World, run_all

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store) -> World:
    """Acme, scored with 72 a week ago."""
    made = World(store)
    made.customer("acme")
    made.score("acme", 72, NOW - 7 * DAY)
    return made


def only(world: World, **rules: str) -> None:
    """Every rule off but these."""
    names = [name for name in described(load_now(world), CARD) if not name.endswith(("features", "metric"))]
    values = {name: rules.get(name, "off") for name in names}
    with world.store.write() as session:
        set_rules(session, world.organisation, CARD, values)


def load_now(world: World) -> Rules:
    with world.store.read() as session:
        return load_rules(session, world.organisation)


def found(world: World) -> list[tuple[str, str, str]]:
    """Trigger, subject and severity."""
    return sorted((row.trigger, row.subject, row.severity) for row in alerts(world))


def test_a_first_score_raises_nothing(world: World) -> None:
    world.customer("new")
    world.score("new", 8, NOW)
    assert alerts(world) == []


def test_a_fall_through_everything(world: World) -> None:
    world.score("acme", 12, NOW)
    assert found(world) == [
        ("category_threshold", "business", "warning"),
        ("category_threshold", "engagement", "warning"),
        ("critical_health", "", "critical"),
        ("score_drop", "", "critical"),
        ("usage_fall", "", "critical"),
    ]
    critical = next(row for row in alerts(world) if row.trigger == "critical_health")
    assert critical.words == "the score fell from 72.0 to 12.0, below 20"
    assert critical.due_at == NOW + HOUR
    assert (critical.decision, critical.key) == (None, f"critical_health/acme//{NOW.isoformat()}")
    drop = next(row for row in alerts(world) if row.trigger == "score_drop")
    assert (drop.decision, drop.reason) == ("none", NO_PLAYBOOK)
    world.score("acme", 11, NOW + DAY)
    assert len(alerts(world)) == 5, "it goes on: nothing is raised twice"


def test_the_score_at_twenty_and_its_way_back(world: World) -> None:
    only(world, critical_health="on")
    for hours, points in enumerate((20.1, 19.9, 20.5, 19.0, 22.5, 18.0, 24.0, 19.5)):
        world.score("acme", points, NOW + hours * HOUR)
    assert states(world) == [
        ("critical_health", "critical", "closed"),
        ("critical_health", "critical", "open"),
    ], "around the border it is one alert; after 23 and above the next fall is another"
    assert alerts(world)[0].closed_why == "the score is 24.0 again"


def test_a_drop_in_steps_grows_from_warning_to_critical(world: World) -> None:
    only(world, score_drop="on")
    for day, points in enumerate((66, 60, 54, 51), start=1):
        world.score("acme", points, NOW - 7 * DAY + day * DAY)
    assert states(world) == [("score_drop", "warning", "open")]
    assert (
        alerts(world)[0].words == "the score fell 21.0 points in 7 days, from 72.0 to 51.0; the limit is 20"
    )
    world.score("acme", 41, NOW - 2 * DAY)
    assert states(world) == [("score_drop", "critical", "open")]
    assert alerts(world)[0].escalated_at == NOW - 2 * DAY
    world.score("acme", 63, NOW - DAY)
    assert states(world) == [("score_drop", "critical", "closed")]


def test_what_was_best_more_than_a_week_ago_does_not_count(world: World) -> None:
    only(world, score_drop="on")
    for day, points in ((1, 65), (8, 58), (9, 50)):
        world.score("acme", points, NOW - 7 * DAY + day * DAY)
    assert alerts(world) == [], "65 to 50; the 72 were before"


def test_an_old_fall_is_no_news(world: World) -> None:
    only(world, score_drop="on")
    world.score("acme", 50, NOW)
    world.score("acme", 50, NOW + 15 * DAY)
    assert states(world) == [("score_drop", "warning", "closed")]
    world.score("acme", 28, NOW + 16 * DAY)
    assert len(alerts(world)) == 2


def test_usage_that_falls_by_half(world: World) -> None:
    only(world, usage_fall="on")
    for day, rate in ((1, 40.0), (2, 36.0), (3, 25.0), (4, 20.0)):
        world.measure("acme", {"daily_active_rate": rate}, NOW + day * DAY)
        world.rescore("acme", NOW + day * DAY)
    (row,) = alerts(world)
    assert row.words == "daily active rate fell 50 % over 3 days, from 40 % to 20 %; the limit is 50 %"
    assert row.due_at == row.raised_at == NOW + 4 * DAY
    world.measure("acme", {"daily_active_rate": 24.0}, NOW + 5 * DAY)
    world.rescore("acme", NOW + 5 * DAY)
    assert alerts(world)[0].state == "closed"


@pytest.mark.parametrize("at_once", [1, 1_000])
def test_the_daily_run_sees_usage_fall_while_the_score_rises(
    world: World, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(alerts_score, "CHUNK", at_once)
    only(world, usage_fall="on")
    world.customer("bolt")
    world.score("bolt", 72, NOW - 7 * DAY)

    def run(rate: float, payments: float, days: int) -> list[str]:
        for customer in ("acme", "bolt"):
            rates = {"daily_active_rate": rate, "payment_health": payments}
            world.measure(customer, rates, NOW - days * DAY)
        with statements(world.store) as sent:
            run_all(world, NOW - days * DAY)
        return looked_back(sent)

    run(40.0, 60.0, 4)
    run(40.0, 60.0, 3)
    before = world.health("acme").score
    assert len(run(20.0, 100.0, 0)) == 1
    assert (world.health("acme").score or 0) > (before or 0)
    assert {row.customer_id for row in alerts(world)} == {"acme", "bolt"}
    assert {row.words for row in alerts(world)} == {
        "daily active rate fell 50 % over 3 days, from 40 % to 20 %; the limit is 50 %"
    }
    with statements(world.store) as sent:
        run_all(world, NOW + 4 * DAY)
    assert looked_back(sent) == [], "usage that was not measured for three days did not fall"
    assert len(alerts(world)) == 2


def looked_back(sent: list[str]) -> list[str]:
    """The statements that read earlier usage."""
    return [one for one in sent if "FROM metric" in one and "LIMIT" in one]


def test_a_category_threshold_of_ones_own(world: World) -> None:
    only(world, category_threshold="on", usage="50")
    world.score("acme", 49, NOW)
    assert found(world) == [("category_threshold", "usage", "warning")]
    world.score("acme", 52.5, NOW + DAY)
    world.score("acme", 49, NOW + 2 * DAY)
    assert len(alerts(world)) == 1, "not yet clear of the border"
    world.score("acme", 53.5, NOW + 3 * DAY)
    world.score("acme", 48, NOW + 4 * DAY)
    assert [row.state for row in alerts(world)] == ["closed", "open"]


def test_the_daily_run_raises_the_same_once(world: World) -> None:
    for number in range(7):
        world.customer(f"c{number}")
        world.score(f"c{number}", 72, NOW - DAY)
        world.at_points(f"c{number}", 12 if number == 3 else 71, NOW)
    run_all(world)
    assert {row.customer_id for row in alerts(world)} == {"c3"}
    before = found(world)
    assert ("critical_health", "", "critical") in before
    run_all(world)
    run_all(world, again="again")
    assert found(world) == before


def pays(world: World, customer: str, percent: float, at: datetime) -> None:
    world.measure(customer, {"payment_health": percent}, at)
    world.rescore(customer, at)


def test_the_first_score_of_another_scorecard_is_a_baseline(world: World) -> None:
    only(world, critical_health="on", score_drop="on")
    world.customer("late")
    world.measure(
        "late",
        {one.name: raw_for(one.normalise, 72) for one in CARD.metrics if one.name != "payment_health"},
        NOW - DAY,
    )
    world.rescore("late", NOW - DAY)
    assert world.health("late").score == pytest.approx(72, abs=0.5)
    world.use(SINGLE)
    world.rescore("late", NOW)
    for customer in ("acme", "late"):
        pays(world, customer, 8, NOW + DAY)
        assert world.health(customer).score == 8
    assert alerts(world) == [], "the 72 were of the scorecard before"
    for customer in ("acme", "late"):
        pays(world, customer, 60, NOW + 2 * DAY)
        pays(world, customer, 12, NOW + 3 * DAY)
        assert {row.trigger for row in alerts(world, customer_id=customer)} == {
            "critical_health",
            "score_drop",
        }, "and these are its own"


def test_a_fall_after_a_score_of_too_little_data_counts(world: World) -> None:
    only(world, critical_health="on")
    world.use(SINGLE)
    pays(world, "acme", 60, NOW)
    pays(world, "acme", 500, NOW + DAY)
    pays(world, "acme", 12, NOW + 2 * DAY)
    (row,) = alerts(world)
    assert row.words == "the score fell from 60.0 to 12.0, below 20"


def test_too_little_data_raises_and_closes_nothing(world: World) -> None:
    only(world, critical_health="on")
    world.score("acme", 12, NOW)
    world.rescore("acme", NOW + 400 * DAY)
    assert states(world) == [("critical_health", "critical", "open")]


def test_a_late_score_of_an_earlier_day_raises_nothing(world: World) -> None:
    only(world, critical_health="on")
    world.score("acme", 70, NOW)
    world.score("acme", 5, NOW - DAY)
    assert alerts(world) == []


def test_what_is_for_staff_is_due_at_the_end_of_their_next_business_day(world: World) -> None:
    world.change(Customer, "acme", time_zone="America/New_York")
    only(world, score_drop="on")
    world.score("acme", 40, NOW)
    assert alerts(world)[0].due_at.isoformat() == "2026-11-23T17:00:00+00:00", (
        "staff: the organisation's zone"
    )


def test_rules_are_set_all_or_none(world: World) -> None:
    with world.store.write() as session:
        changed = set_rules(
            session,
            world.organisation,
            CARD,
            {"engagement": "55", "business": "off", "inactivity": "off", "core_features": "a, b"},
        )
    assert changed == [
        "inactivity: on → off",
        "business: 70 → off",
        "engagement: 60 → 55",
        "core_features: default → a,b",
    ]
    for wrong in (
        {"engagement": "101"},
        {"engagement": "nan"},
        {"inactivity": "9"},
        {"usage": "on"},
        {"enagement": "50"},
        {"usage_metric": "none_such"},
        {"core_features": ","},
        {"business": "60", "engagement": "x"},
    ):
        with pytest.raises(InputError), world.store.write() as session:
            set_rules(session, world.organisation, CARD, wrong)
    with world.store.write() as session:
        shown = described(load_rules(session, world.organisation), CARD)
        assert (shown["business"], shown["engagement"], shown["usage"]) == ("off", "55", "off")
        set_rules(session, world.organisation, CARD, {"business": "on", "engagement": "default"})
        shown = described(load_rules(session, world.organisation), CARD)
    assert (shown["business"], shown["engagement"]) == ("70", "60")
