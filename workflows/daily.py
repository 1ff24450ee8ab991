"""The daily run: score everybody in partitions, then hand the transitions over. And the sweep."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from activities.scoring import ScoringActivities
from activities.steps import StepActivities
from keepwell.contracts.campaigns import CampaignCall, CampaignsHanded
from keepwell.contracts.scoring import (
    DispatchCall,
    Dispatched,
    Partition,
    PartitionCall,
    PartitionResult,
    ScorePlan,
    ScoreRequest,
    ScoreSummary,
)
from workflows import policies

PARTITIONS_AT_ONCE = 4
SWEEP_AFTER = timedelta(minutes=10)


@workflow.defn(name="DailyScoring")
class DailyScoring:
    """Scores every customer of an organisation and starts what follows from it."""

    @workflow.run
    async def run(self, request: ScoreRequest) -> ScoreSummary:
        """One run; after a crash it goes on where it was, and nothing is scored or started twice."""
        request = request.model_copy(update={"as_of": request.as_of or workflow.now()})
        plan = await workflow.execute_activity_method(
            ScoringActivities.begin_scoring,
            request,
            start_to_close_timeout=policies.PARTITION_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STORE_RETRY,
        )
        room = asyncio.Semaphore(PARTITIONS_AT_ONCE)
        await asyncio.gather(*(self._score(plan, partition, room) for partition in plan.partitions))
        await workflow.execute_activity_method(
            ScoringActivities.hand_over_transitions,
            DispatchCall(organisation=plan.organisation, run=plan.run, now=workflow.now()),
            start_to_close_timeout=policies.DISPATCH_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STORE_RETRY,
        )
        campaigns = await _hand_over_opportunities(plan.organisation) if plan.campaigns else None
        summary = await workflow.execute_activity_method(
            ScoringActivities.finish_scoring,
            plan,
            start_to_close_timeout=policies.STORE_TIMEOUT,
            retry_policy=policies.STORE_RETRY,
        )
        return summary.model_copy(update={"campaigns": campaigns.started}) if campaigns else summary

    async def _score(self, plan: ScorePlan, partition: Partition, room: asyncio.Semaphore) -> PartitionResult:
        async with room:
            return await workflow.execute_activity_method(
                ScoringActivities.score_partition,
                PartitionCall(
                    run=plan.run,
                    organisation=plan.organisation,
                    scorecard=plan.scorecard,
                    as_of=plan.as_of,
                    partition=partition,
                ),
                start_to_close_timeout=policies.PARTITION_TIMEOUT,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.STORE_RETRY,
                summary=f"partition {partition.number} of {len(plan.partitions)}",
            )


@workflow.defn(name="SweepTransitions")
class SweepTransitions:
    """Hands over again what was never claimed, settles messages that nobody saw end, starts campaigns."""

    @workflow.run
    async def run(self, organisation: str) -> Dispatched:
        """One sweep."""
        now = workflow.now()
        handed = await workflow.execute_activity_method(
            ScoringActivities.hand_over_transitions,
            DispatchCall(organisation=organisation, older_than=now - SWEEP_AFTER, now=now),
            start_to_close_timeout=policies.DISPATCH_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STORE_RETRY,
        )
        await workflow.execute_activity_method(
            StepActivities.settle_deliveries,
            organisation,
            start_to_close_timeout=policies.PARTITION_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.SWEEP_RETRY,
        )
        if handed.campaigns:
            await _hand_over_opportunities(organisation)
        return handed


async def _hand_over_opportunities(organisation: str) -> CampaignsHanded:
    return await workflow.execute_activity_method(
        ScoringActivities.hand_over_opportunities,
        CampaignCall(organisation=organisation, now=workflow.now()),
        start_to_close_timeout=policies.DISPATCH_TIMEOUT,
        heartbeat_timeout=policies.HEARTBEAT,
        retry_policy=policies.STORE_RETRY,
    )
