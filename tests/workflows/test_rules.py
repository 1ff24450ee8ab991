"""The rules around an intervention: cooldown, recovery, one voice, what a running one keeps."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.service import RPCError

from keepwell.contracts.commands import Accept, Acknowledge, Pause, Reassign, Respond, Resume, Seen, Stop
from keepwell.contracts.intervention import Record, Recorded
from keepwell.contracts.offers import OfferKind
from keepwell.db.engine import Store
from keepwell.db.tables import Event, Intervention, Offer, Staff
from keepwell.errors import StoreError
from keepwell.rendering.bundle import OWN_TEMPLATES
from scoring.signal import Signal
from tests.workflows.stage import DAY, HOUR, Stage, stage
from workflows.critical import CRITICAL


async def test_the_same_playbook_waits_for_its_cooldown_and_a_person_looks_meanwhile(
    sqlite_stage: Stage,
) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 12)
    await opened.opened(key)
    await opened.command(key, Stop, reason="settled by phone")
    await opened.handle(key).result()
    await opened.score(key, 70)
    opened.clocks[key] += 2 * DAY
    await opened.score(key, 70)
    opened.clocks[key] += DAY
    await opened.score(key, 12)
    rows = await opened.eventually(
        lambda: opened.transitions(key), lambda rows: all(row.decision for row in rows)
    )
    assert [row.code for row in rows] == ["started", "not_needed", "cooldown"]
    assert "may begin again on" in rows[-1].reason
    assert [task.title for task in opened.tasks(key)] == ["Acme is CRITICAL: look at it by hand"]


async def test_a_level_that_improves_within_risk_lets_the_playbook_go_on(sqlite_stage: Stage) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 12)
    await opened.opened(key)
    await opened.score(key, 50)
    rows = await opened.eventually(
        lambda: opened.transitions(key), lambda rows: all(row.decision for row in rows)
    )
    assert [row.code for row in rows] == ["started", "goes_on"]
    assert rows[1].reason == f"{CRITICAL.label} goes on: AT_RISK is not a recovery"
    assert opened.interventions(key)[0].outcome is None
    await opened.command(key, Stop)


async def test_what_arrives_while_paused_counts(sqlite_stage: Stage) -> None:
    """A recovery ends a paused run at once; a take-over keeps the pause for the next playbook."""
    opened = sqlite_stage
    better, worse = opened.customer("better"), opened.customer("worse")
    for key in (better, worse):
        await opened.score(key, 50)
        await opened.opened(key)
        await opened.command(key, Pause, reason="They are moving office")
    await opened.score(better, 75)
    await opened.handle(better).result()
    assert opened.interventions(better)[0].outcome == "recovered"
    await opened.score(worse, 12)
    critical = await opened.opened(worse, 2)
    assert (critical.playbook, critical.paused, critical.pause_reason) == (
        "critical",
        True,
        "They are moving office",
    )
    await opened.forward(worse, 2 * DAY)
    assert opened.outbox(worse) == []
    await opened.command(worse, Resume)
    await opened.forward(worse, HOUR / 2)
    assert len(opened.outbox(worse)) == 2
    await opened.command(worse, Stop)


async def test_a_command_names_its_intervention(sqlite_stage: Stage) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 50)
    first = await opened.opened(key)
    await opened.score(key, 12)
    await opened.opened(key, 2)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await opened.command(key, Stop, intervention=first.id)
    assert f"names intervention {first.id}" in str(refused.value.cause)
    await opened.command(key, Stop)
    # Where the run is over by then, the server refuses it.
    with pytest.raises((WorkflowUpdateFailedError, RPCError)):
        await opened.command(key, Acknowledge, intervention=first.id)


async def test_reassigning_carries_open_tasks_along_and_an_unknown_name_changes_nothing(
    sqlite_stage: Stage,
) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 12)
    await opened.opened(key)
    await opened.forward(key, 25 * HOUR)
    await opened.command(key, Reassign, to="omar@brightdesk.example")
    task = await opened.eventually(
        lambda: next(task for task in opened.tasks(key) if task.step == "phone_call"),
        lambda task: task.owner_id == "omar",
    )
    assert task.state == "open"
    await opened.handle(key).signal("reassign", {"by": "ops", "to": "nobody@nowhere.example"})
    lines = await opened.eventually(
        lambda: [row.why for row in opened.rows(Event) if row.kind == "command.refused"], bool
    )
    assert lines == ["nobody on the staff is called 'nobody@nowhere.example'"]
    assert opened.interventions(key)[0].owner_id == "omar"
    await opened.command(key, Stop)


async def test_an_owner_who_left_is_replaced_by_the_least_loaded(sqlite_stage: Stage) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    opened.world.change(Staff, "dana", active=False)
    await opened.score(key, 12)
    await opened.opened(key)
    await opened.forward(key, HOUR / 2)
    assert opened.interventions(key)[0].owner_id == "omar"
    assert [row.recipient_name for row in opened.outbox(key)][-1] == "Omar Haddad"
    await opened.command(key, Stop)


async def test_an_offer_that_nobody_takes_expires(sqlite_stage: Stage) -> None:
    """Its time is over before its campaign is: no answer to it counts any more."""
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    campaign = await opened.opened(key)
    await opened.forward(key, 6 * DAY - HOUR, "expansion")
    await opened.command(key, Seen, family="expansion")
    (offer,) = await opened.eventually(
        lambda: opened.rows(Offer, customer_id=key), lambda rows: rows[0].state == "seen"
    )
    assert offer.valid_until - offer.offered_at == 6 * DAY
    await opened.forward(key, 2 * HOUR, "expansion")
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await opened.command(key, Accept, option=OfferKind.UPGRADE, family="expansion")
    assert str(refused.value.cause).startswith("Refused: The offer ended on ")
    result = await opened.until_end(key, "expansion")
    assert result["outcome"] == "completed"
    (row,) = opened.rows(Offer, customer_id=key)
    ended = opened.rows(Intervention, id=campaign.id)[0].ended_at
    assert (row.state, row.decided_at, row.decided_by) == ("expired", ended, "engine")
    assert (row.seen_at, row.terms, row.valid_until) == (offer.seen_at, {}, offer.valid_until)


async def test_cancelling_in_temporal_ends_the_intervention_cleanly(sqlite_stage: Stage) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 12)
    await opened.opened(key)
    await opened.forward(key, HOUR / 2)
    await opened.handle(key).cancel()
    with pytest.raises(WorkflowFailureError):
        await opened.handle(key).result()
    row = opened.interventions(key)[0]
    assert (row.outcome, row.outcome_why) == ("stopped", "The run was cancelled in Temporal")
    assert set(opened.steps(row.id).values()) == {"done", "cancelled"}


async def test_cancelling_while_the_store_is_down_loses_no_command_and_writes_the_outcome(
    sqlite_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = sqlite_stage
    key = opened.customer("acme")
    await opened.score(key, 50)
    await opened.opened(key)
    tried, up = threading.Event(), threading.Event()
    honest = opened.parts.interventions.record

    def down(record: Record) -> Recorded:
        tried.set()
        if not up.is_set():
            raise StoreError("down", retryable=True)
        return honest(record)

    monkeypatch.setattr(opened.parts.interventions, "record", down)
    await opened.command(key, Acknowledge)
    await asyncio.to_thread(tried.wait, 20)
    await opened.handle(key).cancel()
    up.set()
    with pytest.raises(WorkflowFailureError):
        await opened.handle(key).result()
    row = opened.interventions(key)[0]
    assert (row.outcome, row.acknowledged_by) == ("stopped", "dana@brightdesk.example")


async def test_editing_a_template_does_not_change_a_running_intervention(
    sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    """The edit is in the next intervention, and only there."""
    subject = "email/critical/csm_outreach.subject.j2"
    edited = tmp_path / subject
    edited.parent.mkdir(parents=True)
    edited.write_text((OWN_TEMPLATES / subject).read_text())
    async with stage(sqlite_store, temporal_address, templates=tmp_path) as opened:
        first, second = opened.customer("first"), opened.customer("second")
        await opened.score(first, 12)
        await opened.opened(first)
        edited.write_text("Edited for {{ customer.name }}")
        await opened.score(second, 12)
        await opened.opened(second)
        for key in (first, second):
            await opened.forward(key, 90 * HOUR / 60)
            await opened.command(key, Respond)
        subjects = {key: [row.subject for row in opened.outbox(key)][2] for key in (first, second)}
        assert subjects["second"] == "Edited for Second"
        assert subjects["first"] != "Edited for First"
        for key in (first, second):
            await opened.command(key, Stop)
