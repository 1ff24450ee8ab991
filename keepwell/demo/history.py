"""The demo's past: earlier daily scores, so that there are baselines and trends before today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from keepwell.contracts.intervention import Refusal
from keepwell.contracts.scoring import PartitionCall, ScoreRequest, ScoreSummary
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.transitions import TransitionRepository
from keepwell.demo.stories import PAST

CODE = "before_demo"
EVERY_DAY = tuple(range(-31, 0))
"""A month of days, counted from today, for those who look at pages: trends, and how it was 30 days ago."""
REASON = "It happened before the demo began (demo data)"


def score_past(
    store: Store,
    organisation: str,
    anchor: datetime,
    days: Sequence[int] = PAST,
    *,
    partition_size: int = 10_000,
) -> tuple[ScoreSummary, ...]:
    """Score these days, oldest first; the changes of level they bring begin nothing, and say why."""
    return tuple(score_day(store, organisation, anchor + timedelta(days=day), partition_size) for day in days)


def score_day(store: Store, organisation: str, as_of: datetime, partition_size: int) -> ScoreSummary:
    """Score everybody as of a moment; every change of level is refused as one of before the demo."""
    scores = ScoreRepository(store, partition_size)
    transitions, interventions = TransitionRepository(store), InterventionRepository(store)
    plan = scores.begin_run(ScoreRequest(organisation=organisation, as_of=as_of), as_of)
    for partition in plan.partitions:
        scores.score_partition(
            PartitionCall(
                run=plan.run,
                organisation=plan.organisation,
                scorecard=plan.scorecard,
                as_of=plan.as_of,
                partition=partition,
            )
        )
    for transition in transitions.pending(plan.organisation, plan.run, None):
        interventions.refuse(
            Refusal(
                organisation=plan.organisation, transition=transition, code=CODE, reason=REASON, now=as_of
            )
        )
        transitions.mark(transition, "refused", as_of)
    return scores.finish_run(plan, as_of)
