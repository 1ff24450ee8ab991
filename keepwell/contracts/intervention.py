"""The input of an intervention's run, and what its activities are told and answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.base import Frozen
from keepwell.contracts.commands import Command
from keepwell.contracts.offers import OfferChange, OfferMade
from keepwell.contracts.playbook import Playbook, Step
from scoring.levels import Level
from scoring.signal import Signal, Urgency

RECOVERED = (Level.HEALTHY, Level.THRIVING)
"""The levels that end a risk playbook."""

ENGINE_NOW = 5
"""What new runs begin with; see `InterventionInput.engine`."""


class Outcome(StrEnum):
    """How an intervention ended."""

    RESPONDED = "responded"
    ACCEPTED = "accepted"
    CONVERTED = "converted"
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


class Opportunity(Frozen):
    """A signal that a customer could use more, as its campaign hears of it.

    `value` is what it may bring in a year, None where nobody knows. `level` and `score` are the
    customer's when it was handed over.
    """

    id: str
    signal: Signal
    urgency: Urgency
    value: float | None
    currency: str
    words: str
    level: Level
    score: float
    at: datetime


class AlertCause(Frozen):
    """An alert as its event playbook hears of it; its figures stay in the store.

    `level` and `score` are the customer's when it was handed over, None for one that was never scored.
    """

    id: str
    trigger: Trigger
    severity: AlertSeverity
    words: str
    level: Level | None
    score: float | None
    at: datetime
    due_at: datetime


class Silenced(Frozen):
    """An event playbook that has to give way to another of its customer."""

    intervention: str
    workflow_id: str


class Opened(Frozen):
    """An intervention that the store has opened: the transition, opportunity or alert is claimed for it.

    `shift` is how long its clock has stood still; it is not zero where `workflow reset` opens it again.
    A pause that a person put on another of the customer's playbooks counts here too. `held` says why an
    expansion must wait (empty: it need not); `holds` that the customer's expansion has to be told so.
    `silences` are the customer's event playbooks that have to give way to this one. `acknowledged_by` has
    the alert in hand since before the event playbook was opened, and so has the intervention in hand.
    `zone` is the organisation's time zone, for what people read; runs of before the field was there say UTC.
    """

    intervention: str
    customer_name: str
    owner: str | None
    owner_name: str
    started_at: datetime
    shift: timedelta = timedelta()
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    pause_reason: str = ""
    held: str = ""
    held_at: datetime | None = None
    holds: bool = False
    zone: str = "UTC"
    silences: tuple[Silenced, ...] = ()
    acknowledged_by: str = ""


class NotOpened(Frozen):
    """The transition opens no intervention, and why. `holds` as in `Opened`, `releases` as in `Ended`."""

    reason: str
    holds: bool = False
    releases: bool = False


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
    added: tuple[Added, ...] = ()
    shift: timedelta | None = None
    offer: OfferChange | None = None
    held: str | None = None
    plan: str | None = None


class Added(Frozen):
    """A step that came to the playbook's own by accepting an offer; `at` is on the playbook's clock."""

    name: str
    kind: str
    at: timedelta
    why: str


Changes.model_rebuild()
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

    A risk playbook is started by a change of level, an expansion playbook by an opportunity, an event
    playbook by an alert.

    `start` is drawn by whoever sends the start. It stays the same through `workflow reset`, and is
    another in a repeated delivery of the same transition: so the store can tell the two apart.

    `engine` 1 is what runs were before the field was there: all they ask of the store are activities like
    any other. Since 2 the opening, the end and steps that only write to the store are local activities.
    Since 3 a change of level is refused as outdated where a newer one waits beside it, a hold that comes
    before the opening counts, and so does a resume that comes during a take-over. Since 4 what is so already
    is answered without another line in the timeline, and who takes a smaller plan says which. Since 5 a step
    that is put off holds back no other one, and has its whole `within` when its moment has come, and the end
    is an ordinary activity again.
    """

    organisation: str
    customer: str
    start: str
    change: ScoreChange | None = None
    opportunity: Opportunity | None = None
    alert: AlertCause | None = None
    playbook: Playbook
    carry: Carry | None = None
    engine: int = 1

    @property
    def cause(self) -> ScoreChange | Opportunity | AlertCause:
        """What started it: the customer's level and score are in each of them."""
        found = self.change or self.opportunity or self.alert
        assert found is not None  # noqa: S101  (checked below)
        return found

    @model_validator(mode="after")
    def _has_one_cause(self) -> Self:
        if sum(cause is not None for cause in (self.change, self.opportunity, self.alert)) != 1:
            raise ValueError("an intervention has a change of level, an opportunity or an alert: one of them")
        return self


class OpenRequest(Frozen):
    """Claim this transition, opportunity or alert and open the intervention; `now` is the run's own time.

    A playbook of None means the one in force for the change's level. `supersedes` is the
    intervention that ends with this claim, in the same transaction.
    """

    organisation: str
    customer: str
    start: str
    change: ScoreChange | None = None
    opportunity: Opportunity | None = None
    alert: AlertCause | None = None
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
    offer: OfferMade | None = None


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
    """The owner after the lines were written; `unknown` names staff that nobody knows.

    `shift`, `paused_at` and `held_at` are what the store knows of the clock's standing still. It differs
    from what the run knows after `workflow reset`; None for shift is an answer of before the field was there.
    """

    owner: str | None
    owner_name: str
    unknown: str = ""
    shift: timedelta | None = None
    paused_at: datetime | None = None
    held_at: datetime | None = None


class Ending(Frozen):
    """The end of an intervention. Offers that are still open end with it.

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


class Ended(Frozen):
    """`releases`: nothing holds the customer's expansion any more, and it has to be told so."""

    releases: bool = False


class Closed(Frozen):
    """The result of a run, as the Temporal UI shows it."""

    intervention: str | None
    outcome: Outcome | Literal["not_opened"]
    why: str
