"""Event playbooks beside everything else of their customer: one voice, each alert once, and never in vain."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from keepwell.contracts.commands import Pause, Respond, Stop
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.intervention import AlertCause, NotOpened, OpenRequest
from keepwell.db.repositories.alerts import close_alert, escalate_alert
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.tables import Alert, Customer, Event, Intervention
from scoring.signal import Signal
from tests.workflows.scenarios_events import CRITICAL, GONE, PAYMENT, SILENT, UNUSED, USAGE, close, noticed
from tests.workflows.stage import DAY, HOUR, Stage

SOON = timedelta(minutes=5)


def events(stage: Stage, key: str) -> list[Intervention]:
    """The customer's event interventions, oldest first."""
    return [row for row in stage.interventions(key) if row.family == "event"]


def written(stage: Stage, intervention: str) -> list[str]:
    """The steps whose messages the customer has got."""
    rows = [row for row in stage.deliveries("acme") if row.intervention_id == intervention]
    return [
        row.step
        for row in rows
        if row.recipient_kind == "contact" and row.state == DeliveryState.ACCEPTED.value
    ]


async def ended(stage: Stage, intervention: str) -> Intervention:
    """Wait for the end of an intervention."""
    rows = await stage.eventually(
        lambda: stage.rows(Intervention, id=intervention), lambda rows: rows[0].outcome is not None
    )
    row: Intervention = rows[0]
    return row


async def test_an_alert_is_claimed_once_however_often_it_is_delivered(stage: Stage) -> None:
    key = stage.customer("acme")
    alert = await stage.alert(key, noticed(USAGE))
    again = [stage.parts.hand_over.start_event(alert, stage.clocks[key]) for _ in range(4)]
    await asyncio.gather(*again)
    opened = await stage.opened(key)
    assert not await stage.parts.hand_over.start_event(alert, stage.clocks[key])
    await stage.forward(key, SOON, "event")
    await stage.command(key, Respond, family="event")
    await stage.handle(key, "event").result()
    assert not await stage.parts.hand_over.start_event(alert, stage.clocks[key])
    row = stage.alert_row(alert)
    assert (row.decision, row.intervention_id) == ("started", opened.id)
    assert len(stage.interventions(key)) == 1
    lines = [line.kind for line in stage.rows(Event, customer_id=key)]
    assert lines.count("alert.started") == 1
    assert written(stage, opened.id) == ["usage_email"]


