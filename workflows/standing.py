"""Where a run stands: its steps, its clock, what it has heard. No Temporal in here: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keepwell.contracts.commands import Command
from keepwell.contracts.intervention import (
    Changes,
    InterventionInput,
    Note,
    Opened,
    Outcome,
    ScoreChange,
    StepState,
)
from keepwell.contracts.offers import OfferKind
from keepwell.contracts.playbook import Step
from keepwell.spans import lasted_words
from workflows.clock import Clock
from workflows.offers import OfferRecord

ENGINE = "engine"
FINAL = (StepState.DONE, StepState.SKIPPED, StepState.MISSED, StepState.HELD, StepState.CANCELLED)


@dataclass
class Exit:
    """Why the run ends now, by whom, and through which transition."""

    outcome: Outcome
    why: str
    by: str
    change: ScoreChange | None = None


@dataclass
class Standing:
    """Where one intervention's run stands. `plan` are the steps it has, `offer` what it may offer.

    `by_hand` are the steps that a person has completed, or whose task.
    """

    entry: InterventionInput
    opened: Opened | None = None
    clock: Clock | None = None
    steps: dict[str, StepState] = field(default_factory=dict)
    by_hand: list[str] = field(default_factory=list)
    inbox: list[ScoreChange] = field(default_factory=list)
    waiting: list[Command] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    known: set[str] = field(default_factory=set)
    acknowledged: str = ""
    answered: bool = False
    pause_reason: str = ""
    held: str = ""
    early_hold: str = ""
    plan: list[Step] = field(default_factory=list)
    offer: OfferRecord = field(init=False)
    owner: str = ""
    exit: Exit | None = None
    closed: bool = False
    handing_over: bool = False
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = list(self.entry.playbook.steps)
        self.offer = OfferRecord(self.entry.playbook, names_plan=self.entry.engine > 3)

    def stand_still(self, since: datetime, until: datetime | None, reason: str) -> None:
        """A pause that began elsewhere goes on here."""
        assert self.clock is not None  # noqa: S101  (begin() has set it)
        self.clock.pause(since, until)
        self.pause_reason = reason

    @property
    def paused(self) -> bool:
        """Whether a person has paused it."""
        return self.clock is not None and self.clock.paused_at is not None

    @property
    def stands(self) -> bool:
        """Whether the clock stands still: paused, held, or both."""
        return self.clock is not None and self.clock.stopped_at is not None

    def hold(self, why: str, now: datetime) -> None:
        """The customer is at risk: an expansion waits. Again changes nothing."""
        if self.clock is None and self.entry.engine > 2:
            self.early_hold = why
        if self.clock is None or self.held or self.exit is not None:
            return
        self.held = why
        self.clock.hold(now)
        self._engine_note("held", "Held while the customer is at risk", why, now, Changes(held=why))

    def release(self, now: datetime) -> None:
        """Nothing holds the expansion any more."""
        self.early_hold = ""
        if self.clock is None or not self.held:
            return
        self.held = ""
        lasted = self.clock.release(now)
        changes = Changes(held="", shift=self.clock.shift)
        why = "The customer is well again, and no risk playbook runs"
        self._engine_note("released", f"Goes on after {lasted_words(lasted)}", why, now, changes)

    def _engine_note(self, kind: str, text: str, why: str, now: datetime, changes: Changes) -> None:
        self.notes.append(
            Note(
                key=f"{kind}/{now.isoformat()}",
                kind=f"intervention.{kind}",
                by=ENGINE,
                text=text,
                why=why,
                at=now,
                changes=changes,
            )
        )

    def runs(self, step: Step) -> bool:
        """Whether a step still has to run."""
        return self.steps[step.name] not in FINAL

    def needless(self, *conditions: str) -> dict[str, StepState]:
        """Cancel the steps that an answer or acknowledgement has made needless."""
        needless = {
            step.name: StepState.CANCELLED
            for step in self.plan
            if step.unless in conditions and self.runs(step)
        }
        self.steps.update(needless)
        return needless

    def next_step(self) -> Step | None:
        """The next step that has to run."""
        return next((step for step in self.plan if self.runs(step)), None)

    def hear(self, change: ScoreChange) -> None:
        """A score change arrived. The same one again changes nothing."""
        if change.transition not in self.known:
            self.known.add(change.transition)
            self.inbox.append(change)

    def ending(self) -> Exit:
        """How the run ends when no step is left and nothing has ended it before."""
        terms = self.offer.terms
        if terms is not None:
            outcome = Outcome.CONVERTED if terms.kind is OfferKind.UPGRADE else Outcome.ACCEPTED
            return Exit(outcome, f"The customer accepted: {terms.words}", ENGINE)
        if self.answered:
            why = f"The customer answered (logged by {self.acknowledged})"
            return Exit(Outcome.RESPONDED, why, ENGINE)
        return Exit(Outcome.COMPLETED, "All steps are done and nobody answered", ENGINE)
