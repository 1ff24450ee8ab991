"""The first score by another scorecard: a baseline for the level, as the first score ever is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.enrolment import enrol
from keepwell.db.tables import Health, Organisation, Transition
from tests.unit.db.test_daily_rows import SINGLE
from tests.unit.db.world import DAY, NOW, World, run_all


@pytest.fixture
def world(store: Store) -> World:
    """Acme, HEALTHY by the default scorecard, and then judged by its payments alone."""
    made = World(store)
    made.customer("acme")
    made.score("acme", 70, NOW - DAY)
    made.use(SINGLE)
    return made


def pays(world: World, percent: float, days: float) -> None:
    """Measure payments and run everything."""
    world.measure("acme", {"payment_health": percent}, NOW + days * DAY)
    run_all(world, NOW + days * DAY)


def levels(world: World) -> list[tuple[str | None, str]]:
    return [(one.previous, one.level) for one in world.transitions("acme")]


def test_a_worse_level_starts_nothing_and_counts_from_then_on(world: World) -> None:
    pays(world, 40, 0)
    health = world.health("acme")
    assert (health.level, health.since, health.sequence) == ("CRITICAL", NOW, 0)
    assert health.previous_raw_level is None, "no day of the other scorecard agrees with one of this"
    assert world.scores("acme")[-1].baseline
    assert levels(world) == []
    pays(world, 96, 1)
    pays(world, 40, 2)
    assert levels(world) == [("CRITICAL", "HEALTHY"), ("HEALTHY", "CRITICAL")]
    assert [one.baseline for one in world.scores("acme")] == [True, True, False, False]


def test_who_is_in_trouble_by_it_can_be_enrolled(world: World) -> None:
    pays(world, 40, 0)
    (own,) = enrol(world.store, world.organisation, ["acme"], NOW, "dana")
    (written,) = world.transitions("acme")
    assert (written.id, written.kind, written.level, written.sequence) == (own, "enrolment", "CRITICAL", 1)
    pays(world, 40, 1)
    assert len(world.transitions("acme")) == 1


def test_going_back_is_a_change_of_scorecard_too(world: World) -> None:
    pays(world, 40, 0)
    world.change(Organisation, world.organisation, scorecard=None)
    world.at_points("acme", 50, NOW + DAY, payment_health=51)
    run_all(world, NOW + DAY)
    assert world.health("acme").level == "AT_RISK"
    assert levels(world) == []


def test_no_guard_holds_a_level_of_another_scorecard(world: World) -> None:
    pays(world, 40, 0)
    world.change(Organisation, world.organisation, scorecard=None)
    world.at_points("acme", 60.5, NOW + DAY)
    run_all(world, NOW + DAY)
    assert world.health("acme").level == "HEALTHY", "60.5 lies above the border by less than the margin"


@pytest.mark.parametrize("packed", [True, False])
def test_too_little_data_in_between_does_not_hide_the_change(world: World, packed: bool) -> None:
    pays(world, 500, 0)
    assert (world.health("acme").level, world.scores("acme")[-1].score) == ("HEALTHY", None)
    pays(world, 40, 1)
    assert levels(world) == []
    assert world.health("acme").level == "CRITICAL"
    pays(world, 500, 2)
    if not packed:
        world.change(Health, "acme", recent=None)
    pays(world, 96, 3)
    assert levels(world) == [("CRITICAL", "HEALTHY")], "the last known score was by this scorecard"


def test_without_packed_days_the_history_says_which_scorecard_it_was(world: World) -> None:
    world.change(Health, "acme", recent=None)
    pays(world, 40, 0)
    assert levels(world) == []
    world.change(Health, "acme", recent=b"broken")
    pays(world, 96, 1)
    assert levels(world) == [("CRITICAL", "HEALTHY")]


def fallen(world: World) -> None:
    """Acme is HIGH_RISK by the default scorecard, and the change was taken up."""
    world.change(Organisation, world.organisation, scorecard=None)
    world.score("acme", 30, NOW - DAY + timedelta(hours=1))
    (change,) = world.transitions("acme")
    world.change(Transition, change.id, decision="started")
    world.use(SINGLE)


@pytest.mark.parametrize("family", ["risk", "expansion"])
def test_what_runs_hears_that_the_customer_is_well(world: World, family: str) -> None:
    fallen(world)
    world.intervention("i1", "acme", family=family)
    pays(world, 96, 0)
    assert levels(world).count(("HIGH_RISK", "HEALTHY")) == 1
    assert world.health("acme").sequence == 2


def test_what_runs_goes_on_where_the_customer_is_worse(world: World) -> None:
    world.intervention("i1", "acme")
    before = levels(world)
    pays(world, 40, 0)
    assert levels(world) == before
    assert world.health("acme").level == "CRITICAL"


def test_nobody_is_told_where_nothing_runs(world: World) -> None:
    fallen(world)
    world.intervention("i1", "acme", outcome="completed", ended_at=NOW)
    before = levels(world)
    pays(world, 96, 0)
    assert (levels(world), world.health("acme").level) == (before, "HEALTHY")


def test_a_change_that_nobody_has_taken_up_yet_is_outdated_by_good_news(world: World) -> None:
    fallen(world)
    (change,) = world.transitions("acme")
    world.change(Transition, change.id, decision=None)
    pays(world, 96, 0)
    assert levels(world) == [("HEALTHY", "HIGH_RISK"), ("HIGH_RISK", "HEALTHY")]
