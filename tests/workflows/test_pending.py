"""Commands from outside on their way to real runs: told once, in their order, never lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client

from keepwell.contracts.commands import Acknowledge, CommandBase, Pause, Respond, Resume, Stop
from keepwell.db.engine import Store
from keepwell.db.repositories import pending
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.tables import Event, Intervention, PendingCommand
from keepwell.errors import ServerUnavailableError
from keepwell.temporal.pending import Teller
from tests.workflows.stage import HOUR, Stage
from tests.workflows.stage import stage as open_stage
from tests.workflows.test_monitor import passes


def put(stage: Stage, run: Intervention, key: str, kind: type[CommandBase] | None, **fields: Any) -> None:
    command = kind(id=key, intervention=run.id, by="Dana Reyes", **fields) if kind else None
    with stage.store.write() as session:
        row = session.get_one(Intervention, run.id)
        pending.put(
            session, row, key=key, source="slack", by="Dana Reyes", command=command, now=datetime.now(UTC)
        )


def teller(stage: Stage) -> Teller:
    return Teller(stage.skipper.client, PendingRepository(stage.store))


def kept(stage: Stage) -> dict[str, tuple[str, str]]:
    return {row.id: (row.state, row.why) for row in stage.rows(PendingCommand)}


def lines(stage: Stage, prefix: str = "command.") -> list[str]:
    rows = [row for row in stage.rows(Event) if row.kind.startswith(prefix)]
    return [f"{row.by}: {row.kind}" for row in sorted(rows, key=lambda row: (row.at, row.id))]


async def begun(stage: Stage, name: str = "acme") -> tuple[str, Intervention]:
    key = stage.customer(name)
    await stage.score(key, 12)
    return key, await stage.opened(key)


async def test_a_command_is_told_once_by_however_many(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    put(stage, run, "click-1", Acknowledge)
    now = datetime.now(UTC)
    due = PendingRepository(stage.store).due(now)
    both = [Teller(stage.skipper.client, _Seen(stage.store, due)) for _ in range(2)]
    await asyncio.gather(*(one.tell(now) for one in both))
    await stage.eventually(lambda: lines(stage), lambda found: "Dana Reyes: command.acknowledge" in found)
    await stage.command(key, Stop)
    await stage.handle(key).result()
    assert lines(stage).count("Dana Reyes: command.acknowledge") == 1
    assert kept(stage) == {"click-1": ("told", "")}


class _Seen(PendingRepository):
    """Two tellers that both looked before either of them told."""

    def __init__(self, store: Store, seen: tuple[Any, ...]) -> None:
        super().__init__(store)
        self._seen = seen

    def due(self, now: datetime) -> tuple[Any, ...]:
        return self._seen


async def test_commands_are_told_in_their_order_and_a_run_looks_again(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    put(stage, run, "b-pause", Pause, reason="holidays")
    put(stage, run, "c-look", None)
    put(stage, run, "a-resume", Resume)
    told = await teller(stage).tell(datetime.now(UTC))
    assert (told.told, told.refused, told.resting) == (3, 0, 0)
    wanted = ["Dana Reyes: command.pause", "Dana Reyes: command.resume"]
    await stage.eventually(lambda: lines(stage), lambda found: found == wanted)
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_the_worker_tells_what_nobody_else_did(sqlite_stage: Stage) -> None:
    """No `keepwell serve` runs: the monitor's next pass does it."""
    stage = sqlite_stage
    key, run = await begun(stage)
    put(stage, run, "click-1", Respond)
    await passes(stage, datetime.now(UTC))
    await stage.eventually(lambda: lines(stage), lambda found: found == ["Dana Reyes: command.respond"])
    assert kept(stage) == {"click-1": ("told", "")}
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_what_comes_for_one_that_has_ended_is_refused_in_words(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    await stage.command(key, Stop, reason="wrong alarm")
    await stage.handle(key).result()
    put(stage, run, "late", Acknowledge)
    put(stage, run, "look", None)
    told = await teller(stage).tell(datetime.now(UTC))
    assert (told.told, told.refused) == (0, 2)
    words = f"Intervention {run.id} has ended (stopped: wrong alarm)."
    assert kept(stage) == {"late": ("refused", words), "look": ("refused", words)}
    [line] = [row for row in stage.rows(Event) if row.kind == "command.refused"]
    assert (line.by, line.text, line.why) == ("Dana Reyes", "acknowledge was refused", words)


async def test_another_intervention_under_the_same_id_does_not_take_it(sqlite_stage: Stage) -> None:
    """The teller died after it had looked, and meanwhile a graver playbook has taken over."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 30)
    first = await stage.opened(key)
    put(stage, first, "late", Acknowledge)
    now = datetime.now(UTC)
    seen = _Seen(stage.store, PendingRepository(stage.store).due(now))
    await stage.score(key, 12)
    second = await stage.opened(key, 2)
    await Teller(stage.skipper.client, seen).tell(now)
    refused = await stage.eventually(
        lambda: [row for row in stage.rows(Event) if row.kind == "command.refused"],
        lambda rows: len(rows) == 1,
    )
    assert f"It names intervention {first.id}" in refused[0].why
    assert refused[0].intervention_id == second.id
    assert stage.interventions(key)[1].acknowledged_by == ""
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_a_run_that_was_terminated_is_refused_in_words(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    await stage.handle(key).terminate()
    put(stage, run, "click-1", Acknowledge)
    await teller(stage).tell(datetime.now(UTC))
    state, why = kept(stage)["click-1"]
    assert state == "refused"
    assert "was it terminated" in why


async def test_while_no_server_answers_all_stays_due(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    put(stage, run, "click-1", Acknowledge)
    nowhere = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(ServerUnavailableError):
        await Teller(nowhere, PendingRepository(stage.store)).tell(datetime.now(UTC))
    assert kept(stage) == {"click-1": ("waiting", "")}
    assert (await teller(stage).tell(datetime.now(UTC))).told == 1
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_a_click_waits_for_a_worker_on_the_server(sqlite_store: Store, temporal_address: str) -> None:
    """No worker runs: the server keeps the signal."""
    async with open_stage(sqlite_store, temporal_address, works=False) as stage:
        key = stage.customer("acme")
        await stage.score(key, 12)
        handle = stage.handle(key)
        run = stage.world.intervention("one", key)
        with stage.store.read() as session:
            row = session.get_one(Intervention, run)
        put(stage, row, "click-1", Acknowledge)
        assert (await teller(stage).tell(datetime.now(UTC))).told == 1
        names = [
            event.workflow_execution_signaled_event_attributes.signal_name
            async for event in handle.fetch_history_events()
        ]
        assert "acknowledge" in names
        await handle.terminate()


async def test_one_that_rests_is_not_overtaken(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key, run = await begun(stage)
    put(stage, run, "a", Pause)
    put(stage, run, "b", Resume)
    with stage.store.write() as session:
        pending.rest(session, "a", "the server was busy", datetime.now(UTC))
    assert PendingRepository(stage.store).due(datetime.now(UTC)) == ()
    later = PendingRepository(stage.store).due(datetime.now(UTC) + HOUR)
    assert [one.key for one in later] == ["a", "b"]
    await stage.command(key, Stop)
    await stage.handle(key).result()
