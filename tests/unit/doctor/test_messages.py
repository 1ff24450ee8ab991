"""Templates, deliveries that are stuck or unknown, and level changes that wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from keepwell.db.repositories.switches import Stop, lift, throw
from keepwell.db.tables import Delivery, Intervention, Organisation, Transition
from keepwell.doctor import messages, runs
from keepwell.doctor.findings import Note
from tests.unit.db.world import NOW, World
from tests.unit.doctor.conftest import MakeScene


def test_templates_render(make_scene: MakeScene) -> None:
    (found,) = messages.templates(make_scene())
    assert found.kind == "ok", found
    assert "templates render; playbooks in force: critical@" in found.found


def test_a_missing_and_a_broken_template(make_scene: MakeScene, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (missing,) = messages.templates(make_scene(templates=own))
    assert (missing.kind, missing.found) == ("problem", f"there is no templates folder {own}")
    broken = own / "email" / "critical" / "final_offer.txt.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("{% include 'email/nothing.txt.j2' %}")
    (found,) = messages.templates(make_scene(templates=own))
    assert (found.kind, found.who) == ("problem", "developer")
    assert "email/nothing.txt.j2, which email/critical/final_offer.txt.j2 includes, is missing" in found.found
    broken.write_text("Dear {{ nobody_knows_this }}")
    (wrong,) = messages.templates(make_scene(templates=own))
    assert "final_offer.txt.j2, line 1, uses nobody_knows_this" in wrong.found


def test_a_pinned_template_that_the_store_lost(world: World, make_scene: MakeScene) -> None:
    scene = make_scene(world=world)
    world.customer("acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme")
    assert messages.pinned(scene)[0].kind == "ok"
    world.change(Intervention, "one", definition={"templates": {"email/a/b": "f" * 64}})
    (found,) = messages.pinned(scene)
    assert found.kind == "problem"
    assert found.found.startswith("the store lacks the template email/a/b (ffffffffffff)")
    world.change(Intervention, "one", outcome="stopped")
    assert messages.pinned(scene)[0].kind == "ok"


def delivery(world: World, key: str, state: str, leased_for: timedelta) -> None:
    world.add(
        Delivery(
            key=key,
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="one",
            step="final_offer",
            channel="email",
            recipient_id="mara",
            recipient_kind="contact",
            state=state,
            leased_until=NOW + leased_for,
            planned_at=NOW,
            updated_at=NOW,
        )
    )


def test_deliveries(world: World, make_scene: MakeScene) -> None:
    scene = make_scene(world=world)
    world.customer("acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme")
    delivery(world, "under-way", "sending", timedelta(seconds=20))
    delivery(world, "just-over", "sending", timedelta(minutes=-5))
    delivery(world, "done", "accepted", timedelta(hours=-5))
    assert [one.kind for one in messages.deliveries(scene)] == ["ok"]
    delivery(world, "stuck", "sending", timedelta(minutes=-16))
    for number in range(6):
        delivery(world, f"unknown-{number}", "unknown", timedelta())
    stuck, unknown = messages.deliveries(scene)
    assert (stuck.kind, unknown.kind) == ("problem", "warning")
    assert stuck.found == "1 under way (sending) for more than 15 minutes past the lease: stuck"
    assert unknown.found.startswith("6 unknown")
    assert unknown.found.endswith(" …")


def test_stops_in_force(world: World, make_scene: MakeScene) -> None:
    scene = make_scene(world=world)
    world.customer("acme")
    assert [one.kind for one in messages.stops(scene)] == ["ok"]
    stops = [Stop(world.organisation), Stop(world.organisation, "customer", "acme")]
    with world.store.write() as session:
        for stop in stops:
            throw(session, stop, reason="wrong figures", by="Dana", now=NOW - timedelta(hours=1))
    everything, one = messages.stops(scene)
    assert (everything.kind, everything.who) == ("warning", "user")
    assert everything.found.startswith("all sending was stopped by Dana, ")
    assert everything.found.endswith(": wrong figures; messages that wait: 0")
    assert everything.todo == "When they may go: keepwell sending resume"
    assert one.found.startswith("sending to Acme was stopped by Dana")
    assert one.todo.endswith("keepwell sending resume --customer 'Acme'")
    with world.store.write() as session:
        for stop in stops:
            lift(session, stop, reason="", by="Dana", now=NOW)
    assert [one.kind for one in messages.stops(scene)] == ["ok"]


def test_of_many_stops_some_are_shown(small: World, make_scene: MakeScene) -> None:
    with small.store.write() as session:
        for number in range(7):
            stop = Stop(small.organisation, "playbook", f"playbook-{number}")
            throw(session, stop, reason="", by="Dana", now=NOW)
    found = messages.stops(make_scene(world=small))
    assert (len(found), found[-1].found) == (6, "2 more stops are in force")


def test_another_organisations_troubles_are_not_ours(small: World, make_scene: MakeScene) -> None:
    scene = make_scene(world=small)
    small.customer("acme")
    small.score("acme", 70, NOW - timedelta(days=1))
    small.score("acme", 12, NOW - timedelta(hours=1))
    small.intervention("one", "acme")
    small.change(Intervention, "one", definition={"templates": {"email/a/b": "f" * 64}})
    delivery(small, "stuck", "sending", timedelta(minutes=-16))
    delivery(small, "unknown", "unknown", timedelta())
    checks = (messages.deliveries, messages.pinned, runs.transitions)
    assert [[one.kind for one in check(scene)] for check in checks] == [
        ["problem", "warning"],
        ["problem"],
        ["problem"],
    ]
    scene.organisation = small.add(
        Organisation(id="org-2", key="other", name="Other", time_zone="UTC", created_at=NOW)
    )
    assert [one for check in checks for one in check(scene)] == [
        Note("ok", "no message is stuck, and none is unknown"),
        Note("ok", "the store has every template that open interventions have pinned (0 open)"),
        Note("ok", "every change of level was taken up, or is not due yet"),
    ]
    assert asyncio.run(runs.interventions(scene)) == [Note("ok", "no intervention is open")]


@dataclass
class Gone:
    """A Temporal server that knows no run; the intervention may end in the store while it is asked."""

    world: World
    ends: bool

    def get_workflow_handle(self, workflow_id: str) -> Gone:
        return self

    async def describe(self) -> Any:
        if self.ends:
            self.world.change(Intervention, "one", outcome="completed")
        raise RPCError("not found", RPCStatusCode.NOT_FOUND, b"")


def test_an_intervention_that_ends_while_its_run_is_looked_up(small: World, make_scene: MakeScene) -> None:
    scene = make_scene(world=small)
    small.customer("acme")
    small.score("acme", 12, NOW)
    small.intervention("one", "acme")
    scene.client = cast(Client, Gone(small, ends=False))
    (gone,) = asyncio.run(runs.interventions(scene))
    assert gone.found == (
        "1 open in the database, but their run in Temporal is gone: risk/org-1/acme (not found)"
    )
    scene.client = cast(Client, Gone(small, ends=True))
    assert asyncio.run(runs.interventions(scene)) == [
        Note("ok", "every open intervention has its run (1 looked up)")
    ]


def test_level_changes_that_nobody_takes_up(world: World, make_scene: MakeScene) -> None:
    scene = make_scene(world=world)
    world.customer("acme")
    world.score("acme", 70, NOW - timedelta(days=1))
    world.score("acme", 12, NOW - timedelta(minutes=20))
    assert [one.kind for one in runs.transitions(scene)] == ["ok"]
    (row,) = world.transitions("acme")
    world.change(Transition, row.id, at=NOW - timedelta(minutes=40))
    (found,) = runs.transitions(scene)
    assert found.kind == "problem"
    assert found.found == (
        "changes of level that nobody took up for 30 minutes: 1, the oldest since 21 Nov 08:20 UTC"
    )
    world.change(Transition, row.id, decision="refused")
    assert [one.kind for one in runs.transitions(scene)] == ["ok"]
