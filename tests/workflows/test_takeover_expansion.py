"""A campaign to expand waits while the customer is at risk, whichever way the level changes meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from keepwell.contracts.commands import Pause, Respond, Resume, Stop
from keepwell.contracts.intervention import Ended, Ending, NotOpened, Opened, OpenRequest
from keepwell.contracts.rendering import Rendered
from keepwell.db.tables import Event, Intervention
from scoring.signal import Signal
from tests.workflows.consistency import codes, consistent, decided, sent
from tests.workflows.recording import record
from tests.workflows.stage import DAY, HOUR, Stage
from workflows.critical import CRITICAL


def campaign(stage: Stage, key: str) -> Intervention:
    """The customer's campaign."""
    return next(row for row in stage.interventions(key) if row.family == "expansion")


def mails(stage: Stage, key: str) -> list[str]:
    """The campaign's messages that the customer has."""
    rows = stage.deliveries(key)
    theirs = {row.step for row in rows if row.recipient_kind == "contact"}
    return [step for step in sent(stage, campaign(stage, key).id) if step in theirs]


def holds(stage: Stage, key: str) -> list[str]:
    """How often its campaign was held and let go, in order."""
    lines = stage.rows(Event, intervention_id=campaign(stage, key).id)
    kinds = ("intervention.held", "intervention.released")
    return [row.kind.split(".")[1] for row in sorted(lines, key=lambda row: row.id) if row.kind in kinds]


async def held(stage: Stage, key: str, whether: bool = True) -> None:
    """Wait until the campaign is held, or is not."""
    await stage.eventually(lambda: campaign(stage, key).held_why != "", lambda found: found is whether)


async def expanding(stage: Stage, key: str) -> str:
    """A customer whose campaign has sent its first email."""
    stage.customer(key)
    await stage.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    await stage.opened(key)
    await stage.forward(key, HOUR / 2, "expansion")
    assert mails(stage, key) == ["celebration"]
    return key


async def test_a_campaign_is_held_once_through_every_level(sqlite_stage: Stage) -> None:
    """Held at the first level at risk, let go by the recovery; a take-over in between is not felt."""
    stage = sqlite_stage
    paths = {
        "worse": ((50, 30, 12), ["started"] * 3),
        "up": ((50, 12, 30), ["started", "started", "goes_on"]),
        "over": ((30, 50, 12), ["started", "goes_on", "started"]),
        "better": ((12, 30, 50), ["started", "goes_on", "goes_on"]),
    }

    async def one(key: str) -> None:
        points, wanted = paths[await expanding(stage, key)]
        for number, one in enumerate(points, 1):
            await stage.score(key, one)
            await decided(stage, key, number)
            await held(stage, key)
        await stage.forward(key, 4 * DAY, "expansion")
        assert mails(stage, key) == ["celebration"], "day 3 of its clock has not come"
        await stage.score(key, 85)
        await stage.handle(key).result()
        await held(stage, key, False)
        assert codes(stage, key) == [*wanted, "recovered"]
        assert holds(stage, key) == ["held", "released"]
        consistent(stage, key)
        await stage.forward(key, 3 * DAY, "expansion")
        assert mails(stage, key) == ["celebration", "worth_it"]
        await stage.command(key, Stop, family="expansion")

    await asyncio.gather(*(one(key) for key in paths))


@pytest.mark.parametrize("first", ["released", "resumed"])
async def test_a_campaign_that_is_held_and_paused_goes_on_when_both_are_over(
    first: str, sqlite_stage: Stage
) -> None:
    """Held for two days or more, the last of them paused: its own clock is still at its first half-hour."""
    stage = sqlite_stage
    key = await expanding(stage, "acme")

    async def well() -> None:
        await stage.score(key, 85)
        await stage.handle(key).result()
        await held(stage, key, False)

    async def resume() -> None:
        await stage.command(key, Resume, family="expansion")
        await stage.eventually(lambda: campaign(stage, key).paused, lambda paused: not paused)

    await stage.score(key, 12)
    await stage.opened(key, 2)
    await held(stage, key)
    await stage.forward(key, DAY, "expansion")
    await stage.command(key, Pause, reason="They are moving office", family="expansion")
    await stage.eventually(lambda: campaign(stage, key).paused, bool)
    await (well if first == "released" else resume)()
    assert campaign(stage, key).shift == timedelta(), "the other one still stops it"
    await stage.forward(key, DAY, "expansion")
    await (resume if first == "released" else well)()
    assert 2 * DAY <= campaign(stage, key).shift < 2 * DAY + HOUR / 4
    await stage.forward(key, 3 * DAY - HOUR, "expansion")
    assert mails(stage, key) == ["celebration"], "day 3 of its clock has not come"
    await stage.forward(key, HOUR, "expansion")
    assert mails(stage, key) == ["celebration", "worth_it"]
    await stage.command(key, Stop, family="expansion")


