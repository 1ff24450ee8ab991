"""The input of an intervention's run, and what its activities are told and answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from keepwell.contracts.base import Frozen
from keepwell.contracts.commands import Command
from keepwell.contracts.playbook import Playbook, Step
from scoring.levels import Level

RECOVERED = (Level.HEALTHY, Level.THRIVING)
"""The levels that end a risk playbook."""


class Outcome(StrEnum):
    """How an intervention ended."""

    RESPONDED = "responded"
    RECOVERED = "recovered"
    SUPERSEDED = "superseded"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class StepState(StrEnum):
    """Where a step stands."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    DONE = "done"
    SKIPPED = "skipped"
    MISSED = "missed"
    HELD = "held"
    CANCELLED = "cancelled"


class ScoreChange(Frozen):
    """A level transition as the intervention hears of it; `sequence` grows per customer."""

    transition: str
    sequence: int
    level: Level
    previous: Level | None
    score: float
    at: datetime


class Opened(Frozen):
    """An intervention that the store has opened: the transition is claimed for it.

    `shift` is how long its clock has stood still; it is not zero where `workflow reset` opens it again.
    """

    intervention: str
    customer_name: str
    owner: str | None
    owner_name: str
    started_at: datetime
    shift: timedelta = timedelta()


class NotOpened(Frozen):
    """The transition opens no intervention, and why."""

    reason: str


class Note(Frozen):
    """One line for the timeline that is not a step: who did what, and why.

    `changes` are the fields of the intervention's row that follow from it.
    """

    key: str
    kind: str
    by: str
    text: str
    why: str = ""
    at: datetime
    changes: Changes | None = None


class Changes(Frozen):
    """What a note changes in the intervention's row; None leaves a field as it is."""

    paused: bool | None = None
    paused_until: datetime | None = None
    pause_reason: str | None = None
    acknowledged_by: str | None = None
    response: str | None = None
    owner: str | None = None
    steps: dict[str, StepState] = Field(default_factory=dict)
    shift: timedelta | None = None


Note.model_rebuild()


class Carry(Frozen):
    """What a run hands to the next one of its chain.

    The inbox holds the score changes that arrived and were not read yet, `waiting` the commands that
    came during the take-over; `seen` are the ids of commands already carried out (the server forgets
    update ids at continue-as-new). A pause goes on in the next run. `earlier` says in words what the
    runs before have sent.
    """

    opened: Opened
    inbox: tuple[ScoreChange, ...] = ()
    waiting: tuple[Command, ...] = ()
    seen: tuple[str, ...] = ()
    takeovers: int = 0
    earlier: tuple[str, ...] = ()
    paused: bool = False
    paused_until: datetime | None = None
    pause_reason: str = ""


class InterventionInput(Frozen):
    """The input of an intervention's run.

    `start` is drawn by whoever sends the start. It stays the same through `workflow reset`, and is
    another in a repeated delivery of the same transition: so the store can tell the two apart.
    """

    organisation: str
    customer: str
    start: str
    change: ScoreChange
    playbook: Playbook
    carry: Carry | None = None


class OpenRequest(Frozen):
    """Claim this transition and open the intervention; `now` is the run's own time.

    A playbook of None means the one in force for the change's level. `supersedes` is the
    intervention that ends with this claim, in the same transaction.
    """

    organisation: str
    customer: str
    start: str
    change: ScoreChange
    playbook: Playbook | None
    workflow_id: str
    now: datetime
    supersedes: str | None = None
    paused: bool = False
    paused_until: datetime | None = None
    pause_reason: str = ""


class TakeOver(Frozen):
    """The answer to a take-over: the new intervention and the playbook it runs."""

    opened: Opened
    playbook: Playbook


class Refusal(Frozen):
    """A transition that opens nothing, with the reason for its row."""

    organisation: str
    transition: str
    code: str
    reason: str
    now: datetime


class StepCall(Frozen):
    """Run one step now; `now` is the run's own time."""

    organisation: str
    customer: str
    intervention: str
    playbook: str
    step: Step
    templates: dict[str, str]
    now: datetime


class StepResult(Frozen):
    """What became of a step: done, skipped, held, or deferred until a moment."""

    state: StepState
    why: str = ""
    until: datetime | None = None
    owner: str | None = None
    owner_name: str | None = None


class Miss(Frozen):
    """A step that was not done: missed, skipped, or held because nobody knows whether it went out."""

    call: StepCall
    reason: str
    state: StepState = StepState.MISSED


class Record(Frozen):
    """Lines for the timeline, written in one transaction."""

    organisation: str
    customer: str
    intervention: str | None
    notes: tuple[Note, ...]


class Recorded(Frozen):
    """The owner after the lines were written; `unknown` names staff that nobody knows."""

    owner: str | None
    owner_name: str
    unknown: str = ""


class Ending(Frozen):
    """The end of an intervention.

    `review` is the task that asks the owner to look at a customer still at risk. `transition` is the
    one that ended it, which opens nothing.
    """

    organisation: str
    customer: str
    intervention: str
    outcome: Outcome
    why: str
    by: str
    now: datetime
    review: StepCall | None = None
    transition: str | None = None


class Closed(Frozen):
    """The result of a run, as the Temporal UI shows it."""

    intervention: str | None
    outcome: Outcome | Literal["not_opened"]
    why: str
