"""Longer paths through the levels: three playbooks in one chain, one step better only, no playbook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.service import RPCError

from keepwell.contracts.commands import Acknowledge, Pause, Stop
from keepwell.contracts.intervention import Ended, Ending, NotOpened, Opened, OpenRequest
from keepwell.contracts.rendering import Rendered
from tests.workflows.consistency import chain_of, codes, consistent, decided, sent, waits
from tests.workflows.stage import DAY, HOUR, Stage
from workflows.critical import CRITICAL
from workflows.high_risk import HIGH_RISK

LATE = pytest.mark.parametrize("late", [False, True], ids=["early", "late"])


async def scores(stage: Stage, key: str, *points: float) -> list[str]:
    """Level after level, each decided before the next; how they were decided."""
    for number, one in enumerate(points, len(stage.transitions(key)) + 1):
        await stage.score(key, one)
        await decided(stage, key, number)
    consistent(stage, key)
    return codes(stage, key)


async def test_a_pause_keeps_its_end_where_the_opening_says_nothing_of_it(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of before openings told of pauses takes over: the run before hands on what it knows."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    until = stage.clocks[key] + 2 * DAY
    await stage.command(key, Pause, until=until, reason="They are moving office")
    await stage.eventually(lambda: stage.interventions(key)[0].paused, bool)
    honest = stage.parts.interventions.open

    def silent(request: OpenRequest) -> Opened | NotOpened:
        nothing = {"paused_at": None, "paused_until": None, "pause_reason": ""}
        return honest(request).model_copy(update=nothing)

    monkeypatch.setattr(stage.parts.interventions, "open", silent)
    await stage.score(key, 12)
    critical = await stage.opened(key, 2)
    await waits(stage, key, CRITICAL)
    await stage.forward(key, 2 * DAY - HOUR)
    assert sent(stage, critical.id) == []
    # Half an hour after the pause, and as long before the next step is due.
    await stage.forward(key, 1.5 * HOUR)
    assert sent(stage, critical.id) == ["alert_csm", "executive_email"]
    await stage.command(key, Stop)


async def test_three_playbooks_in_one_chain(sqlite_stage: Stage) -> None:
    """Worse and worse: each has its predecessor, and the last one knows what the first has sent."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    chain = await chain_of(stage, key)
    await stage.forward(key, 2 * DAY)
    await stage.score(key, 30)
    await waits(stage, key, HIGH_RISK)
    await stage.forward(key, 2 * HOUR)
    await stage.score(key, 12)
    await waits(stage, key, CRITICAL)
    assert await chain_of(stage, key) == chain
    first, second, third = stage.interventions(key)
    assert [row.playbook for row in (first, second, third)] == ["at_risk", "high_risk", "critical"]
    assert [row.outcome for row in (first, second, third)] == ["superseded", "superseded", None]
    assert (first.supersedes, second.supersedes, third.supersedes) == (None, first.id, second.id)
    assert (second.start, third.start) == (f"{first.start}.1", f"{first.start}.2")
    told = sent(stage, first.id), sent(stage, second.id), sent(stage, third.id)
    assert told == (["value_email"], ["alert_csm", "personal_email"], ["alert_csm", "executive_email"])
    shown = await stage.handle(key).query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    details = shown.current_details
    for line in ("value_email: done", "(at_risk@1)", "personal_email: done", "(high_risk@2)"):
        assert line in details
    await stage.score(key, 68)
    await stage.handle(key).result()
    assert [row.outcome for row in stage.interventions(key)] == ["superseded", "superseded", "recovered"]
    assert codes(stage, key) == ["started", "started", "started", "recovered"]
    consistent(stage, key)


async def test_one_step_better_then_worse_then_well(sqlite_stage: Stage) -> None:
    """The way up does not end a playbook before the customer is well; the way down is measured by it."""
    stage = sqlite_stage
    paths = {
        "critical": ((12, 30, 12, 50, 30, 68), ["started", *["goes_on"] * 4, "recovered"]),
        "high": ((30, 50, 30, 68), ["started", "goes_on", "goes_on", "recovered"]),
        "over": ((30, 50, 12, 30, 68), ["started", "goes_on", "started", "goes_on", "recovered"]),
    }

    async def one(name: str) -> None:
        key = stage.customer(name)
        points, wanted = paths[name]
        assert await scores(stage, key, *points) == wanted
        await stage.handle(key).result()

    await asyncio.gather(*(one(name) for name in paths))
    assert [row.playbook for row in stage.interventions("over")] == ["high_risk", "critical"]
    assert [row.outcome for row in stage.interventions("over")] == ["superseded", "recovered"]


async def test_after_a_recovery_a_worse_playbook_begins_at_once_and_the_same_one_cools_down(
    sqlite_stage: Stage,
) -> None:
    """Critical, well, at risk, critical again: its cooldown refuses the take-over, at-risk goes on."""
    stage = sqlite_stage
    key = stage.customer("acme")
    assert await scores(stage, key, 12, 68, 50, 12) == ["started", "recovered", "started", "cooldown"]
    rows = stage.interventions(key)
    assert [(row.playbook, row.outcome) for row in rows] == [("critical", "recovered"), ("at_risk", None)]
    await stage.command(key, Acknowledge)
    assert (await scores(stage, key, 68))[-1] == "recovered"


