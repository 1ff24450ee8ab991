"""What the doctor finds on a real Temporal server, each trouble made once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, Schedule, ScheduleUpdate, ScheduleUpdateInput

from keepwell.db.engine import Store
from keepwell.db.tables import Organisation
from keepwell.doctor import engine, runs, times
from keepwell.doctor.findings import Note
from keepwell.doctor.running import Check, run_check
from keepwell.doctor.scene import Scene
from keepwell.keys import daily_schedule_id, new_id, sweep_schedule_id
from keepwell.settings import load_settings
from keepwell.temporal.connect import connect_to
from keepwell.temporal.schedules import Retrain, ensure_schedules, schedule_state
from tests.unit.db.world import World
from tests.workflows.resetting import quiet, reset
from tests.workflows.stage import stage as open_stage
from worker import THREADS, compose, make_worker

pytestmark = pytest.mark.slow


@dataclass
class Place:
    """An organisation of its own on the shared server, and the look at it."""

    world: World
    client: Client
    scene: Scene

    @property
    def queue(self) -> str:
        return self.scene.settings.task_queue

    async def ensure(self, *, zone: str = "UTC", queue: str = "", retrain: Retrain = "weekly") -> None:
        await ensure_schedules(self.client, self.world.organisation, zone, queue or self.queue, retrain)


def scene_of(store: Store, organisation: str, client: Client | None, home: Path) -> Scene:
    scene = Scene(load_settings(home=home, task_queue=f"doctor-{new_id()}"), min_free=1)
    scene.store, scene.client = store, client
    with store.read() as session:
        scene.organisation = session.get_one(Organisation, organisation)
    return scene


@pytest.fixture
async def place(
    sqlite_store: Store, temporal_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    monkeypatch.chdir(tmp_path)
    world = World(sqlite_store, organisation=f"org-{new_id()}")
    client = await connect_to(temporal_address)
    opened = Place(world, client, scene_of(sqlite_store, world.organisation, client, tmp_path))
    yield opened
    for identifier in (daily_schedule_id(world.organisation), sweep_schedule_id(world.organisation)):
        if await schedule_state(client, identifier) is not None:
            await client.get_schedule_handle(identifier).delete()


async def until(look: Callable[[], Awaitable[Sequence[Note]]], kind: str) -> Sequence[Note]:
    """Look again until there is a finding of this kind."""
    for _ in range(600):
        notes = await look()
        if any(one.kind == kind for one in notes):
            return notes
        await asyncio.sleep(0.1)
    raise AssertionError(notes)


async def all_work(scene: Scene) -> None:
    """Wait until the server has seen the worker ask for both kinds of work: one comes after the other."""

    async def both() -> Sequence[Note]:
        notes = await engine.workers(scene)
        return notes if {one.kind for one in notes} == {"ok"} else ()

    await until(both, "ok")


async def test_server_and_namespace(
    place: Place, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check("temporal", "server", engine.server)
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    server, namespace = await run_check(check, place.scene)
    assert server.found.startswith("remote server 1.")
    assert namespace.found == "namespace 'default'; finished runs are kept for 90 days"
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nothing-here")
    (missing,) = await run_check(check, place.scene)
    assert (missing.kind, missing.who) == ("problem", "ops")
    assert "has no namespace 'nothing-here'" in missing.found
    assert "temporal operator namespace create" in missing.todo
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    (down,) = await run_check(check, place.scene)
    assert "127.0.0.1:1 does not answer: the connection was refused" in down.found


@pytest.mark.parametrize(("days", "kind"), [(6, "warning"), (7, "ok")])
async def test_how_long_a_namespace_keeps_finished_runs(
    days: int, kind: str, place: Place, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"doctor-{new_id().lower()}"
    await place.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(
            namespace=name, workflow_execution_retention_period=Duration(seconds=days * 86_400)
        )
    )
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", name)
    _, namespace = await engine.server(place.scene)
    assert namespace.kind == kind
    if kind == "ok":
        assert namespace.found == f"namespace {name!r}; finished runs are kept for 7 days"
    else:
        assert namespace.found == f"namespace {name!r} keeps finished runs for 6 days only"
        assert namespace.todo == (
            f"Keep them longer: temporal operator namespace update --namespace {name} --retention 90d"
        )


async def test_search_attributes(place: Place, temporal_address: str) -> None:
    assert [one.kind for one in await engine.attributes(place.scene)] == ["ok"]
    name, day = f"doctor-{new_id().lower()}", Duration(seconds=86_400)
    await place.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=day)
    )
    client = await Client.connect(temporal_address, namespace=name)
    place.scene.client = client
    number = IndexedValueType.INDEXED_VALUE_TYPE_INT
    wrong = AddSearchAttributesRequest(namespace=name, search_attributes={"RiskLevel": number})
    for _ in range(100):
        try:
            await client.operator_service.add_search_attributes(wrong)
            break
        except Exception:
            # The server's parts hear of a new namespace one after the other.
            await asyncio.sleep(0.2)
    of_type, missing = await until(lambda: engine.attributes(place.scene), "problem")
    assert of_type.found == "RiskLevel is of type Int, and has to be Keyword"
    assert "missing: CustomerId (Keyword), " in missing.found
    assert "RiskLevel" not in missing.found


async def test_workers(place: Place) -> None:
    absent = await engine.workers(place.scene)
    assert [one.kind for one in absent] == ["problem", "problem"]
    assert absent[0].found == f"nobody works on workflows of task queue {place.queue!r}"
    assert [one.kind for one in await engine.this_worker(place.scene)] == ["problem"]
    parts = compose(place.scene.settings, place.world.store, place.client)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(place.scene.settings, place.client, parts, executor):
            (here,) = await until(lambda: engine.this_worker(place.scene), "ok")
            assert here.found.endswith(f"works on task queue {place.queue!r}")
            both = await until(lambda: engine.workers(place.scene), "ok")
            assert len(both) == 2


async def test_a_killed_worker_is_not_here(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = compose(place.scene.settings, place.world.store, place.client)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(place.scene.settings, place.client, parts, executor):
            await until(lambda: engine.this_worker(place.scene), "ok")

            def gone(number: int, signal: int) -> None:
                raise ProcessLookupError

            # The server goes on naming its process for minutes.
            monkeypatch.setattr(os, "kill", gone)
            assert [one.kind for one in await engine.this_worker(place.scene)] == ["problem"]


async def test_a_worker_of_another_machine_is_not_this_ones(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a process of this machine happens to have its number."""
    parts = compose(place.scene.settings, place.world.store, place.client)
    with ThreadPoolExecutor(THREADS) as executor:
        async with make_worker(place.scene.settings, place.client, parts, executor):
            await until(lambda: engine.this_worker(place.scene), "ok")
            await all_work(place.scene)
            monkeypatch.setattr(socket, "gethostname", lambda: "another-machine")
            (found,) = await engine.this_worker(place.scene)
            assert found.kind == "problem"
            assert found.found == (
                f"no worker of this machine has asked for work on task queue {place.queue!r} within 75 s"
            )
            assert [one.kind for one in await engine.workers(place.scene)] == ["ok", "ok"]


