"""Commands through the HTTP API to real runs: told at once, refused in the run's words, or told later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.api.runs import Runs
from keepwell.contracts.access import Permission
from keepwell.contracts.commands import Stop
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.tables import Event, Intervention, PendingCommand
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.temporal.pending import Teller
from keepwell.web import create_app
from tests.unit.api.callers import key_for
from tests.workflows.scenarios_events import PAYMENT
from tests.workflows.stage import HOUR, PATIENCE, Stage

PUBLIC = "https://keepwell.example"
API = "/api/v1/interventions"


class Caller:
    """A program with a key, on the stage's store; `queue` is where it looks for a worker."""

    def __init__(self, stage: Stage, home: Path, queue: str, permissions: tuple[Permission, ...]) -> None:
        settings = Settings(home=home, public_url=PUBLIC, task_queue=queue)
        door = Door(settings=settings, store=stage.store, links=Links(SecretStr("k" * 40), PUBLIC))
        self.client = TestClient(create_app(door), base_url=PUBLIC)
        self.client.headers.update(key_for(stage.store, stage.world.organisation, *permissions))

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> Response:
        return await asyncio.to_thread(self.client.post, path, json=body, headers=headers)

    async def get(self, path: str) -> Response:
        return await asyncio.to_thread(self.client.get, path)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, temporal_address: str, tmp_path: Path) -> Path:
    """The environment says which server it is, as for `keepwell serve`."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    return tmp_path


@pytest.fixture
def callers(home: Path) -> Iterator[Any]:
    """Makes callers, whose application runs until the test ends."""
    with ExitStack() as stack:

        def make(stage: Stage, queue: str) -> Caller:
            made = Caller(stage, home, queue, (Permission.READ, Permission.ACT))
            stack.enter_context(made.client)
            return made

        yield make


async def begun(stage: Stage, name: str = "acme") -> tuple[str, Intervention]:
    key = stage.customer(name)
    await stage.score(key, 12)
    return key, await stage.opened(key)


async def queue_of(stage: Stage, key: str) -> str:
    """The task queue of the worker that plays this stage."""
    return (await stage.handle(key).describe()).task_queue


def lines(stage: Stage, prefix: str = "command.") -> list[str]:
    rows = [row for row in stage.rows(Event) if row.kind.startswith(prefix)]
    return [f"{row.by}: {row.kind}" for row in sorted(rows, key=lambda row: (row.at, row.id))]


async def over(stage: Stage, key: str) -> None:
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_a_command_is_answered_by_the_run(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    caller = callers(stage, await queue_of(stage, key))
    answer = await caller.post(f"{API}/{run.id}/pause", {"reason": "holidays", "id": "p1"})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["state"], found["kind"], found["command"]) == ("done", "pause", "p1")
    assert found["text"].startswith("Paused until somebody resumes it.")
    undo = found["undo"]
    assert (undo["method"], undo["path"]) == ("POST", f"{API}/{run.id}/resume")
    await stage.eventually(lambda: stage.interventions(key)[0].paused, bool)
    taken_back = await caller.post(undo["path"], undo["body"])
    assert taken_back.json()["text"].startswith("Resumed after")
    await stage.eventually(lambda: stage.interventions(key)[0].paused, lambda paused: not paused)
    wanted = ["key test: command.pause", "key test: command.resume"]
    await stage.eventually(lambda: lines(stage), lambda found: found == wanted)
    became = (await caller.get(f"{API}/{run.id}/commands/p1")).json()
    assert (became["state"], became["kind"], became["by"]) == ("done", "pause", "key test")
    await over(stage, key)


async def test_what_the_run_refuses_is_a_409_in_its_words(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    caller = callers(stage, await queue_of(stage, key))
    refused = await caller.post(f"{API}/{run.id}/resume", {})
    assert refused.status_code == 409
    assert refused.json()["title"] == "It is not paused, so there is nothing to resume."
    assert stage.rows(PendingCommand) == []
    unknown = await caller.post(f"{API}/{run.id}/complete", {"step": "no_such"})
    assert unknown.status_code == 422
    assert "has no step 'no_such'" in unknown.json()["title"]
    await over(stage, key)
    late = await caller.post(f"{API}/{run.id}/acknowledge", {})
    assert late.status_code == 409
    assert "has ended: stopped" in late.json()["title"]


async def test_the_same_id_counts_once(
    sqlite_stage: Stage, callers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    caller = callers(stage, await queue_of(stage, key))
    path, body = f"{API}/{run.id}/acknowledge", {"note": "called them"}
    carried_out, both_came = Runs.update, asyncio.Barrier(2)

    async def together(runs: Runs, workflow_id: str, command: Any) -> Any:
        """Neither is told before the other was looked up: a later one would be answered from the journal."""
        await asyncio.wait_for(both_came.wait(), PATIENCE)
        return await carried_out(runs, workflow_id, command)

    with monkeypatch.context() as patch:
        patch.setattr(Runs, "update", together)
        twice = (caller.post(path, body, **{"Idempotency-Key": "a-1"}) for _ in range(2))
        both = await asyncio.gather(*twice)
    assert [one.status_code for one in both] == [200, 200]
    assert {one.json()["text"] for one in both} == {"Acknowledged: it will not be escalated."}
    await stage.eventually(lambda: lines(stage), bool)
    again = await caller.post(path, body, **{"Idempotency-Key": "a-1"})
    assert (again.status_code, again.json()["state"]) == (200, "done")
    another = await caller.post(f"{API}/{run.id}/pause", {"reason": "why", "id": "a-1"})
    assert another.status_code == 409
    assert "was given to another command already: acknowledge" in another.json()["title"]
    await over(stage, key)
    assert lines(stage).count("key test: command.acknowledge") == 1
    # Also when it has ended since: its answer may have got lost.
    late = await caller.post(path, body, **{"Idempotency-Key": "a-1"})
    assert (late.status_code, late.json()["state"]) == (200, "done")


async def test_without_a_worker_it_is_kept_and_told_later_once(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    nobody = callers(stage, "a-queue-without-a-worker")
    path = f"{API}/{run.id}/pause"
    first = await nobody.post(path, {"reason": "holidays", "id": "p1"})
    assert first.status_code == 202, first.text
    assert first.json()["state"] == "kept"
    assert first.json()["undo"]["path"] == f"{API}/{run.id}/resume"
    again = await nobody.post(path, {"reason": "holidays", "id": "p1"})
    assert (again.status_code, again.json()["noted_at"]) == (202, first.json()["noted_at"])
    changed = await nobody.post(path, {"reason": "another", "id": "p1"})
    assert changed.status_code == 409
    [kept] = stage.rows(PendingCommand)
    assert (kept.source, kept.state, kept.by) == ("api", "waiting", "key test")
    status = f"{API}/{run.id}/commands/p1"
    assert (await nobody.get(status)).json()["state"] == "kept"

    # Whoever has a worker tells what was kept first: nothing overtakes it.
    caller = callers(stage, await queue_of(stage, key))
    then = await caller.post(f"{API}/{run.id}/resume", {"id": "r1"})
    assert then.status_code == 200, then.text
    wanted = ["key test: command.pause", "key test: command.resume"]
    await stage.eventually(lambda: lines(stage), lambda found: found == wanted)
    became = (await caller.get(status)).json()
    assert (became["state"], became["why"]) == ("done", "holidays")
    told = await Teller(stage.skipper.client, PendingRepository(stage.store)).tell(datetime.now(UTC))
    assert told.told == 0
    late = await caller.post(path, {"reason": "holidays", "id": "p1"})
    assert (late.status_code, late.json()["state"]) == (200, "done")
    await over(stage, key)
    assert lines(stage).count("key test: command.pause") == 1


async def test_an_answer_that_is_lost_and_its_signal_count_once(
    sqlite_stage: Stage, callers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    caller = callers(stage, await queue_of(stage, key))
    carried_out = Runs.update

    async def lost(runs: Runs, workflow_id: str, command: Any) -> Any:
        await carried_out(runs, workflow_id, command)
        raise runs._gone("The answer was lost.")

    monkeypatch.setattr(Runs, "update", lost)
    kept = await caller.post(f"{API}/{run.id}/respond", {"note": "they will renew", "id": "r1"})
    assert kept.status_code == 202
    await Teller(stage.skipper.client, PendingRepository(stage.store)).tell(datetime.now(UTC))
    became = await stage.eventually(
        lambda: caller.client.get(f"{API}/{run.id}/commands/r1").json(), lambda one: one["state"] == "done"
    )
    assert became["why"] == "they will renew"
    await stage.until_end(key)
    assert lines(stage) == ["key test: command.respond"]


async def test_a_kept_one_that_its_run_refuses_says_so(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    nobody = callers(stage, "a-queue-without-a-worker")
    assert (await nobody.post(f"{API}/{run.id}/resume", {"id": "r1"})).status_code == 202
    await Teller(stage.skipper.client, PendingRepository(stage.store)).tell(datetime.now(UTC))
    became = await stage.eventually(
        lambda: nobody.client.get(f"{API}/{run.id}/commands/r1").json(),
        lambda one: one["state"] == "refused",
    )
    assert became["why"] == "It is not paused, so there is nothing to resume."
    again = await nobody.post(f"{API}/{run.id}/resume", {"id": "r1"})
    assert (again.status_code, again.json()["title"]) == (409, became["why"])
    await over(stage, key)


async def test_many_are_told_each_by_itself(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    one, first = await begun(stage)
    two, second = await begun(stage, "beta")
    caller = callers(stage, await queue_of(stage, one))
    await over(stage, two)
    ids = [first.id, second.id, "unknown", first.id]
    answer = await caller.post(f"{API}/bulk", {"ids": ids, "command": {"kind": "acknowledge", "id": "b"}})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [(row["id"], row["status"], row["state"]) for row in found["results"]] == [
        (first.id, 200, "done"),
        (second.id, 409, "refused"),
        ("unknown", 404, "not_found"),
    ]
    assert (found["done"], found["kept"], found["failed"]) == (1, 0, 2)
    await stage.eventually(lambda: stage.interventions(one)[0].acknowledged_by, bool)
    await over(stage, one)


async def test_a_run_that_was_terminated_is_refused_in_words(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    caller = callers(stage, await queue_of(stage, key))
    await stage.handle(key).terminate()
    answer = await caller.post(f"{API}/{run.id}/acknowledge", {})
    assert answer.status_code == 409
    assert "Temporal has no such run" in answer.json()["title"]


async def test_a_playbook_begins_for_who_was_in_trouble_before(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    # The worker's queue is known by a run of its own.
    beside, _ = await begun(stage, "beside")
    caller = callers(stage, await queue_of(stage, beside))
    key = stage.customer("acme", scored=False)
    stage.world.score(key, 12, stage.clocks[key] - HOUR)
    assert stage.interventions(key) == []
    path = f"/api/v1/customers/{key}/enrol"
    assert (await caller.post(path, {"dry_run": True})).json()["state"] == "would_start"
    answer = await caller.post(path, {})
    assert (answer.status_code, answer.json()["state"]) == (200, "started"), answer.text
    [run] = stage.interventions(key)
    assert answer.json()["intervention"] == run.id
    again = (await caller.post(path, {})).json()
    assert again["state"] == "refused"
    assert "is running since" in again["reason"]
    await over(stage, key)
    await over(stage, beside)


async def test_an_alert_in_hand_is_told_to_its_run(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    alert = await stage.alert(key, PAYMENT)
    await stage.opened(key)
    caller = callers(stage, (await stage.handle(key, "event").describe()).task_queue)
    taken = (await caller.post(f"/api/v1/alerts/{alert}/acknowledge", {})).json()
    assert taken["intervention"]["state"] == "done"
    assert taken["text"] == "It is in hand. Its playbook: Acknowledged: it will not be escalated."
    await stage.eventually(lambda: stage.interventions(key)[0].acknowledged_by, lambda by: by == "key test")
    again = (await caller.post(f"/api/v1/alerts/{alert}/acknowledge", {})).json()
    assert again["intervention"] is None
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_a_customers_new_owner_reaches_its_run(sqlite_stage: Stage, callers: Any) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    caller = callers(stage, await queue_of(stage, key))
    by_run = await caller.post(f"{API}/{run.id}/reassign", {"to": "omar"})
    assert by_run.json()["text"] == "Reassigned to Omar Haddad; open tasks go along."
    assert by_run.json()["undo"]["body"] == {"to": "dana"}
    await stage.eventually(lambda: stage.interventions(key)[0].owner_id, lambda owner: owner == "omar")
    back = await caller.post(f"/api/v1/customers/{key}/reassign", {"to": "dana"})
    assert back.status_code == 200, back.text
    assert stage.interventions(key)[0].owner_id == "dana"
    told = await Teller(stage.skipper.client, PendingRepository(stage.store)).tell(datetime.now(UTC))
    assert told.told == 1
    await over(stage, key)
