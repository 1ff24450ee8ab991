"""What would keep a playbook from beginning today: told with a rehearsal, which goes on in spite of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keepwell.contracts.drafts import Mode
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories.modes import set_mode
from keepwell.db.tables import Customer, Organisation
from keepwell.rehearsal.rehearse import would_refuse, would_wait
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL
from workflows.expansion import TEAM

TODAY = "Today it would not begin: "


@pytest.fixture
def world(sqlite_store: Store) -> World:
    """Acme, well since ten days ago."""
    world = World(sqlite_store)
    world.customer("acme")
    world.score("acme", 78, NOW - 10 * DAY)
    return world


def told(world: World, playbook: Playbook) -> tuple[str, ...]:
    with world.store.read() as session:
        return would_refuse(session, "acme", playbook, NOW)


def campaign(world: World, **values: Any) -> None:
    """A campaign of the customer's, begun thirty days ago."""
    row = {"family": "expansion", "playbook": "usage_limit", "started_at": NOW - 30 * DAY, **values}
    world.intervention("growth", "acme", **row)


@pytest.mark.parametrize("playbook", [CRITICAL, TEAM], ids=lambda one: one.name)
def test_nothing_keeps_it(playbook: Playbook, world: World) -> None:
    assert told(world, playbook) == ()


@pytest.mark.parametrize("playbook", [CRITICAL, TEAM], ids=lambda one: one.name)
def test_a_customer_without_a_score_or_not_active_is_nothing_of_today(
    playbook: Playbook, world: World
) -> None:
    """Nothing that another day would change: whoever begins it says so."""
    world.customer("blue")
    world.change(Customer, "acme", active=False)
    assert told(world, playbook) == ()
    with world.store.read() as session:
        assert would_refuse(session, "blue", playbook, NOW) == ()


def test_a_campaign_that_runs_keeps_another_but_no_risk_playbook(world: World) -> None:
    campaign(world)
    assert told(world, TEAM) == (f"{TODAY}usage_limit@1 runs already: one campaign at a time",)
    assert told(world, CRITICAL) == ()


def test_a_risk_playbook_that_runs_keeps_both(world: World) -> None:
    world.intervention("risk", "acme", started_at=NOW - 2 * DAY)
    reason = f"{TODAY}critical is running since 2026-11-19"
    assert (told(world, CRITICAL), told(world, TEAM)) == ((reason,), (reason,))


def test_both_that_run_are_told_the_campaign_first(world: World) -> None:
    campaign(world)
    world.intervention("risk", "acme", started_at=NOW - 2 * DAY)
    assert told(world, TEAM) == (
        f"{TODAY}usage_limit@1 runs already: one campaign at a time",
        f"{TODAY}critical is running since 2026-11-19",
    )


def test_a_level_that_is_no_good_one_keeps_a_campaign(world: World) -> None:
    world.score("acme", 12, NOW - DAY)
    (row,) = world.transitions("acme")
    world.change(type(row), row.id, decision="refused")
    assert told(world, TEAM) == (f"{TODAY}no playbook runs, but the level is CRITICAL",)
    assert told(world, CRITICAL) == ()


def test_a_level_change_that_waits_keeps_a_risk_playbook(world: World) -> None:
    world.score("acme", 12, NOW - DAY)
    assert told(world, CRITICAL) == (f"{TODAY}a level change is about to be handed over",)


@pytest.mark.parametrize("ago", [timedelta(days=29), timedelta(days=31)])
def test_a_cooldown_keeps_the_same_playbook_and_no_other(ago: timedelta, world: World) -> None:
    ended = NOW - ago
    world.intervention(
        "risk", "acme", started_at=ended - DAY, ended_at=ended, outcome="completed", outcome_why="over"
    )
    until = f"{TODAY}critical ended on 2026-10-23 and may begin again on 2026-11-22"
    assert told(world, CRITICAL) == ((until,) if ago < CRITICAL.cooldown else ())
    assert told(world, TEAM) == ()


def test_a_playbook_that_goes_with_drafts_says_that_its_messages_would_wait(world: World) -> None:
    def waits() -> str:
        with world.store.read() as session:
            return " ".join(would_wait(session, "acme", CRITICAL))

    def switch(mode: Mode) -> None:
        with world.store.write() as session:
            set_mode(session, world.organisation, "critical", mode, "dana", NOW)

    assert waits() == ""
    world.change(Organisation, world.organisation, new_playbooks="draft")
    assert "critical goes with drafts: each message to a contact would wait for approval" in waits()
    switch(Mode.AUTOMATIC)
    assert waits() == ""
    switch(Mode.DRAFT)
    assert "keepwell drafts" in waits()
