"""The daily run through the real workflow: partitions, transitions, starts and signals that add up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from keepwell.contracts.campaigns import REST
from keepwell.contracts.commands import Accept, Stop
from keepwell.contracts.offers import OfferKind
from keepwell.contracts.scoring import Dispatched, ScoreRequest, ScoreSummary
from keepwell.db.repositories.baselines import open_baselines
from keepwell.db.tables import Opportunity
from keepwell.keys import new_id
from scoring.signal import Signal
from tests.workflows.recording import record
from tests.workflows.stage import DAY, HOUR, Stage

FALLEN = {"c00": 12.0, "c01": 15.0, "c02": 50.0, "c03": 55.0, "c04": 30.0, "c05": 85.0}


async def run(stage: Stage, again: str = "", as_of: datetime | None = None) -> ScoreSummary:
    client, queue = stage.skipper.client, stage.parts.hand_over.task_queue
    as_of = as_of or datetime.now(UTC)
    request = ScoreRequest(organisation=stage.world.organisation, as_of=as_of, again=again)
    handle = await client.start_workflow(
        "DailyScoring",
        request,
        id=f"test-daily/{request.organisation}/{new_id()}",
        task_queue=queue,
        result_type=ScoreSummary,
    )
    summary: ScoreSummary = await handle.result()
    return summary


def add_up(summary: ScoreSummary) -> None:
    assert summary.customers == summary.scored + summary.insufficient + summary.rejected
    assert summary.transitions == summary.started + summary.signalled + summary.refused


async def test_who_fell_gets_a_playbook_and_everything_adds_up(stage: Stage) -> None:
    for number in range(120):
        key = stage.customer(f"c{number:02}", contacts=1)
        stage.world.at_points(key, FALLEN.get(key, 72.0), datetime.now(UTC))
    stage.world.customer("empty")
    # Not the real one twice: there may be a midnight in between.
    now = datetime.now(UTC)
    summary = await run(stage, as_of=now)
    add_up(summary)
    assert (summary.customers, summary.scored, summary.insufficient) == (121, 120, 1)
    assert (summary.transitions, summary.started, summary.refused) == (6, 5, 1)
    assert stage.transitions("c05")[0].code == "not_needed"
    for key, playbook in (("c00", "critical"), ("c02", "at_risk"), ("c04", "high_risk")):
        assert (await stage.opened(key)).playbook == playbook

    again = await run(stage, as_of=now)
    assert again == summary, "the same day again goes on with the same run"
    later = await run(stage, again=new_id())
    add_up(later)
    assert (later.scored, later.transitions) == (120, 0), "a new run finds nothing that changed"
    assert all(len(stage.interventions(key)) == 1 for key in ("c00", "c01", "c02", "c03", "c04"))
    await record(stage, "daily_scoring")


async def test_a_first_score_starts_no_campaign_until_a_person_enrols_its_signal(stage: Stage) -> None:
    world, now = stage.world, datetime.now(UTC)
    for key in ("new", "other", "known"):
        world.customer(key, owner_id="dana")
        world.contact(f"{key}-0", key, role="decision_maker", consent="granted")
        world.at_points(key, 72, now - DAY)
    world.rescore("known", now - DAY)
    for key in ("new", "other", "known"):
        world.measure(key, {"usage_percentage": 88.0}, now)
    first = await run(stage)
    assert (first.opportunities, first.baseline, first.campaigns) == (3, 2, 1)
    assert (await stage.opened("known")).playbook == "usage_limit"
    later = await run(stage, again=new_id())
    assert (later.opportunities, later.campaigns) == (0, 0)
    assert stage.interventions("new") == []

    (row,) = stage.rows(Opportunity, customer_id="new")
    assert open_baselines(stage.store, world.organisation, [row.id], datetime.now(UTC), "Ada") == ("new",)
    assert (await run(stage, again=new_id())).campaigns == 1
    assert (await stage.opened("new")).opportunity_id == row.id
    assert stage.interventions("other") == []


async def test_after_a_campaign_the_next_one_begins_after_a_rest(stage: Stage) -> None:
    """An upgrade is accepted; the other opportunity waits for two weeks, and then begins by itself."""
    key = stage.customer("acme")
    await stage.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    await stage.opened(key)
    await stage.forward(key, HOUR, "expansion")
    await stage.command(key, Accept, option=OfferKind.UPGRADE, plan="Business", family="expansion")
    await stage.handle(key, "expansion").result()
    ended = stage.interventions(key)[0].ended_at
    assert ended is not None

    async def next_one(now: datetime) -> bool:
        await asyncio.to_thread(stage.world.measure, key, {"api_usage_growth_rate": 2.0}, now)
        await asyncio.to_thread(stage.parts.scores.score_customer, stage.world.organisation, key, now)
        waiting = await asyncio.to_thread(stage.parts.opportunities.waiting_of, key)
        assert waiting is not None
        return await stage.parts.hand_over.start_campaign(waiting, now)

    assert not await next_one(ended + timedelta(minutes=1))
    (waits,) = stage.rows(Opportunity, state="open")
    assert waits.reason.startswith("usage_limit ended on ")
    assert ": the next campaign may begin on " in waits.reason
    assert not await next_one(ended + REST - HOUR)
    assert await next_one(ended + REST)
    assert (await stage.opened(key, 2)).playbook == "api_scaling"
    await stage.command(key, Stop, family="expansion")


async def test_the_sweep_starts_what_was_committed_and_never_handed_over(stage: Stage) -> None:
    key = stage.customer("acme")
    now = datetime.now(UTC)
    stage.world.at_points(key, 12, now)
    scored = stage.parts.scores.score_customer(stage.world.organisation, key, now)
    assert scored.transition is not None, "committed; then the process died"
    stage.world.change(type(stage.transitions(key)[0]), scored.transition, at=now - DAY)
    client, queue = stage.skipper.client, stage.parts.hand_over.task_queue
    swept: Dispatched = await client.execute_workflow(
        "SweepTransitions",
        stage.world.organisation,
        id=f"test-sweep/{stage.world.organisation}/{new_id()}",
        task_queue=queue,
        result_type=Dispatched,
    )
    assert swept.started == 1
    assert (await stage.opened(key)).playbook == "critical"
    await record(stage, "swept")