async def test_a_level_without_a_playbook(sqlite_stage: Stage) -> None:
    """None runs: refused. One runs for a better level or a worse one: it goes on, and can be taken over."""
    stage = sqlite_stage
    del stage.parts.playbooks.playbooks["high_risk"]
    idle, better, worse = stage.customer("idle"), stage.customer("better"), stage.customer("worse")
    assert await scores(stage, idle, 30) == ["no_playbook"]
    (row,) = stage.transitions(idle)
    assert (row.decision, row.handed) == ("refused", "refused")
    assert row.reason == "There is no playbook for HIGH_RISK yet, and none runs"
    with pytest.raises(RPCError, match="not found"):
        await stage.handle(idle).describe()
    assert await scores(stage, idle, 68) == ["no_playbook", "not_needed"]
    assert await scores(stage, better, 50, 30) == ["started", "no_playbook"]
    last = stage.transitions(better)[-1]
    assert (last.handed, last.reason) == ("signalled", "There is no playbook for HIGH_RISK")
    await stage.command(better, Acknowledge)
    await stage.forward(better, 25 * HOUR)
    (running,) = stage.interventions(better)
    assert (running.outcome, sent(stage, running.id)) == (None, ["value_email"])
    assert (await scores(stage, better, 12, 30, 68))[2:] == ["started", "goes_on", "recovered"]
    assert await scores(stage, worse, 12, 30) == ["started", "goes_on"]
    await stage.command(worse, Stop)
    await stage.handle(worse).result()
    assert (await scores(stage, worse, 50, 30, 68))[2:] == ["started", "no_playbook", "recovered"]


@asynccontextmanager
async def taking_over(
    stage: Stage, key: str, patch: pytest.MonkeyPatch, *, late: bool
) -> AsyncIterator[None]:
    """Critical has arrived and the store is slow: what happens in here comes during the take-over.

    Before the store has written it; or `late`: after, and the run does not know yet.
    """
    honest = stage.parts.interventions.open
    began, go_on = threading.Event(), threading.Event()

    def slow(request: OpenRequest) -> Opened | NotOpened:
        answer = honest(request) if late else None
        began.set()
        assert go_on.wait(60)
        return answer or honest(request)

    patch.setattr(stage.parts.interventions, "open", slow)
    await stage.score(key, 12)
    try:
        assert await asyncio.to_thread(began.wait, 60)
        yield
    finally:
        go_on.set()


@LATE
async def test_a_recovery_during_a_take_over_ends_whatever_runs(
    late: bool, sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The take-over is refused as older; or it is done, and the next playbook ends before its first step."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    async with taking_over(stage, key, monkeypatch, late=late):
        await stage.score(key, 68)
    await decided(stage, key, 3)
    taken = ["superseded", "recovered"] if late else ["recovered"]
    assert [row.outcome for row in stage.interventions(key)] == taken
    assert codes(stage, key) == ["started", "started" if late else "older", "recovered"]
    assert stage.deliveries(key) == []
    consistent(stage, key)


@LATE
async def test_signals_during_a_take_over_are_for_the_next_playbook(
    late: bool, sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause goes over to the next playbook; a resume that comes in between ends it there."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.command(key, Pause, reason="They are moving office")
    await stage.eventually(lambda: stage.interventions(key)[0].paused, bool)
    async with taking_over(stage, key, monkeypatch, late=late):
        await stage.handle(key).signal("acknowledge", {"by": "ops"})
        await stage.handle(key).signal("resume", {"by": "ops"})
    await waits(stage, key, CRITICAL)
    (old, new) = stage.interventions(key)
    assert (old.acknowledged_by, new.acknowledged_by) == ("", "ops")
    assert (new.paused, stage.steps(new.id)["escalate"]) == (False, "cancelled")
    assert sent(stage, new.id) == ["alert_csm", "executive_email"]
    await stage.command(key, Stop)


@LATE
async def test_a_cancellation_during_a_take_over_stops_the_next_playbook(
    late: bool, sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    async with taking_over(stage, key, monkeypatch, late=late):
        await stage.handle(key).cancel()
    await decided(stage, key, 2)
    result = await stage.handle(key).result()
    old, new = stage.interventions(key)
    assert (old.outcome, new.outcome) == ("superseded", "stopped")
    assert result["why"] == new.outcome_why == "The run was cancelled in Temporal"
    assert sent(stage, new.id) == []
    consistent(stage, key)


async def test_a_cancellation_while_the_next_playbook_begins_after_an_end_stops_it(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop is being written, critical arrives, and it is being opened when ops cancel."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 50)
    await stage.opened(key)
    honest = stage.parts.interventions.end
    began, go_on = threading.Event(), threading.Event()

    def slow(ending: Ending, review: Rendered | None) -> Ended:
        began.set()
        assert go_on.wait(60)
        return honest(ending, review)

    monkeypatch.setattr(stage.parts.interventions, "end", slow)
    await stage.command(key, Stop)
    assert await asyncio.to_thread(began.wait, 60)

    async def let_it_end() -> None:
        await stage.eventually(
            lambda: stage.transitions(key)[-1].handed, lambda handed: handed == "signalled"
        )
        go_on.set()

    ends = asyncio.create_task(let_it_end())
    async with taking_over(stage, key, monkeypatch, late=False):
        await ends
        await stage.handle(key).cancel()
    await decided(stage, key, 2)
    await stage.handle(key).result()
    old, new = stage.interventions(key)
    assert (old.outcome, new.outcome) == ("stopped", "stopped")
    assert new.outcome_why == "The run was cancelled in Temporal"
    assert sent(stage, new.id) == []
    consistent(stage, key)
