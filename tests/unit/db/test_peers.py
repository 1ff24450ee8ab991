"""Similar customers: who counts as one, the comparison, those who use what lies unused, and the story."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from keepwell.db.engine import Store
from keepwell.db.tables import Customer
from tests.unit.db.facts_case import context_of, in_trouble, similar
from tests.unit.db.world import DAY, NOW, World


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme", monthly_revenue=1250, started_on=date(2025, 9, 22), plan="Team")
    return made


def test_peers_fall_back_from_close_to_wide(world: World) -> None:
    in_trouble(world)
    alike: dict[str, Any] = {"industry": "retail", "segment": "small"}
    world.change(Customer, "acme", **alike)
    similar(world, 4, **alike)
    assert context_of(world).peers.count == 0
    world.customer("other", industry="banks", segment="large")
    peers = context_of(world).peers
    assert (peers.count, peers.likeness) == (5, "customers of Brightdesk Ltd")
    world.customer("half", industry="banks", segment="small")
    assert context_of(world).peers.likeness == "small customers"
    world.customer("close", **alike)
    peers = context_of(world).peers
    assert (peers.count, peers.likeness) == (5, "small customers in retail")
    world.change(Customer, "close", active=False)
    assert context_of(world).peers.likeness == "small customers"


def test_benchmarks_compare_with_values_that_somebody_has(world: World) -> None:
    in_trouble(world)
    similar(world, 8, points=40)
    peers = context_of(world).peers
    assert (peers.count, len(peers.benchmarks)) == (8, 5)
    first = peers.benchmarks[0]
    # 60 % is 100 points: the peers have 40 to 47 points, the fourth of eight has 43, the sixth 45.
    assert (first.label, first.yours, first.median, first.best_quarter, first.better) == (
        "share of users active on a working day",
        "6 %",
        "25.8 %",
        "27 %",
        False,
    )
    world.score("acme", 90, NOW + timedelta(hours=1))
    later = context_of(world, NOW + timedelta(hours=2)).peers
    assert [line.better for line in later.benchmarks] == [True] * 5


def test_too_few_values_make_no_benchmark(world: World) -> None:
    in_trouble(world)
    for number in range(6):
        world.customer(f"peer{number}")
        world.measure(f"peer{number}", {"payment_health": 95, "integration_usage": 2})
    # How punctually somebody pays is between them and us, also when many do.
    assert [line.metric for line in context_of(world).peers.benchmarks] == ["integration_usage"]


def test_peers_who_use_what_lies_unused_are_told_of_where_five_do(world: World) -> None:
    in_trouble(world)
    # Eight with 70 to 77 points in everything; three of them have hardly been set up.
    for number, name in enumerate(similar(world, 8)):
        if number < 3:
            world.at_points(name, 70 + number, NOW - timedelta(hours=1), onboarding_completion_rate=20)
            world.rescore(name, NOW - timedelta(hours=1))
    context = context_of(world)
    users = {one.metric: one for one in context.peers.users}
    assert set(users) == {entry.figure.name for entry in context.shown.unused}
    assert users["feature_adoption_depth"].count == 8
    set_up = users["onboarding_completion_rate"]
    # Those with 73, 74, 75, 76 and 77 points: the one in the middle.
    assert (set_up.count, set_up.value) == (5, "75 %")
    world.at_points("peer3", 73, NOW - timedelta(minutes=1), onboarding_completion_rate=59)
    assert "onboarding_completion_rate" not in {one.metric for one in context_of(world).peers.users}


def test_without_a_climb_there_is_no_story(world: World) -> None:
    in_trouble(world)
    similar(world, 6)
    peers = context_of(world).peers
    assert (peers.count, peers.story) == (6, None)


def test_a_story_tells_of_a_figure_and_days(world: World) -> None:
    names = [f"peer{number}" for number in range(5)]
    for name in names:
        world.customer(name)
    world.score("peer0", 30, NOW - 60 * DAY)
    world.at_points("peer1", 20, NOW - 50 * DAY, feature_adoption_depth=0)
    world.rescore("peer1", NOW - 50 * DAY)
    world.score("peer2", 5, NOW - 200 * DAY)
    world.score("peer3", 10, NOW - 40 * DAY)
    for name, points in (("peer0", 60), ("peer1", 75), ("peer2", 80), ("peer3", 50)):
        world.score(name, points, NOW - 10 * DAY)
    in_trouble(world)
    story = context_of(world).peers.story
    assert story is not None
    assert (story.likeness, story.label) == (
        "another customer of Brightdesk Ltd",
        "share of the plan's features in use",
    )
    assert (story.value_from, story.value_to, story.days) == ("0 %", "52.5 %", 40)
    assert (
        story.step == "Pick two features that fit your goals, and we set them up with you in a short session."
    )
