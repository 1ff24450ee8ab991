"""Where a run stands: its steps, its clock, what it has heard. No Temporal in here: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keepwell.contracts.commands import Command
from keepwell.contracts.events import ToldToEnd
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


@dataclass(frozen=True)
class PutOff:
    """A step that was put off: until when on the playbook's clock, and why."""

    at: timedelta
    why: str


@dataclass
class Standing:
    """Where one intervention's run stands. `plan` are the steps it has, `offer` what it may offer.

    `deferred` are the steps that were put off, by name; `looks` that somebody asked to try them at once.
    `by_hand` are the steps that a person has completed, or whose task. `told` says which interventions of
    this chain were told to end, and why; it may hold one that is over.
    """

    entry: InterventionInput
    opened: Opened | None = None
    clock: Clock | None = None
    steps: dict[str, StepState] = field(default_factory=dict)
    deferred: dict[str, PutOff] = field(default_factory=dict)
    looks: bool = False
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
    told: dict[str, Exit] = field(default_factory=dict)
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

    def give_way(self, told: ToldToEnd) -> None:
        """Another playbook speaks to the customer now: an event playbook ends."""
        self._leave_to_others(Outcome.SUPERSEDED, told)

    def cause_gone(self, told: ToldToEnd) -> None:
        """What raised the alert is over: an event playbook ends."""
        self._leave_to_others(Outcome.RECOVERED, told)

    def _leave_to_others(self, outcome: Outcome, told: ToldToEnd) -> None:
        """It counts for the intervention it names, also where the run has not heard of its opening yet."""
        if self.entry.playbook.family != "event":
            return
        self.told.setdefault(told.intervention, Exit(outcome, told.why, ENGINE))
        self.leave_if_told()

    def leave_if_told(self) -> None:
        """End where this very intervention was told to."""
        if self.opened is not None and self.exit is None and not self.closed:
            self.exit = self.told.get(self.opened.intervention)

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

    def due(self, step: Step) -> timedelta:
        """When a step comes, on the playbook's clock; later than planned where it was put off."""
        put_off = self.deferred.get(step.name)
        return step.at if put_off is None else put_off.at

    def put_off(self, step: Step, until: datetime, why: str, now: datetime) -> None:
        """Try a step later. What comes after it does not wait."""
        assert self.clock is not None  # noqa: S101  (only an open intervention has attempts)
        # Not `elapsed(until)`: where the clock stands still, what is left is kept for afterwards.
        self.deferred[step.name] = PutOff(self.clock.elapsed(now) + (until - now), why)
        self.steps[step.name] = StepState.DEFERRED

    def look_again(self, now: datetime) -> None:
        """Try what was put off at once: what it waited for may be over."""
        if self.entry.engine < 5 or self.clock is None:
            # Before, nothing but its moment brought such a step back.
            return
        self.looks = True
        elapsed = self.clock.elapsed(now)
        for name, put_off in self.deferred.items():
            self.deferred[name] = PutOff(min(elapsed, put_off.at), put_off.why)

    def next_step(self) -> Step | None:
        """The next step that has to run: the first to come, of those that come together the first planned.

        Before engine 5 a step that was put off held back those after it.
        """
        left = (step for step in self.plan if self.runs(step))
        return next(left, None) if self.entry.engine < 5 else min(left, key=self.due, default=None)

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
        done = "All steps are done"
        return Exit(
            Outcome.COMPLETED,
            done if self.entry.playbook.family == "event" else f"{done} and nobody answered",
            ENGINE,
        )
