"""A playbook that is switched off begins for nobody, says why, and leaves what runs alone."""

from __future__ import annotations

from datetime import UTC, datetime

from keepwell.contracts.drafts import Mode
from keepwell.db.repositories.modes import set_mode
from keepwell.db.tables import Opportunity
from scoring.signal import Signal
from tests.workflows.scenarios_events import SILENT, noticed
from tests.workflows.stage import HOUR, Stage

WHY = "is switched off since"


def switch(stage: Stage, playbook: str, mode: Mode = Mode.OFF) -> None:
    """Switch a playbook as `keepwell playbooks mode` does."""
    with stage.store.write() as session:
        set_mode(session, stage.world.organisation, playbook, mode, "Dana Reyes", datetime.now(UTC))


async def test_a_change_of_level_is_refused_with_the_reason_and_counts_no_more(stage: Stage) -> None:
    key = stage.customer("acme")
    switch(stage, "critical")
    await stage.score(key, 12)
    (change,) = await stage.eventually(lambda: [row for row in stage.transitions(key) if row.decision], bool)
    assert (change.decision, change.code) == ("refused", "off")
    assert f"critical {WHY}" in change.reason
    assert "(Dana Reyes)" in change.reason
    assert stage.interventions(key) == []
    switch(stage, "critical", Mode.AUTOMATIC)
    await stage.score(key, 70)
    await stage.score(key, 12)
    assert (await stage.opened(key)).playbook == "critical", "switched on, it begins with the next change"


async def test_what_runs_goes_on_when_it_is_switched_off(stage: Stage) -> None:
    key = stage.customer("acme")
    await stage.score(key, 12)
    opened = await stage.opened(key)
    switch(stage, "critical")
    await stage.forward(key, 3 * HOUR)
    steps = stage.steps(opened.id)
    assert (steps["executive_email"], steps["csm_outreach"]) == ("done", "done")
    assert stage.interventions(key)[0].outcome is None


async def test_a_playbook_is_not_taken_over_by_one_that_is_switched_off(stage: Stage) -> None:
    """The milder one goes on: to end it would leave the customer without anybody."""
    key = stage.customer("acme")
    await stage.score(key, 30)
    milder = await stage.opened(key)
    assert milder.playbook == "high_risk"
    switch(stage, "critical")
    await stage.score(key, 12)
    worse = (
        await stage.eventually(lambda: stage.transitions(key), lambda rows: rows[-1].decision is not None)
    )[-1]
    assert (worse.level, worse.decision, worse.code) == ("CRITICAL", "refused", "off")
    await stage.forward(key, 3 * HOUR)
    (only,) = stage.interventions(key)
    assert (only.id, only.outcome) == (milder.id, None)
    assert stage.outbox(key)


async def test_an_opportunity_waits_with_the_reason(stage: Stage) -> None:
    key = stage.customer("acme")
    switch(stage, "usage_limit")
    now = stage.clocks[key]
    stage.world.measure(key, {"usage_percentage": 95.0}, now)
    stage.parts.scores.score_customer(stage.world.organisation, key, now)
    waiting = stage.parts.opportunities.waiting_of(key)
    assert waiting is not None
    assert [one.signal for one in waiting.opportunities] == [Signal.USAGE_LIMIT_APPROACHING]
    assert not await stage.parts.hand_over.start_campaign(waiting, now)
    (row,) = stage.rows(Opportunity, customer_id=key)
    assert row.state == "open"
    assert f"usage_limit {WHY}" in row.reason


async def test_an_alert_is_refused_with_the_reason(stage: Stage) -> None:
    key, finding = stage.customer("acme"), noticed(SILENT)
    playbook = stage.parts.playbooks.for_trigger(finding.trigger)
    assert playbook is not None
    switch(stage, playbook.name)
    row = stage.alert_row(await stage.alert(key, finding))
    assert row.decision == "refused"
    assert f"{playbook.name} {WHY}" in row.reason
    assert stage.interventions(key) == []