async def test_a_campaign_waits_for_the_level_where_no_playbook_runs(sqlite_stage: Stage) -> None:
    """At a level without a playbook, and after an answer, the customer is still at risk."""
    stage = sqlite_stage
    del stage.parts.playbooks.playbooks["high_risk"]
    keys = await asyncio.gather(*(expanding(stage, key) for key in ("without", "answered")))
    without, answered = keys
    await stage.score(without, 30)
    assert codes(stage, without) == ["no_playbook"]
    await stage.score(answered, 50)
    await stage.opened(answered, 2)
    await stage.command(answered, Respond)
    await stage.handle(answered).result()
    for key in keys:
        await held(stage, key)
        await stage.score(key, 85)
        await held(stage, key, False)
        assert codes(stage, key)[-1] == "not_needed"
        assert holds(stage, key) == ["held", "released"]
        consistent(stage, key)
        await stage.command(key, Stop, family="expansion")


def after_the_end(
    stage: Stage, patch: pytest.MonkeyPatch, then: Callable[[], Coroutine[Any, Any, object]]
) -> None:
    """Do something when the end of the next risk playbook is in the store, and its run does not know yet."""
    honest, loop = stage.parts.interventions.end, asyncio.get_running_loop()

    def end(ending: Ending, review: Rendered | None) -> Ended:
        ended = honest(ending, review)
        patch.setattr(stage.parts.interventions, "end", honest)
        asyncio.run_coroutine_threadsafe(then(), loop).result(20)
        return ended

    patch.setattr(stage.parts.interventions, "end", end)


@pytest.mark.parametrize(("points", "code"), [(50, "started"), (12, "cooldown")])
async def test_a_fall_while_the_campaign_is_let_go_holds_it_again(
    points: int, code: str, sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Well, and critical before the run has told the campaign: it waits again, whatever runs then."""
    stage = sqlite_stage
    key = await expanding(stage, "acme")
    await stage.score(key, points)
    await stage.opened(key, 2)
    await held(stage, key)
    after_the_end(stage, monkeypatch, lambda: stage.score(key, 12))
    await stage.score(key, 85)
    await decided(stage, key, 3)
    assert codes(stage, key) == ["started", "recovered", code]
    await stage.eventually(lambda: holds(stage, key), lambda found: found == ["held", "released", "held"])
    runs = f"{CRITICAL.label} runs:" if code == "started" else "No playbook runs, but"
    assert campaign(stage, key).held_why == f"{runs} the level is CRITICAL"
    await stage.forward(key, 4 * DAY, "expansion")
    assert mails(stage, key) == ["celebration"]
    consistent(stage, key)
    await stage.command(key, Stop, family="expansion")
    if code == "started":
        await stage.command(key, Stop)


async def test_a_recovery_that_a_run_reads_at_its_end_lets_the_campaign_go(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, and well before the run is over: no playbook is needed, and nothing holds the campaign."""
    stage = sqlite_stage
    key = await expanding(stage, "acme")
    await stage.score(key, 50)
    await stage.opened(key, 2)
    await held(stage, key)
    after_the_end(stage, monkeypatch, lambda: stage.score(key, 85))
    await stage.command(key, Stop)
    await stage.handle(key).result()
    await held(stage, key, False)
    assert codes(stage, key) == ["started", "not_needed"]
    assert holds(stage, key) == ["held", "released"]
    consistent(stage, key)
    await stage.command(key, Stop, family="expansion")
    await record(stage, "recovered_at_the_end")


async def test_a_campaign_that_is_about_to_begin_is_held_too(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The risk playbook begins when the campaign is in the store, and its run does not know yet."""
    stage = sqlite_stage
    honest, began, go_on = stage.parts.interventions.open, threading.Event(), threading.Event()

    def slow(request: OpenRequest) -> Opened | NotOpened:
        answer = honest(request)
        if request.opportunity is not None:
            began.set()
            assert go_on.wait(20)
        return answer

    monkeypatch.setattr(stage.parts.interventions, "open", slow)
    key = stage.customer("acme")
    await stage.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    await asyncio.to_thread(began.wait, 20)
    stage.clocks[key] += timedelta(seconds=1)
    await stage.score(key, 12)
    await stage.opened(key, 2)
    await stage.forward(key, HOUR / 2)
    go_on.set()
    await held(stage, key)
    await stage.forward(key, 4 * DAY, "expansion")
    assert mails(stage, key) == []
    for family in ("risk", "expansion"):
        await stage.command(key, Stop, family=family)


async def test_a_campaign_that_was_not_told_to_wait_sends_nothing_to_a_customer_at_risk(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were a hold ever lost, the gate would still stand between the campaign and the customer."""
    stage = sqlite_stage
    honest = stage.parts.interventions.open

    def untold(request: OpenRequest) -> Opened | NotOpened:
        return honest(request).model_copy(update={"holds": False})

    key = await expanding(stage, "acme")
    monkeypatch.setattr(stage.parts.interventions, "open", untold)
    await stage.score(key, 12)
    running = await stage.opened(key, 2)
    await stage.forward(key, 5 * DAY, "expansion")
    assert campaign(stage, key).held_why == ""
    assert mails(stage, key) == ["celebration"]
    waits = next(row for row in stage.deliveries(key) if row.step == "worth_it")
    assert (waits.state, waits.reason) == ("deferred", f"{CRITICAL.label} runs: the level is CRITICAL")
    await stage.score(key, 85)
    await stage.eventually(lambda: stage.rows(Intervention, id=running.id)[0].outcome, bool)
    await stage.forward(key, 5 * HOUR, "expansion")
    assert mails(stage, key) == ["celebration", "worth_it"]
    await stage.command(key, Stop, family="expansion")