async def test_schedules(place: Place) -> None:
    missing = await times.schedules(place.scene)
    assert [one.found for one in missing] == [
        f"there is no Schedule daily/{place.world.organisation}",
        f"there is no Schedule sweep/{place.world.organisation}",
        f"there is no Schedule monitor/{place.world.organisation}",
        f"there is no Schedule webhooks/{place.world.organisation}",
        f"there is no Schedule churn-nightly/{place.world.organisation}",
        f"there is no Schedule churn/{place.world.organisation}",
    ]
    assert missing[0].todo == "Make it: keepwell schedules apply"
    await place.ensure()
    well = await times.schedules(place.scene)
    assert [one.kind for one in well] == ["ok"] * 6
    assert "(UTC): not yet run, next " in well[0].found

    await place.ensure(zone="Asia/Tokyo", queue="elsewhere")
    zone, queue, *others = await times.schedules(place.scene)
    assert (zone.kind, queue.kind) == ("warning", "problem")
    # The sweep, the monitor, the webhooks, and of each churn Schedule the zone, too.
    assert [one.kind for one in others] == ["problem"] * 3 + ["warning", "problem"] * 2
    assert "goes by Asia/Tokyo, and the organisation's time zone is UTC" in zone.found
    assert "gives its work to task queue 'elsewhere'" in queue.found

    await place.ensure()
    daily = place.client.get_schedule_handle(daily_schedule_id(place.world.organisation))
    await daily.pause(note="holidays")
    paused, *well = await times.schedules(place.scene)
    assert [one.kind for one in (paused, *well)] == ["warning", *["ok"] * 5]
    assert paused.found.endswith("is paused (holidays)")


