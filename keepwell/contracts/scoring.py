"""The daily run: what it is asked, what a partition answers, and the sum that adds up."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from keepwell.contracts.base import Frozen
from scoring.levels import Level


class ScoreRequest(Frozen):
    """Score every active customer of an organisation as of a moment.

    `as_of` None means the run's own time. `scorecard` is a hash in the store, None the
    organisation's own. The same organisation, day and scorecard goes on with the same run unless
    `again` names another one.
    """

    organisation: str
    as_of: datetime | None = None
    scorecard: str | None = None
    again: str = ""


class Partition(Frozen):
    """A range of customer ids, both ends included."""

    number: int
    first: str
    last: str


class ScorePlan(Frozen):
    """A run and its partitions.

    `campaigns` says that the run hands opportunities over as well; runs begun before that lack it.
    """

    organisation: str
    run: str
    scorecard: str
    as_of: datetime
    partitions: tuple[Partition, ...]
    campaigns: bool = False


class PartitionCall(Frozen):
    """Score one partition of a run."""

    run: str
    organisation: str
    scorecard: str
    as_of: datetime
    partition: Partition


class PartitionResult(Frozen):
    """What became of a partition's customers: every one is in exactly one of the first three.

    `rejected` customers could not be scored because values were present and unusable.
    """

    number: int
    scored: int
    insufficient: int
    rejected: int
    transitions: int


Handed = Literal["started", "signalled", "refused"]


class DispatchCall(Frozen):
    """Start or signal the runs of transitions that are not decided yet.

    With a run: that run's. Without: all of the organisation older than `older_than` (the sweep).
    """

    organisation: str
    run: str | None = None
    older_than: datetime | None = None
    now: datetime


class Dispatched(Frozen):
    """How transitions were handed over; the four add up to those handled. The sweep tries `failed` again.

    `campaigns` as in `ScorePlan`, for the sweep, which has no plan.
    """

    started: int = 0
    signalled: int = 0
    refused: int = 0
    failed: int = 0
    campaigns: bool = False


class ScoreSummary(Frozen):
    """The answer of a run.

    customers = scored + insufficient + rejected; transitions = started + signalled + refused + waiting.
    `waiting` is 0 unless some could not be handed over; the sweep tries those again. `opportunities` were
    seen for the first time as of the run's moment, `baseline` of them with a customer's first score, which
    starts nothing; `campaigns` were started now, for the others or for earlier ones.
    """

    run: str
    as_of: datetime
    customers: int
    scored: int
    insufficient: int
    rejected: int
    transitions: int
    started: int
    signalled: int
    refused: int
    waiting: int = 0
    opportunities: int = 0
    baseline: int = 0
    campaigns: int = 0


class CustomerScored(Frozen):
    """One customer scored at once: the score, and the transition that followed, if one did."""

    customer: str
    score: float | None
    level: Level | None
    previous: Level | None
    coverage: float
    baseline: bool
    transition: str | None


class PendingTransition(Frozen):
    """A transition to hand over, as the store knows it. `open` is the customer's open intervention."""

    id: str
    organisation: str
    customer: str
    customer_name: str
    sequence: int
    level: Level
    previous: Level | None
    score: float
    at: datetime
    decision: str | None
    newest: int
    open: str | None


class Candidate(Frozen):
    """A customer that `enrol` would start a playbook for, or the reason why not.

    `currency` is that of the revenue: the customer's own, or the organisation's.
    """

    customer: str
    external_id: str
    name: str
    level: Level
    score: float
    since: datetime | None
    monthly_revenue: float | None
    currency: str = ""
    refusal: str = ""
