"""What a run knows, and what commands change in it. No Temporal in here: plain values, plain rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from keepwell.contracts.commands import (
    Acknowledge,
    Command,
    Complete,
    Pause,
    Reassign,
    Respond,
    Resume,
    Skip,
    Stop,
)
from keepwell.contracts.intervention import (
    Changes,
    InterventionInput,
    Note,
    Opened,
    Outcome,
    ScoreChange,
    StepState,
)
from keepwell.contracts.playbook import Step
from workflows.clock import Clock

MINUTE = "%d %b %Y %H:%M"
LONGEST_PAUSE = timedelta(days=366)
TASKS = ("task", "escalate")
FINAL = (StepState.DONE, StepState.SKIPPED, StepState.MISSED, StepState.HELD, StepState.CANCELLED)


@dataclass
class Exit:
    """Why the run ends now, by whom, and through which transition."""

    outcome: Outcome
    why: str
    by: str
    change: ScoreChange | None = None


@dataclass
class RunState:
    """The state of one intervention's run."""

    entry: InterventionInput
    opened: Opened | None = None
    clock: Clock | None = None
    steps: dict[str, StepState] = field(default_factory=dict)
    inbox: list[ScoreChange] = field(default_factory=list)
    waiting: list[Command] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    known: set[str] = field(default_factory=set)
    acknowledged: str = ""
    answered: bool = False
    pause_reason: str = ""
    owner: str = ""
    exit: Exit | None = None
    closed: bool = False
    handing_over: bool = False
    sent: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, entry: InterventionInput) -> RunState:
        """The state a run begins with: what the run before it handed over, if there was one."""
        state = cls(entry=entry, known={entry.change.transition}, sequence=entry.change.sequence)
        if entry.carry is not None:
            carry = entry.carry
            state.inbox = list(carry.inbox)
            state.known.update(change.transition for change in carry.inbox)
            state.seen = dict.fromkeys(carry.seen, "was carried out before the take-over")
            state.waiting = list(carry.waiting)
            state.begin(carry.opened)
            if carry.paused and state.clock is not None:
                state.clock.pause(carry.opened.started_at, carry.paused_until)
                state.pause_reason = carry.pause_reason
        return state

    def begin(self, opened: Opened) -> None:
        """The store has opened the intervention: its clock starts, waiting commands are read."""
        self.opened = opened
        self.owner = opened.owner_name
        self.clock = Clock(opened.started_at, opened.shift)
        self.steps = {step.name: StepState.PLANNED for step in self.entry.playbook.steps}
        self.read_waiting(opened.started_at)

    def read_waiting(self, now: datetime) -> None:
        """Carry out the commands that came while none could be."""
        waiting, self.waiting = self.waiting, []
        for command in waiting:
            self.receive(command, now)

    def refuse_waiting(self, why: str, now: datetime) -> None:
        """No intervention was opened that these commands could be for."""
        for command in self.waiting:
            self._note(command, now, f"{command.kind} was refused", why, kind="command.refused")
        self.waiting = []

    @property
    def paused(self) -> bool:
        """Whether the clock stands still."""
        return self.clock is not None and self.clock.paused_at is not None

    def runs(self, step: Step) -> bool:
        """Whether a step still has to run."""
        return self.steps[step.name] not in FINAL

    def _needless(self, *conditions: str) -> dict[str, StepState]:
        """Cancel the steps that an answer or acknowledgement has made needless."""
        needless = {
            step.name: StepState.CANCELLED
            for step in self.entry.playbook.steps
            if step.unless in conditions and self.runs(step)
        }
        self.steps.update(needless)
        return needless

    def next_step(self) -> Step | None:
        """The next step that has to run."""
        return next((step for step in self.entry.playbook.steps if self.runs(step)), None)

    def hear(self, change: ScoreChange) -> None:
        """A score change arrived. The same one again changes nothing."""
        if change.transition not in self.known:
            self.known.add(change.transition)
            self.inbox.append(change)

    def refusal(self, command: Command, now: datetime) -> str | None:
        """Why a command cannot be carried out; None if it can. Changes nothing."""
        opened, playbook = self.opened, self.entry.playbook
        if opened is None:
            return "No intervention was opened here." if self.closed else None
        if command.id in self.seen:
            return None
        if self.handing_over:
            return "Another playbook is taking over this very moment; look at the customer and send it again."
        if command.intervention and command.intervention != opened.intervention:
            return (
                f"It names intervention {command.intervention}, but {opened.customer_name} is now in "
                f"{opened.intervention} ({playbook.label}). Look at that one and name it."
            )
        if self.closed or (self.exit is not None):
            why = f": {self.exit.why}" if self.exit else ""
            return f"Intervention {opened.intervention} has ended{why}."
        match command:
            case Pause() if command.until is not None and command.until <= now:
                return f"A pause until {command.until:{MINUTE}} is over already; it is {now:{MINUTE}} UTC."
            case Pause() if command.until is not None and command.until > now + LONGEST_PAUSE:
                return f"A pause until {command.until:{MINUTE}} is longer than a year; stop it, or name less."
            case Resume() if not self.paused:
                return "It is not paused, so there is nothing to resume."
            case Complete(step=name) | Skip(step=name):
                return self._step_refusal(command, name)
            case _:
                return None

    def _step_refusal(self, command: Command, name: str) -> str | None:
        step = self.entry.playbook.step(name)
        if step is None:
            names = ", ".join(step.name for step in self.entry.playbook.steps)
            return f"{self.entry.playbook.label} has no step {name!r}; its steps are {names}."
        state = self.steps[name]
        # A task step is done for the run once its task exists, and a step that was not done has become
        # a task: completing it closes that task.
        by_hand = state in (StepState.MISSED, StepState.SKIPPED, StepState.HELD)
        if isinstance(command, Complete) and (by_hand or (state is StepState.DONE and step.kind in TASKS)):
            return None
        if state in FINAL:
            return f"Step {name} is {state.value} already."
        return None

    def receive(self, command: Command, now: datetime) -> str:
        """Carry a command out and say in words what it did. The same id again changes nothing."""
        if command.id in self.seen:
            return self.seen[command.id]
        if self.opened is None or self.handing_over:
            self.waiting.append(command)
            return "Noted; the intervention is about to open."
        refused = self.refusal(command, now)
        if refused is not None:
            self._note(command, now, f"{command.kind} was refused", refused, kind="command.refused")
            text = refused
        else:
            text = self._carry_out(command, now)
        self.seen[command.id] = text
        return text

    def _carry_out(self, command: Command, now: datetime) -> str:
        match command:
            case Acknowledge():
                return self._acknowledge(command, now)
            case Pause():
                return self._pause(command, now)
            case Resume():
                return self.resume(now, command.by, command.id)
            case Respond():
                return self._respond(command, now)
            case Complete():
                return self._settle(command, command.step, StepState.DONE, command.note, now)
            case Skip():
                return self._settle(command, command.step, StepState.SKIPPED, command.reason, now)
            case Reassign():
                whom = command.to_name or command.to
                self._note(command, now, f"Reassigned to {whom}", changes=Changes(owner=command.to))
                if not command.to_name:
                    return (
                        f"{whom} gets it and its open tasks if the staff list knows them: see the timeline."
                    )
                return f"Reassigned to {whom}; open tasks go along."
            case Stop():
                self._note(command, now, "Stopped", command.reason)
                self.exit = Exit(Outcome.STOPPED, command.reason or f"{command.by} stopped it", command.by)
                return "Stopped: what was planned is cancelled, open tasks are withdrawn."
        assert_never(command)

    def _acknowledge(self, command: Acknowledge, now: datetime) -> str:
        if self.acknowledged:
            self._note(command, now, "Acknowledged again", command.note)
            return f"{self.acknowledged} has acknowledged it already."
        self.acknowledged = command.by
        changes = Changes(acknowledged_by=command.by, steps=self._needless("acknowledged"))
        self._note(command, now, "Acknowledged", command.note, changes)
        return "Acknowledged: it will not be escalated."

    def _pause(self, command: Pause, now: datetime) -> str:
        assert self.clock is not None  # noqa: S101  (receive() has checked that it is open)
        self.clock.pause(now, command.until)
        self.pause_reason = command.reason
        until = f"until {command.until:{MINUTE}} UTC" if command.until else "until somebody resumes it"
        changes = Changes(paused=True, paused_until=command.until, pause_reason=command.reason)
        self._note(command, now, f"Paused {until}", command.reason, changes)
        return f"Paused {until}. Remaining delays are kept."

    def resume(self, now: datetime, by: str, key: str) -> str:
        """Let the clock go on, by a person or because the pause is over."""
        assert self.clock is not None  # noqa: S101  (only an open intervention is paused)
        stood = self.clock.resume(now)
        self.pause_reason = ""
        self.notes.append(
            Note(
                key=key,
                kind="command.resume",
                by=by,
                text=f"Resumed after {_words(stood)}",
                why="" if by != "engine" else "The pause is over",
                at=now,
                changes=Changes(paused=False, shift=self.clock.shift),
            )
        )
        return f"Resumed after {_words(stood)}. Remaining delays are as they were."

    def _respond(self, command: Respond, now: datetime) -> str:
        self.answered = True
        # Whoever logs an answer has the customer in hand.
        acknowledges = None if self.acknowledged else command.by
        self.acknowledged = self.acknowledged or command.by
        changes = Changes(
            response=command.note or "answered",
            acknowledged_by=acknowledges,
            steps=self._needless("answered", "acknowledged"),
        )
        self._note(command, now, "The customer answered", command.note, changes)
        left = [step.name for step in self.entry.playbook.steps if self.runs(step)]
        if left:
            return f"Noted: nothing waits for an answer any more. Still to come: {', '.join(left)}."
        return "Noted: the intervention ends as responded."

    def _settle(self, command: Command, name: str, state: StepState, why: str, now: datetime) -> str:
        self.steps[name] = state
        text = f"Step {name} was {'completed' if state is StepState.DONE else 'skipped'} by hand"
        self._note(command, now, text, why, Changes(steps={name: state}))
        return text + "."

    def _note(
        self,
        command: Command,
        now: datetime,
        text: str,
        why: str = "",
        changes: Changes | None = None,
        kind: str = "",
    ) -> None:
        self.notes.append(
            Note(
                key=command.id,
                kind=kind or f"command.{command.kind}",
                by=command.by,
                text=text,
                why=why,
                at=now,
                changes=changes,
            )
        )


def _words(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    parts = [
        f"{days} d" if days else "",
        f"{rest // 60} h" if rest // 60 else "",
        f"{rest % 60} min" if rest % 60 else "",
    ]
    return " ".join(part for part in parts if part) or "less than a minute"