async def test_training_that_is_switched_off(place: Place) -> None:
    await place.ensure()
    place.scene.settings = place.scene.settings.model_copy(update={"churn_retrain": "off"})
    *well, left = await times.schedules(place.scene)
    assert [one.kind for one in (*well, left)] == [*["ok"] * 5, "warning"]
    assert left.found.startswith(f"there is a Schedule churn/{place.world.organisation}, and KEEPWELL_")
    assert left.todo == "Take it away: keepwell schedules apply"
    await place.ensure(retrain="off")
    assert [one.kind for one in await times.schedules(place.scene)] == ["ok"] * 5


async def test_a_sweep_and_a_monitor_that_do_not_run(place: Place) -> None:
    await place.ensure()
    place.scene.now += timedelta(hours=1)
    daily, sweep, monitor, webhooks, *churn = await times.schedules(place.scene)
    assert [one.kind for one in (sweep, monitor, webhooks)] == ["warning"] * 3
    assert [one.kind for one in (daily, *churn)] == ["ok"] * 3
    assert "has not run since" in sweep.found
    assert "has not run since" in monitor.found


async def test_a_run_of_a_schedule_that_was_ended(place: Place) -> None:
    await place.ensure()
    handle = place.client.get_schedule_handle(sweep_schedule_id(place.world.organisation))
    await handle.update(_without_jitter)
    await handle.trigger()
    for _ in range(600):
        actions = (await handle.describe()).info.recent_actions
        if actions:
            break
        await asyncio.sleep(0.1)
    state = await schedule_state(place.client, handle.id)
    assert state is not None
    await place.client.get_workflow_handle(state.last).terminate()
    _, sweep, *_ = await until(lambda: times.schedules(place.scene), "problem")
    assert f"the last run of {handle.id} is terminated: {state.last}" in sweep.found


def _without_jitter(found: ScheduleUpdateInput) -> ScheduleUpdate:
    schedule: Schedule = found.description.schedule
    schedule.spec.jitter = None
    return ScheduleUpdate(schedule=schedule)


async def test_a_run_that_was_terminated_and_how_to_mend_it(
    sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    async with open_stage(sqlite_store, temporal_address) as stage:
        key = stage.customer(f"acme-{new_id()}")
        scene = scene_of(sqlite_store, stage.world.organisation, stage.skipper.client, tmp_path)
        assert [one.found for one in await runs.interventions(scene)] == ["no intervention is open"]
        await stage.score(key, 12)
        await stage.opened(key)
        assert [one.found for one in await runs.interventions(scene)] == [
            "every open intervention has its run (1 looked up)"
        ]
        # Its first workflow task writes the row and then finishes: a reset needs a finished one.
        await quiet(stage, key)
        await stage.handle(key).terminate()
        (gone,) = await runs.interventions(scene)
        assert gone.kind == "problem"
        assert gone.found == (
            f"1 open in the database, but their run in Temporal is gone: {stage.handle(key).id} (terminated)"
        )

        # What the finding advises: temporal workflow reset --type LastWorkflowTask.
        await reset(stage.skipper.client, stage.handle(key).id, -1)
        await until(lambda: runs.interventions(scene), "ok")
        assert len(stage.interventions(key)) == 1
        assert (await stage.until_end(key)) is not None
        assert stage.interventions(key)[0].outcome == "completed"


async def test_a_run_that_temporal_does_not_know(place: Place) -> None:
    place.world.customer("acme")
    place.world.score("acme", 12, place.scene.now)
    place.world.intervention("one", "acme")
    (gone,) = await runs.interventions(place.scene)
    assert (gone.kind, gone.who) == ("problem", "ops")
    assert f"risk/{place.world.organisation}/acme (not found)" in gone.found