async def test_the_same_trigger_waits_for_its_cooldown(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.alert(key, noticed(USAGE))
    await stage.opened(key)
    running = stage.alert_row(await stage.alert(key, noticed(USAGE)))
    assert (running.decision, running.reason) == ("refused", "re_engagement@1 runs already")
    await stage.forward(key, SOON, "event")
    await stage.command(key, Respond, family="event")
    await stage.handle(key, "event").result()
    soon = stage.alert_row(await stage.alert(key, noticed(USAGE)))
    assert soon.decision == "refused"
    assert soon.reason.startswith("re_engagement ended on ")
    (first,) = stage.interventions(key)
    assert first.ended_at is not None
    stage.world.change(Intervention, first.id, ended_at=first.ended_at - 31 * DAY)
    later = await stage.alert(key, noticed(USAGE))
    await stage.opened(key, 2)
    assert stage.alert_row(later).decision == "started"
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_a_risk_playbook_ends_the_letters_of_an_event(stage: Stage) -> None:
    """Whose turn it is changes with the level: what the event has planned is not written."""
    key = stage.customer("acme")
    await stage.alert(key, noticed(USAGE))
    first = await stage.opened(key)
    await stage.forward(key, 1 * DAY, "event")
    assert written(stage, first.id) == ["usage_email"]
    await stage.score(key, 12)
    row = await ended(stage, first.id)
    assert (row.outcome, row.outcome_why) == ("superseded", "critical@3 runs: one voice for a customer")
    assert stage.steps(first.id)["follow_up"] == "cancelled"
    assert (await stage.handle(key, "event").result())["outcome"] == "superseded"
    # And none begins while it runs: the owner is asked instead.
    refused = stage.alert_row(await stage.alert(key, noticed(GONE)))
    assert (refused.decision, refused.reason) == ("refused", "critical@3 runs: one voice for a customer")
    (task,) = [task for task in stage.tasks(key) if task.kind == "alert"]
    assert task.title == "Acme: no event for 72 hours; the limit is 72"
    assert (task.owner_id, task.state) == ("dana", "open")
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_a_small_alert_beside_a_risk_playbook_is_a_note_and_no_task(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 12)
    await stage.opened(key)
    row = stage.alert_row(await stage.alert(key, noticed(SILENT)))
    assert row.decision == "refused"
    lines = [line for line in stage.rows(Event, customer_id=key) if line.kind == "alert.refused"]
    assert [line.why for line in lines] == ["critical@3 runs: one voice for a customer"]
    assert not [task for task in stage.tasks(key) if task.kind == "alert"]
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_support_works_beside_a_risk_playbook_and_leaves_it_the_word(
    sqlite_stage: Stage,
) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.alert(key, PAYMENT)
    await stage.opened(key, 2)
    await stage.until_end(key, "event")
    (row,) = events(stage, key)
    states = stage.steps(row.id)
    assert (states["tell_support"], states["fix_payment"], states["escalate"]) == ("done",) * 3
    assert states["payment_email"] == "skipped"
    assert written(stage, row.id) == []
    told = next(message for message in stage.outbox(key) if "payment of Acme failed" in message.subject)
    assert "*Careful:* critical@3 runs for this customer" in told.text
    by_hand = [task for task in stage.tasks(key) if task.kind == "fallback"]
    assert [task.step for task in by_hand] == ["payment_email"]
    await stage.command(key, Stop)
    await stage.handle(key).result()


async def test_a_graver_alert_takes_the_word_and_a_lesser_one_does_not(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.alert(key, noticed(SILENT), 15 * HOUR)
    nudge = await stage.opened(key)
    await stage.alert(key, noticed(GONE))
    await stage.opened(key, 2)
    row = await ended(stage, nudge.id)
    assert (row.outcome, row.outcome_why) == ("superseded", "zero_activity@1 runs: one voice for a customer")
    assert written(stage, nudge.id) == []
    lesser = stage.alert_row(await stage.alert(key, noticed(UNUSED)))
    assert (lesser.decision, lesser.reason) == ("refused", "zero_activity@1 runs: one voice for a customer")
    stage.chains[key] = events(stage, key)[-1].workflow_id
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_silence_that_grows_graver_begins_the_graver_playbook(sqlite_stage: Stage) -> None:
    """The same alert, started already, becomes one of three days: its row is decided anew."""
    stage = sqlite_stage
    key = stage.customer("acme")
    alert = await stage.alert(key, noticed(SILENT), 15 * HOUR)
    nudge = await stage.opened(key)
    with stage.store.write() as session:
        escalate_alert(session, session.get_one(Alert, alert), noticed(GONE), stage.clocks[key])
    assert stage.alert_row(alert).decision is None
    assert await stage.parts.hand_over.start_event(alert, stage.clocks[key])
    graver = await stage.opened(key, 2)
    assert (await ended(stage, nudge.id)).outcome == "superseded"
    assert (graver.playbook, graver.alert_id) == ("zero_activity", alert)
    assert stage.alert_row(alert).intervention_id == graver.id
    stage.chains[key] = graver.workflow_id
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_a_campaign_keeps_quiet_while_an_event_playbook_is_at_work(sqlite_stage: Stage) -> None:
    """It goes on after that; a campaign that a person has paused keeps new letters from beginning."""
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    campaign = await stage.opened(key)
    await stage.forward(key, 1 * DAY, "expansion")
    assert written(stage, campaign.id) == ["celebration"]
    await stage.alert(key, noticed(USAGE))
    event = await stage.opened(key, 2)
    await stage.clock.settled(stage.handle(key, "event"))
    assert written(stage, event.id) == ["usage_email"]
    await stage.forward(key, 2 * DAY + HOUR, "expansion")
    assert written(stage, campaign.id) == ["celebration"], "day 3 has come"
    assert stage.steps(campaign.id)["worth_it"] == "deferred"
    await stage.command(key, Respond, family="event")
    await stage.handle(key, "event").result()
    await stage.forward(key, 5 * HOUR, "expansion")
    assert written(stage, campaign.id) == ["celebration", "worth_it"]
    await stage.command(key, Pause, reason="They asked for quiet", family="expansion")
    await stage.clock.settled(stage.handle(key, "expansion"))  # others see it once the run has written it
    row = stage.alert_row(await stage.alert(key, noticed(GONE)))
    assert row.reason == "usage_limit@1 was paused by a person: They asked for quiet"
    assert [task.kind for task in stage.tasks(key)] == ["alert"]
    await stage.command(key, Stop, family="expansion")
    await stage.handle(key, "expansion").result()


async def test_who_is_gone_starts_nothing(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    stage.world.change(Customer, key, active=False)
    row = stage.alert_row(await stage.alert(key, PAYMENT))
    assert (row.decision, row.reason) == ("refused", "The customer is not active any more")
    assert stage.tasks(key) == []
    assert stage.interventions(key) == []


async def test_a_run_that_was_terminated_does_not_keep_its_playbook_from_beginning_again(
    sqlite_stage: Stage,
) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.alert(key, noticed(USAGE))
    lost = await stage.opened(key)
    await stage.handle(key, "event").terminate("by mistake")
    again = await stage.alert(key, noticed(USAGE))
    await stage.opened(key, 2)
    assert (await ended(stage, lost.id)).outcome == "failed"
    assert stage.alert_row(again).decision == "started"
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_an_executive_hears_of_it_without_any_other_playbook_too(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    await stage.alert(key, noticed(CRITICAL))
    result = await stage.handle(key, "event").result()
    assert result["outcome"] == "completed"
    to = {message.recipient_name: message.text for message in stage.outbox(key)}
    assert set(to) == {"Erin Cole", "Dana Reyes"}
    assert "no playbook runs for this customer" in to["Erin Cole"]


async def test_the_next_failed_payment_is_never_lost(sqlite_stage: Stage) -> None:
    """While the first one runs the owner is asked; while it ends nothing is decided; then it begins anew."""
    stage = sqlite_stage
    key = stage.customer("acme")
    first = await stage.alert(key, PAYMENT)
    await stage.opened(key)
    beside = stage.alert_row(await stage.alert(key, PAYMENT))
    assert (beside.decision, beside.reason) == ("refused", "priority_support@2 runs already")
    assert [task.owner_id for task in stage.tasks(key) if task.kind == "alert"] == ["dana"]
    with stage.store.write() as session:
        close_alert(session, session.get_one(Alert, first), "paid", stage.clocks[key])
    waits = await stage.alert(key, PAYMENT)
    assert stage.alert_row(waits).decision is None
    assert await stage.parts.hand_over.end_events(stage.world.organisation, stage.clocks[key]) == 1
    assert (await stage.handle(key, "event").result())["outcome"] == "recovered"
    assert await stage.parts.hand_over.start_event(waits, stage.clocks[key])
    await stage.opened(key, 2)
    assert stage.alert_row(waits).decision == "started"
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_a_run_that_was_terminated_is_closed_when_its_cause_is_gone(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    alert = await stage.alert(key, noticed(USAGE))
    lost = await stage.opened(key)
    await stage.handle(key, "event").terminate("by mistake")
    await close(stage, alert, "usage is back")
    (row,) = stage.rows(Intervention, id=lost.id)
    assert row.outcome == "recovered"
    assert row.outcome_why == "usage is back; its run in Temporal had ended without an outcome"
    assert set(stage.steps(lost.id).values()) <= {"cancelled", "done", "skipped"}
    other = await stage.alert(key, noticed(GONE))
    await stage.opened(key, 2)
    assert stage.alert_row(other).decision == "started", "what was left open is in nobody's way"
    await stage.command(key, Stop, family="event")
    await stage.handle(key, "event").result()


async def test_a_playbook_does_not_claim_what_has_become_another_triggers(sqlite_stage: Stage) -> None:
    stage = sqlite_stage
    key = stage.customer("acme")
    alert, now = stage.raised(key, noticed(SILENT)), stage.clocks[key]
    nudge = stage.parts.playbooks.for_trigger(noticed(SILENT).trigger)
    assert nudge is not None
    before = stage.alert_row(alert)
    cause = AlertCause(
        id=alert,
        trigger=noticed(SILENT).trigger,
        severity=noticed(SILENT).severity,
        words=before.words,
        level=stage.world.health(key).level,
        score=72,
        at=before.raised_at,
        due_at=before.due_at,
    )
    with stage.store.write() as session:
        escalate_alert(session, session.get_one(Alert, alert), noticed(GONE), now)
    request = OpenRequest(
        organisation=stage.world.organisation,
        customer=key,
        start="late",
        alert=cause,
        playbook=nudge,
        workflow_id="w",
        now=now,
    )
    assert isinstance(InterventionRepository(stage.store).open(request), NotOpened)
    assert stage.alert_row(alert).decision is None
    assert stage.interventions(key) == []
