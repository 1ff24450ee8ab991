"""Who is in a playbook now and where, and what came of it: on both engines, one organisation at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from keepwell.contracts.drafts import Mode
from keepwell.db.engine import Store
from keepwell.db.repositories.modes import set_mode
from keepwell.db.repositories.switches import Stop, throw
from keepwell.db.repositories.views_playbooks import PlaybookStanding, playbook_standings
from keepwell.db.tables import Delivery, InterventionStep
from keepwell.playbooks import playbooks_in_force
from tests.databases import statements
from tests.unit.db.world import DAY, NOW, World

PLAYBOOKS = playbooks_in_force(())
STATEMENTS = 8


@pytest.fixture
def world(store: Store) -> World:
    """An organisation with nobody in a playbook."""
    return World(store)


def standing(world: World, name: str = "critical") -> PlaybookStanding:
    """How a playbook stands."""
    with world.store.read() as session:
        found = playbook_standings(session, world.organisation, PLAYBOOKS, NOW)
    return next(one for one in found if one.name == name)


def run(world: World, key: str, **values: Any) -> str:
    """An intervention of a customer of its own."""
    world.customer(key)
    world.score(key, 12, NOW - DAY)
    return world.intervention(f"run-{key}", key, **values)


def step(world: World, run: str, name: str, position: int, state: str) -> None:
    world.add(
        InterventionStep(
            intervention_id=run,
            name=name,
            position=position,
            kind="send",
            offset=timedelta(hours=position),
            state=state,
            planned_at=NOW,
        )
    )


def message(world: World, run: str, customer: str, key: str, begun: datetime, **values: Any) -> None:
    world.add(
        Delivery(
            key=key,
            organisation_id=world.organisation,
            customer_id=customer,
            intervention_id=run,
            step="executive_email",
            channel="email",
            recipient_id="one",
            **{"recipient_kind": "contact", "state": "accepted", **values},
            planned_at=begun,
            begun_at=begun,
            updated_at=begun,
        )
    )


def test_who_is_in_it_by_step_and_version(world: World) -> None:
    for number, version in enumerate((1, 3, 3)):
        one = run(world, f"customer-{number}", version=version, paused=number == 1)
        step(world, one, "executive_email", 0, "done")
        step(world, one, "phone_call", 2, "planned")
        step(world, one, "csm_outreach", 1, "deferred" if number else "done")
    waits = run(world, "waits", version=3, held_why="a risk playbook runs")
    step(world, waits, "executive_email", 0, "done")
    run(world, "over", version=2, outcome="responded", ended_at=NOW - DAY)
    found = standing(world)
    assert (found.open, found.paused, found.held) == (4, 1, 1)
    assert [(one.step, one.count) for one in found.steps] == [("csm_outreach", 2), ("", 1), ("phone_call", 1)]
    assert [(one.version, one.count) for one in found.versions] == [(3, 3), (1, 1)]
    assert (found.label, found.family, found.cause) == (PLAYBOOKS["critical"].label, "risk", "CRITICAL")


def test_what_came_of_it_in_one_month_and_in_three(world: World) -> None:
    for number, (days, outcome) in enumerate(
        ((2, "responded"), (29, "responded"), (31, "recovered"), (89, "completed"), (91, "stopped"))
    ):
        at = NOW - days * DAY
        answered = at - DAY if outcome == "responded" else None
        run(world, f"c-{number}", outcome=outcome, ended_at=at, responded_at=answered)
    one = "run-c-0"
    message(world, one, "c-0", "k1", NOW - DAY, accepted_at=NOW, opened_at=NOW, clicked_at=NOW)
    message(world, one, "c-0", "k2", NOW - 40 * DAY, accepted_at=NOW, state="bounced")
    message(world, one, "c-0", "k3", NOW - DAY, state="failed")
    message(world, one, "c-0", "k4", NOW - DAY, accepted_at=NOW, recipient_kind="staff")
    message(world, one, "c-0", "k5", NOW - 100 * DAY, accepted_at=NOW)
    month, quarter = standing(world).results
    assert month.outcomes == {"responded": 2}
    assert quarter.outcomes == {"responded": 2, "completed": 1, "recovered": 1}
    assert next(iter(quarter.outcomes)) == "responded"
    assert (month.days, month.ended, month.answered) == (30, 2, 2)
    assert (month.sent, month.opened, month.clicked, month.bounced, month.failed) == (1, 1, 1, 0, 1)
    assert (quarter.ended, quarter.sent, quarter.bounced, quarter.failed) == (4, 2, 1, 1)


def test_how_it_goes_and_what_is_stopped(world: World) -> None:
    assert standing(world).mode is Mode.AUTOMATIC
    with world.store.write() as session:
        set_mode(session, world.organisation, "critical", Mode.DRAFT, "dana", NOW)
        throw(session, Stop(world.organisation, "playbook", "critical"), reason="wrong", by="lena", now=NOW)
        throw(session, Stop(world.organisation, "playbook", "at_risk"), reason="", by="lena", now=NOW)
    found = standing(world)
    assert (found.mode, found.stopped) == (Mode.DRAFT, True)
    assert [(one.scope, one.reason, one.by) for one in found.stops] == [("playbook", "wrong", "lena")]
    with world.store.write() as session:
        throw(session, Stop(world.organisation), reason="", by="lena", now=NOW)
    assert [one.scope for one in standing(world, "high_risk").stops] == ["all"]
    assert not standing(world, "high_risk").stopped


def test_one_organisation_counts_nothing_of_another(world: World) -> None:
    run(world, "ours")
    run(world, "ended", outcome="responded", ended_at=NOW - DAY)
    message(world, "run-ours", "ours", "k1", NOW - DAY, accepted_at=NOW)
    other = World(world.store, "org-2", key="other")
    found = standing(other)
    assert (found.open, found.steps, found.versions) == (0, (), ())
    assert [(one.ended, one.sent, one.answered) for one in found.results] == [(0, 0, 0), (0, 0, 0)]
    assert standing(world).open == 1


def test_all_playbooks_cost_a_few_statements_however_many_are_in_them(world: World) -> None:
    run(world, "one")
    with statements(world.store) as sent, world.store.read() as session:
        found = playbook_standings(session, world.organisation, PLAYBOOKS, NOW)
    assert [one.name for one in found] == [*PLAYBOOKS]
    assert len(sent) <= STATEMENTS


def test_what_has_ended_long_ago_is_not_read(sqlite_store: Store) -> None:
    """The plans of SQLite go by the indexes that hold what runs, and what has ended by its time."""
    world = World(sqlite_store)
    with statements(world.store) as sent, world.store.read() as session:
        playbook_standings(session, world.organisation, PLAYBOOKS, NOW)
        wanted = [one for one in sent if "FROM intervention" in one or "FROM delivery" in one]
        connection = session.connection()
        plans = []
        for one in wanted:
            numbers = tuple("2026-01-01" for _ in range(one.count("?")))
            lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", numbers).all()
            plans.append(" | ".join(str(line[-1]) for line in lines))
    assert len(plans) == 5
    assert not any("SCAN intervention" in plan or "SCAN delivery" in plan for plan in plans), plans
    assert any("ix_intervention_ended" in plan for plan in plans), plans
    assert any("ix_delivery_begun" in plan for plan in plans), plans
