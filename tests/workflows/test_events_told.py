"""Event playbooks and what others tell them: who has the alert in hand, who speaks now, what is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keepwell.contracts.alerts import AlertState
from keepwell.contracts.commands import Complete, Stop
from keepwell.contracts.events import ToldToEnd
from keepwell.db.repositories.alerts import acknowledge_alert, close_alert
from keepwell.db.tables import Alert, Event, Intervention, InterventionStep
from keepwell.temporal.events import CAUSE_GONE
from scoring.triggers import Finding
from tests.workflows.scenarios_events import GONE, PAYMENT, USAGE, noticed
from tests.workflows.stage import DAY, HOUR, Stage
from tests.workflows.test_events import SOON, ended, events, written


async def test_a_run_that_is_gone_gives_way_in_the_store(sqlite_stage: Stage) -> None:
    """Or it would keep all other letters from the customer for ever."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.alert(key, noticed(USAGE))
    lost = await stage.opened(key)
    await stage.handle(key, "event").terminate("by mistake")
    await stage.score(key, 12)
    await stage.opened(key, 2)
    row = await ended(stage, lost.id)
    assert row.outcome == "superseded"
    assert row.outcome_why == (
        "critical@3 runs: one voice for a customer; its run in Temporal had ended without an outcome"
    )
    assert "planned" not in stage.steps(lost.id).values()
    await stage.command(key, Stop)
    await stage.handle(key).result()
    later = await stage.alert(key, noticed(GONE))
    await stage.opened(key, 3)
    assert stage.alert_row(later).decision == "started", "what was left open is in nobody's way"
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_a_word_that_comes_late_is_not_for_the_next_run(sqlite_stage: Stage) -> None:
    """The next run has the same workflow id, and its own alert."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.alert(key, PAYMENT)
    first = await stage.opened(key)
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()
    stage.world.change(Intervention, first.id, ended_at=datetime.now(UTC) - 2 * DAY)
    await stage.alert(key, PAYMENT)
    second = await stage.opened(key, 2)
    assert second.workflow_id == first.workflow_id
    run = stage.handle(key, "event")
    await run.signal(CAUSE_GONE, ToldToEnd(intervention=first.id, why="the first was paid"))
    await run.signal("give_way", ToldToEnd(intervention=first.id, why="late"))
    await stage.forward(key, SOON, "event")
    assert stage.rows(Intervention, id=second.id)[0].outcome is None
    await run.signal(CAUSE_GONE, ToldToEnd(intervention=second.id, why="the second was paid"))
    assert (await run.result())["outcome"] == "recovered"
    assert (await ended(stage, second.id)).outcome_why == "the second was paid"


async def test_who_has_the_alert_in_hand_has_the_intervention_in_hand_from_its_beginning(
    stage: Stage,
) -> None:
    key = stage.customer("acme")
    alert = stage.raised(key, PAYMENT)
    acknowledge_alert(stage.store, alert, "Sam Support", stage.clocks[key])
    await stage.hand_over(key, alert, PAYMENT)
    opened = await stage.opened(key)
    assert opened.acknowledged_by == "Sam Support"
    await stage.forward(key, 3 * HOUR, "event")
    states = stage.steps(opened.id)
    assert (states["tell_support"], states["fix_payment"]) == ("done", "done")
    assert (states["payment_email"], states["escalate"]) == ("cancelled", "cancelled")
    assert [message.recipient_name for message in stage.outbox(key)] == ["Sam Support"]
    lines = [(row.kind, row.by, row.why) for row in stage.rows(Event, intervention_id=opened.id)]
    assert ("command.acknowledge", "Sam Support", "The alert was acknowledged before this began") in lines
    (row,) = stage.rows(InterventionStep, intervention_id=opened.id, name="escalate")
    assert row.why == "Acknowledged (Sam Support)"
    assert stage.alert_row(alert).state == AlertState.ACKNOWLEDGED
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


@pytest.mark.parametrize("finding", [PAYMENT, noticed(GONE)], ids=["payment", "silence"])
async def test_who_was_never_scored_is_looked_after_too(finding: Finding, stage: Stage) -> None:
    key = stage.customer("acme", scored=False)
    alert = await stage.alert(key, finding)
    opened = await stage.opened(key)
    assert stage.alert_row(alert).decision == "started"
    assert (opened.level, opened.score) == (None, None)
    described = await stage.handle(key, "event").describe()
    assert "RiskLevel" not in described.search_attributes
    assert (await stage.until_end(key, "event"))["outcome"] == "completed"
    assert "missed" not in stage.steps(opened.id).values()
    told = [message.text for message in stage.outbox(key)] + [task.detail for task in stage.tasks(key)]
    assert told
    assert not [text for text in told if "None" in text or "of 100" in text]


async def test_a_failed_payment_is_decided_anew_when_the_playbook_that_kept_it_has_ended(
    sqlite_stage: Stage,
) -> None:
    """The owner was asked meanwhile; where support takes it up after all the owner need not."""
    stage = sqlite_stage
    key = stage.customer("acme")
    paid = await stage.alert(key, PAYMENT)
    await stage.opened(key)
    waits = await stage.alert(key, PAYMENT)
    assert stage.alert_row(waits).decision == "refused"
    with stage.store.write() as session:
        close_alert(session, session.get_one(Alert, paid), "a payment came in", stage.clocks[key])
    await stage.parts.hand_over.end_events(stage.world.organisation, stage.clocks[key])
    assert (await stage.handle(key, "event").result())["outcome"] == "recovered"
    assert stage.alert_row(waits).decision is None
    await stage.hand_over(key, waits, PAYMENT)
    second = await stage.opened(key, 2)
    assert (stage.alert_row(waits).decision, stage.alert_row(waits).reason) == (
        "started",
        "priority_support@2 began",
    )
    (asked,) = [task for task in stage.tasks(key) if task.kind == "alert"]
    assert (asked.state, asked.note) == ("withdrawn", "priority_support@2 began")
    # What is settled by hand rests for a day: then the failure stays the owner's.
    third = await stage.alert(key, PAYMENT)
    await stage.forward(key, SOON, "event")
    await stage.command(key, Complete, step="fix_payment", family="event")
    assert (await stage.handle(key, "event").result())["outcome"] == "completed"
    await stage.hand_over(key, third, PAYMENT)
    assert stage.alert_row(third).reason.startswith("priority_support ended on ")
    assert [task.state for task in stage.tasks(key) if task.kind == "alert"] == ["withdrawn", "open"]
    assert [row.id for row in events(stage, key)][-1] == second.id
    assert written(stage, second.id) == []
