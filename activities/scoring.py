"""Activities of the daily run, and the handing over of what follows from it to the customers' runs."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from keepwell.contracts.campaigns import CampaignCall, CampaignsHanded
from keepwell.contracts.scoring import (
    DispatchCall,
    Dispatched,
    PartitionCall,
    PartitionResult,
    ScorePlan,
    ScoreRequest,
    ScoreSummary,
)
from keepwell.ports import HandOver, Opportunities, Scores, Transitions

AT_ONCE = 20
"""Starts under way at once: the server takes about 200 a second, more at once only queue up."""

BLOCK = 1_000
"""Transitions per gather, so that a hundred thousand of them are not a hundred thousand tasks."""

ATTEMPTS = 5
"""Then the rest is left to the sweep: a daily run must end, or the next one never begins."""

log = logging.getLogger(__name__)


class ScoringActivities:
    """Scores partitions and hands over what follows from it."""

    def __init__(
        self, scores: Scores, transitions: Transitions, hand_over: HandOver, opportunities: Opportunities
    ) -> None:
        self._scores = scores
        self._transitions = transitions
        self._hand_over = hand_over
        self._opportunities = opportunities

    @activity.defn(no_thread_cancel_exception=True)
    def begin_scoring(self, request: ScoreRequest) -> ScorePlan:
        """The run for this request and its partitions."""
        return self._scores.begin_run(request, request.as_of or datetime.now(UTC))

    @activity.defn(no_thread_cancel_exception=True)
    def score_partition(self, call: PartitionCall) -> PartitionResult:
        """Score one partition; scores, levels and transitions in one transaction, once."""
        return self._scores.score_partition(call)

    @activity.defn
    async def hand_over_transitions(self, call: DispatchCall) -> Dispatched:
        """Start or signal the runs of transitions that nobody has handed over yet."""
        pending = await asyncio.to_thread(
            self._transitions.pending, call.organisation, call.run, call.older_than
        )
        counts = Counter[str]()
        room = asyncio.Semaphore(AT_ONCE)

        async def one(transition: str) -> None:
            async with room:
                try:
                    counts[await self._hand_over.hand_over(transition, call.now)] += 1
                except Exception:
                    # One that cannot be handed over must not keep the others from it.
                    log.exception("A transition was not handed over", extra={"transition": transition})
                    counts["failed"] += 1

        for start in range(0, len(pending), BLOCK):
            await asyncio.gather(*(one(transition) for transition in pending[start : start + BLOCK]))
        if counts["failed"] and activity.info().attempt < ATTEMPTS:
            raise ApplicationError(f"{counts['failed']} of {len(pending)} transitions were not handed over")
        return Dispatched(**counts, campaigns=True)

    @activity.defn
    async def hand_over_opportunities(self, call: CampaignCall) -> CampaignsHanded:
        """Start campaigns for open opportunities; tell running ones of upgrades, and held ones to go on."""
        counts = Counter[str]()
        upgrades = await asyncio.to_thread(self._opportunities.upgraded, call.organisation)
        await _count(counts, "upgraded", (self._hand_over.tell_upgraded(one) for one in upgrades))
        held = await asyncio.to_thread(self._opportunities.held, call.organisation)
        await _count(counts, "released", (self._hand_over.release(call.organisation, one) for one in held))
        after = ""
        while page := await asyncio.to_thread(self._opportunities.waiting, call.organisation, after):
            starts = (self._hand_over.start_campaign(one, call.now) for one in page)
            await _count(counts, "started", starts)
            after = page[-1].customer
        if counts["failed"] and activity.info().attempt < ATTEMPTS:
            raise ApplicationError(f"{counts['failed']} opportunities were not handed over")
        return CampaignsHanded(**counts)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_scoring(self, plan: ScorePlan) -> ScoreSummary:
        """Mark the run as finished and add it up."""
        return self._scores.finish_run(plan, datetime.now(UTC))


async def _count(counts: Counter[str], name: str, calls: Iterable[Awaitable[bool]]) -> None:
    """Carry calls out, a few at once; those that did something count under the name."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(call: Awaitable[bool]) -> None:
        async with room:
            try:
                counts[name] += await call
            except Exception:
                # One that cannot be handed over must not keep the others from it.
                log.exception("An opportunity was not handed over", extra={"doing": name})
                counts["failed"] += 1

    await asyncio.gather(*(one(call) for call in calls))
