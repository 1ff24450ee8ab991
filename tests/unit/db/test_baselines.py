"""Baselines: opportunities of a first score start nothing, and are opened by a person alone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from keepwell.contracts.campaigns import BaselineCandidate
from keepwell.db.engine import Store
from keepwell.db.repositories import baselines
from keepwell.db.repositories.baselines import candidates, open_baselines
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.opportunities import AT_FIRST
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import Customer, Event, Health, Opportunity
from keepwell.errors import InputError
from scoring.signal import Signal
from tests.unit.db.test_opportunities import USAGE, customer, rows, run_campaign, unscored
from tests.unit.db.world import DAY, NOW, World, run_all
from workflows.expansion import USAGE_LIMIT

SIGNAL = Signal.USAGE_LIMIT_APPROACHING


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def states(world: World, key: str) -> list[tuple[str, str]]:
    return [(row.signal, row.state) for row in rows(world, customer_id=key)]


def listed(world: World, limit: int = 10) -> tuple[BaselineCandidate, ...]:
    return candidates(world.store, world.organisation, SIGNAL, limit, NOW, USAGE_LIMIT)


def baseline(world: World, key: str, usage: float = 87.0, **values: Any) -> str:
    """A customer whose first score, today, showed that the plan is nearly used up."""
    world.measure(unscored(world, key, **values), {**USAGE, "usage_percentage": usage})
    world.rescore(key, NOW)
    return key


def test_what_a_first_score_shows_starts_nothing_on_any_day(world: World) -> None:
    world.measure(unscored(world, "new"), USAGE)
    world.measure(customer(world, "known"), USAGE)
    plan, _ = run_all(world)
    summary = ScoreRepository(world.store).finish_run(plan, NOW)
    assert (summary.opportunities, summary.baseline) == (2, 1)
    assert states(world, "known") == [(SIGNAL.value, "open")]
    (row,) = rows(world, customer_id="new")
    assert (row.state, row.reason, row.value) == ("baseline", AT_FIRST, 600.0)
    world.measure("new", {"usage_percentage": 95.0, "integration_requests": 2}, NOW + DAY)
    run_all(world, NOW + DAY)
    assert states(world, "new") == [(SIGNAL.value, "baseline"), ("INTEGRATION_EXPANSION", "open")]
    row = rows(world, customer_id="new")[0]
    assert (row.words, row.seen_at, row.reason) == (
        "usage is at 95 % of the plan's limit",
        NOW + DAY,
        AT_FIRST,
    )
    waiting = OpportunityRepository(world.store).waiting_of("new")
    assert waiting is not None
    assert [one.signal for one in waiting.opportunities] == [Signal.INTEGRATION_EXPANSION]


def test_while_there_is_too_little_data_for_a_level_it_is_all_before_the_first_score(world: World) -> None:
    world.customer("acme", plan="Team", monthly_revenue=100.0)
    world.measure("acme", USAGE)
    world.rescore("acme", NOW)
    assert world.health("acme").level is None
    world.measure("acme", {"integration_requests": 2}, NOW + DAY)
    world.score("acme", 72, NOW + DAY)
    world.measure("acme", {"advanced_feature_usage": 0.9}, NOW + 2 * DAY)
    world.rescore("acme", NOW + 2 * DAY)
    assert states(world, "acme") == [
        (SIGNAL.value, "baseline"),
        ("INTEGRATION_EXPANSION", "baseline"),
        ("POWER_USER_BEHAVIOR", "open"),
    ]


def test_one_that_is_gone_and_comes_again_is_news(world: World) -> None:
    baseline(world, "acme")
    world.measure("acme", {"usage_percentage": 50.0}, NOW + DAY)
    world.rescore("acme", NOW + DAY)
    assert states(world, "acme") == [(SIGNAL.value, "gone")]
    world.measure("acme", {"usage_percentage": 90.0}, NOW + 31 * DAY)
    world.rescore("acme", NOW + 31 * DAY)
    assert states(world, "acme") == [(SIGNAL.value, "gone"), (SIGNAL.value, "open")]


def test_the_most_urgent_and_valuable_come_first_and_others_say_why_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "PAGE", 2)
    baseline(world, "low", monthly_revenue=140.0)
    baseline(world, "high", currency="GBP")
    baseline(world, "ill")
    world.change(Health, "ill", level="AT_RISK")
    baseline(world, "away")
    world.change(Customer, "away", active=False)
    baseline(world, "resting", monthly_revenue=60.0)
    (row,) = rows(world, customer_id="resting")
    run_campaign(world, row, playbook="team", outcome="converted", ended_at=NOW - DAY)
    world.change(Opportunity, row.id, state="baseline", intervention_id=None)
    world.measure(customer(world, "news"), USAGE)
    world.rescore("news", NOW)
    found = listed(world)
    assert [(one.customer, one.value, one.currency, one.refusal) for one in found] == [
        ("resting", 1080.0, "EUR", "team ended on 20 Nov 2026: the next campaign may begin on 4 Dec 2026"),
        ("high", 600.0, "GBP", ""),
        ("ill", 600.0, "EUR", "The level is AT_RISK: a campaign waits until it is HEALTHY"),
        ("low", 120.0, "EUR", ""),
    ]
    assert [one.customer for one in listed(world, 1)] == ["resting", "high"]
    with pytest.raises(InputError, match="at least 1"):
        listed(world, 0)


def test_opening_makes_it_like_any_other_and_says_who_did(world: World) -> None:
    baseline(world, "acme")
    baseline(world, "calm")
    (row,) = rows(world, customer_id="acme")
    for _ in range(2):
        opened = open_baselines(world.store, world.organisation, [row.id, "stranger"], NOW + DAY, "Ada")
    assert opened == (), "the second time it is no baseline any more"
    (again,) = rows(world, customer_id="acme")
    assert (again.state, again.reason, again.detected_at) == ("open", "", NOW)
    assert states(world, "calm") == [(SIGNAL.value, "baseline")]
    waiting = OpportunityRepository(world.store).waiting_of("acme")
    assert waiting is not None
    assert waiting.blocked(NOW) == ""
    with world.store.read() as session:
        query = select(Event).where(col(Event.kind) == "opportunity.enrolled")
        assert [(line.customer_id, line.by) for line in session.exec(query).all()] == [("acme", "Ada")]
    assert [one.customer for one in listed(world)] == ["calm"]
