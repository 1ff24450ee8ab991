"""Alerts of what nobody will ever touch again: tasks given up, features and categories that are gone."""

from __future__ import annotations

from datetime import datetime

import pytest

from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import set_rules
from keepwell.db.repositories.organisations import use_scorecard
from keepwell.db.tables import Alert, Intervention
from tests.unit.db.test_monitor import DAY, HOUR, NOW, alerts, happens, look, states
from tests.unit.db.world import CARD, World


@pytest.fixture
def world(store: Store) -> World:
    """Two customers, Acme and Bolt."""
    made = World(store)
    made.customer("acme")
    made.customer("bolt")
    return made


def in_use(world: World, since: datetime, until: datetime) -> None:
    """Acme signs in every day, so that it is not silent itself."""
    at = since
    while at <= until:
        happens(world, "acme", "login", at)
        at += DAY


def test_a_stalled_task_ends_with_its_completion_on_the_same_day(world: World) -> None:
    day = NOW.replace(hour=0)
    happens(world, "acme", "task_started", day, task="audit")
    assert look(world, day + 80 * HOUR).raised == 2
    happens(world, "acme", "task_updated", day, task="audit")
    assert alerts(world, trigger="task_stalled")[0].state == "open", "that is not later"
    happens(world, "acme", "task_completed", day, task="audit")
    (row,) = alerts(world, trigger="task_stalled")
    assert (row.state, row.closed_why) == ("closed", "task_completed at 2026-11-18 00:00 UTC")


def test_a_task_that_is_given_up_fades_and_is_raised_no_more(world: World) -> None:
    happens(world, "acme", "task_started", NOW, task="audit")
    in_use(world, NOW, NOW + 25 * DAY)
    raised_at = NOW + 73 * HOUR
    assert look(world, raised_at).raised == 1
    assert look(world, raised_at + 14 * DAY).closed == 0
    assert look(world, raised_at + 14 * DAY + HOUR).closed == 1
    why = "nothing has happened to the task for 14 days since: it counts as given up"
    assert alerts(world)[0].closed_why == why
    assert look(world, NOW + 20 * DAY).raised == 0, "one alert for a task"
    happens(world, "acme", "task_updated", NOW + 21 * DAY, task="audit")
    assert look(world, NOW + 25 * DAY).raised == 1, "it goes on, and has stalled anew"


def test_a_feature_that_is_gone_fades(world: World) -> None:
    for day in range(3):
        happens(world, "acme", "feature_used", NOW + day * DAY, feature="reports")
    in_use(world, NOW, NOW + 25 * DAY)
    raised_at = NOW + 9 * DAY
    assert look(world, raised_at).raised == 1
    assert look(world, raised_at + 14 * DAY + HOUR).closed == 1
    assert states(world) == [("feature_unused", "warning", "closed")]
    assert look(world, raised_at + 15 * DAY).raised == 0


def test_while_its_playbook_runs_an_alert_does_not_fade(world: World) -> None:
    world.score("acme", 50, NOW)
    happens(world, "acme", "task_started", NOW, task="audit")
    in_use(world, NOW, NOW + 20 * DAY)
    look(world, NOW + 73 * HOUR)
    (row,) = alerts(world)
    world.intervention("run", "acme", family="event", playbook="momentum_nudge", alert_id=row.id)
    world.change(Alert, row.id, decision="started", intervention_id="run")
    late = NOW + 18 * DAY
    assert look(world, late).closed == 0, "it may be paused"
    world.change(Intervention, "run", outcome="completed", ended_at=late)
    assert look(world, late).closed == 1


def test_a_feature_that_is_not_core_any_more(world: World) -> None:
    for day in range(3):
        for feature in ("reports", "inbox"):
            happens(world, "acme", "feature_used", NOW + day * DAY, feature=feature)
    in_use(world, NOW, NOW + 10 * DAY)
    assert look(world, NOW + 9 * DAY).raised == 2
    with world.store.write() as session:
        set_rules(session, world.organisation, CARD, {"core_features": "inbox"})
    assert look(world, NOW + 9 * DAY + HOUR).closed == 1
    (closed,) = alerts(world, state="closed")
    assert (closed.subject, closed.closed_why) == ("reports", "it is no core feature any more")


def test_a_category_that_the_scorecard_does_not_have_any_more(world: World) -> None:
    with world.store.write() as session:
        set_rules(session, world.organisation, CARD, {"relationship": "70"})
    for customer in ("acme", "bolt"):
        world.score(customer, 75, NOW - DAY)
        world.score(customer, 65, NOW)
    fell = [(row.customer_id, row.subject) for row in alerts(world, trigger="category_threshold")]
    both = ("acme", "bolt")
    assert sorted(fell) == sorted((one, name) for one in both for name in ("business", "relationship"))
    assert look(world, NOW + HOUR).closed == 0
    with world.store.write() as session:
        use_scorecard(session, world.organisation, "client-health")
    assert look(world, NOW + 2 * HOUR).closed == 2
    closed = {(row.subject, row.closed_why) for row in alerts(world, state="closed")}
    assert closed == {("relationship", "the scorecard in use has no such category any more")}
