"""What one customer's timeline consists of: lines that lie behind, and the plan of what lies ahead."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import OfferState
from keepwell.db.repositories.views_interventions import InterventionLine
from keepwell.db.repositories.views_timeline import DeliveryLine, StepTask
from scoring.levels import Level


class LineKind(StrEnum):
    """What a line of the timeline is about; a timeline may be narrowed to some of them."""

    SCORE = "score"
    MESSAGE = "message"
    TASK = "task"
    ANSWER = "answer"
    ENGAGEMENT = "engagement"
    ALERT = "alert"
    OFFER = "offer"
    DRAFT = "draft"
    COMMAND = "command"
    INTERVENTION = "intervention"
    GROWTH = "growth"
    OTHER = "other"


Doer = Literal["engine", "customer", "person"]


class ScoreMove(Frozen):
    """A change of the score or the level. `before` and `previous` are None at the customer's first."""

    score: float
    before: float | None
    level: Level | None
    previous: Level | None


class ActivityOfDay(Frozen):
    """What a customer did in a day, by kind: the most frequent first. `day` is one of its own time zone."""

    day: date
    total: int
    kinds: dict[str, int]
    first_at: datetime
    last_at: datetime


class OfferTold(Frozen):
    """The offer that a line is about, as it stands now; `options` and `agreed` in words."""

    id: str
    state: OfferState
    options: tuple[str, ...]
    valid_until: datetime
    agreed: str


class HistoryLine(Frozen):
    """One line of a customer's timeline. `id` is the line's own, the same at every reading.

    `event` is the journal's kind of it ("delivery.accepted"), "score" or "activity" where it is not from the
    journal, and for a planned one the kind of its step. `by` is "" where nobody did it, and `doer` says who
    that is: the engine, the customer, or a person of ours. `intervention`, `playbook` ("critical@3"), `step`
    and `workflow_id` (whose page in the Temporal UI shows the run) are empty where there is none.

    What it is about, as it stands now, is in `message`, `task`, `offer`, `score` and `activity`; `draft`,
    `alert`, `letter` and `document` are ids of theirs, where the line is about one. A document is that of the
    step. A planned line has `at` when the gate lets it through if nothing pauses from now on; `moved_why`
    says why that is later than its playbook has it, and `hindered` why it will not go out as things stand.
    """

    id: str
    at: datetime
    planned: bool = False
    kind: LineKind
    event: str
    title: str
    why: str = ""
    by: str = ""
    doer: Doer = "engine"
    intervention: str | None = None
    playbook: str = ""
    workflow_id: str = ""
    step: str = ""
    state: str = ""
    message: DeliveryLine | None = None
    task: StepTask | None = None
    offer: OfferTold | None = None
    score: ScoreMove | None = None
    activity: ActivityOfDay | None = None
    draft: str | None = None
    alert: str | None = None
    letter: str | None = None
    document: str | None = None
    moved_why: str = ""
    hindered: str = ""


class Cancelled(Frozen):
    """Steps that will not be done any more, in the playbook's order, and why: mostly that they answered."""

    at: datetime | None
    why: str
    titles: tuple[str, ...]


class PlanOfOne(Frozen):
    """What an open intervention will do next, and what it will not do any more.

    `stands` says in words why its clock stands still, empty where it runs; `waiting` what has been put off
    and what it waits for. The lines' moments count from now where an end of the standstill is not known:
    `dated` is False then.
    """

    intervention: InterventionLine
    stands: str = ""
    dated: bool = True
    waiting: tuple[str, ...] = ()
    lines: tuple[HistoryLine, ...]
    cancelled: tuple[Cancelled, ...] = ()


class CustomerPlan(Frozen):
    """The open interventions of a customer, that of the risk playbook first, and all their lines by time."""

    interventions: tuple[PlanOfOne, ...]
    lines: tuple[HistoryLine, ...]


class CustomerTimeline(Frozen):
    """A page of a customer's timeline, newest first.

    `next` is what to give as `before` for the next page, None at the end. A page may be short, even empty,
    and still have a next one, where kinds were asked for that are rare. `plan` is there on the first page.
    """

    lines: tuple[HistoryLine, ...] = Field(default=())
    next: str | None = None
    plan: CustomerPlan | None = None
