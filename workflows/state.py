"""What commands change in a run. No Temporal in here: plain values, plain rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from keepwell.contracts.commands import (
    Accept,
    Acknowledge,
    Command,
    Complete,
    Decline,
    Pause,
    Reassign,
    Respond,
    Resume,
    Seen,
    Skip,
    Stop,
    Upgraded,
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
from keepwell.contracts.offers import OfferState
from keepwell.moments import minute_words
from keepwell.spans import lasted_words
from workflows.clock import Clock
from workflows.offers import added
from workflows.standing import FINAL, Exit, Standing

LONGEST_PAUSE = timedelta(days=366)
TASKS = ("task", "escalate")


@dataclass
class RunState(Standing):
    """The state of one intervention's run, and what commands do to it."""

    @classmethod
    def of(cls, entry: InterventionInput) -> RunState:
        """The state a run begins with: what the run before it handed over, if there was one."""
        state = cls(entry=entry)
        if entry.change is not None:
            state.known.add(entry.change.transition)
            state.sequence = entry.change.sequence
        if entry.carry is not None:
            carry = entry.carry
            state.inbox = list(carry.inbox)
            state.known.update(change.transition for change in carry.inbox)
            state.seen = dict.fromkeys(carry.seen, "was carried out before the take-over")
            state.waiting = list(carry.waiting)
            opened = carry.opened
            if carry.paused and opened.paused_at is None and entry.engine > 2:
                pause = {"paused_until": carry.paused_until, "pause_reason": carry.pause_reason}
                opened = opened.model_copy(update={"paused_at": opened.started_at, **pause})
            # The pause first, then the commands that waited: a resume among them ends it.
            state.begin(opened)
            if carry.paused and entry.engine < 3:
                state.stand_still(opened.started_at, carry.paused_until, carry.pause_reason)
        return state

    def begin(self, opened: Opened) -> None:
        """The store has opened the intervention: its clock starts, waiting commands are read."""
        self.opened = opened
        self.owner, self.offer.zone = opened.owner_name, opened.zone
        self.clock = Clock(opened.started_at, opened.shift)
        self.steps = {step.name: StepState.PLANNED for step in self.plan}
        if opened.paused_at is not None:
            self.stand_still(opened.paused_at, opened.paused_until, opened.pause_reason)
        if opened.held:
            self.held = opened.held
            self.clock.hold(opened.held_at or opened.started_at)
        if self.early_hold:
            self.hold(self.early_hold, opened.started_at)
        if opened.acknowledged_by:
            # The store has written it with the opening.
            self.acknowledged = opened.acknowledged_by
            self.needless("acknowledged")
        self.read_waiting(opened.started_at)
        self.leave_if_told()

    def read_waiting(self, now: datetime) -> None:
        """Carry out the commands that came while none could be."""
        waiting, self.waiting = self.waiting, []
        for command in waiting:
            self.receive(command, now)

    def outdated(self, change: ScoreChange) -> bool:
        """Whether a newer change waits already: the last level decides, also when it came at once."""
        return self.entry.engine > 2 and any(other.sequence > change.sequence for other in self.inbox)

    def refuse_waiting(self, why: str, now: datetime) -> None:
        """No intervention was opened that these commands could be for."""
        for command in self.waiting:
            self._note(command, now, f"{command.kind} was refused", why, kind="command.refused")
        self.waiting = []

    def refusal(self, command: Command, now: datetime) -> str | None:
        """Why a command cannot be carried out; None if it can. Changes nothing."""
        opened = self.opened
        if opened is None:
            return "No intervention was opened here." if self.closed else None
        if command.id in self.seen:
            return None
        if self.handing_over:
            return "Another playbook is taking over this very moment; look at the customer and send it again."
        if command.intervention and command.intervention != opened.intervention:
            return (
                f"It names intervention {command.intervention}, but {opened.customer_name} is now in "
                f"{opened.intervention} ({self.entry.playbook.label}). Look at that one and name it."
            )
        if self.closed or (self.exit is not None):
            why = f": {self.exit.why}" if self.exit else ""
            return f"Intervention {opened.intervention} has ended{why}."
        return self._senseless(command, now)

    def _senseless(self, command: Command, now: datetime) -> str | None:
        """Why a command makes no sense as things stand; None if it does."""
        playbook = self.entry.playbook
        match command:
            case Pause() if command.until is not None and command.until <= now:
                until, is_now = self._until(command.until), self._minute(now)
                return f"A pause {until} is over already; it is {is_now}."
            case Pause() if command.until is not None and command.until > now + LONGEST_PAUSE:
                until = self._until(command.until)
                return f"A pause {until} is longer than a year; stop it, or name less."
            case Resume() if not self.paused:
                return "It is not paused, so there is nothing to resume."
            case Complete(step=name) | Skip(step=name):
                return self._step_refusal(command, name)
            case Accept() | Decline() | Seen():
                return self.offer.refusal(command, now)
            case Upgraded() if playbook.signal is None:
                return f"{playbook.label} is no expansion playbook: an upgrade does not end it."
            case _:
                return None

    def _step_refusal(self, command: Command, name: str) -> str | None:
        step = next((step for step in self.plan if step.name == name), None)
        if step is None:
            names = ", ".join(step.name for step in self.plan)
            return f"{self.entry.playbook.label} has no step {name!r}; its steps are {names}."
        state = self.steps[name]
        # A task step is done for the run once its task exists, and a step that was not done has become
        # a task: completing it closes that task.
        undone = state in (StepState.MISSED, StepState.SKIPPED, StepState.HELD)
        task = state is StepState.DONE and step.kind in TASKS and name not in self.by_hand
        if isinstance(command, Complete) and (undone or task):
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
            text = self._already(command) or self._carry_out(command, now)
        self.seen[command.id] = text
        return text

    def _already(self, command: Command) -> str:
        """What to answer where a command says nothing that is not so already; empty where it does."""
        if self.entry.engine < 4:
            return ""
        match command:
            case Acknowledge(note="") if self.acknowledged:
                return f"{self.acknowledged} has acknowledged it already."
            case Respond(note="") if self.answered:
                return "The customer's answer is noted already."
            case Seen() if self.offer.state is OfferState.SEEN:
                return "Noted already: they have seen the offer."
            case Pause() if self.paused and self._same_pause(command):
                return f"It is paused {self._until(command.until)} already."
            case _:
                return ""

    def _same_pause(self, command: Pause) -> bool:
        """Whether a pause is the one in force already, as people see it: reason, and end to the minute."""
        assert self.clock is not None  # noqa: S101  (only an open intervention is paused)
        until, other = self._until(self.clock.paused_until), self._until(command.until)
        return command.reason == self.pause_reason and until == other

    def _until(self, until: datetime | None) -> str:
        return f"until {self._minute(until)}" if until else "until somebody resumes it"

    def _minute(self, at: datetime) -> str:
        """A moment on the organisation's clock."""
        return minute_words(at, self.opened.zone if self.opened is not None else "UTC")

    def _carry_out(self, command: Command, now: datetime) -> str:  # noqa: C901  (a case each)
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
                return self._reassign(command, now)
            case Stop():
                return self._stop(command, now)
            case Upgraded():
                return self._upgraded(command, now)
            case Accept():
                return self._accept(command, now)
            case Decline():
                return self._respond(command, now, "The customer declined the offer")
            case Seen():
                changes = Changes(offer=self.offer.change(command))
                self._note(command, now, "The customer has seen the offer", "", changes)
                return "Noted: they have seen the offer."
        assert_never(command)

    def _reassign(self, command: Reassign, now: datetime) -> str:
        whom = command.to_name or command.to
        self._note(command, now, f"Reassigned to {whom}", changes=Changes(owner=command.to))
        if not command.to_name:
            return f"{whom} gets it and its open tasks if the staff list knows them: see the timeline."
        return f"Reassigned to {whom}; open tasks go along."

    def _stop(self, command: Stop, now: datetime) -> str:
        self._note(command, now, "Stopped", command.reason)
        self.exit = Exit(Outcome.STOPPED, command.reason or f"{command.by} stopped it", command.by)
        return "Stopped: what was planned is cancelled, open tasks are withdrawn."

    def _upgraded(self, command: Upgraded, now: datetime) -> str:
        onto = f" to {command.plan}" if command.plan else ""
        text = f"The customer upgraded{onto}"
        self._note(command, now, text, command.note, Changes(plan=command.plan))
        self.exit = Exit(Outcome.CONVERTED, text, command.by)
        return f"{text}: the campaign ends as converted."

    def _accept(self, command: Accept, now: datetime) -> str:
        """What waits for an answer is cancelled; what accepting leads to is added, and ends the playbook."""
        assert self.clock is not None  # noqa: S101  (receive() has checked that it is open)
        change = self.offer.change(command)
        offered = self.entry.playbook.offer
        self.answered = True
        self.acknowledged = self.acknowledged or command.by
        steps = self.needless("answered", "acknowledged")
        if offered is not None and self.runs(offered):
            # Agreed before it went out: the offer's row is made by this very line.
            steps[offered.name] = self.steps[offered.name] = StepState.DONE
        more = self.offer.follow_up(command.option, self.clock.elapsed(now))
        self.plan = sorted([*self.plan, *more], key=lambda step: step.at)
        self.steps.update({step.name: StepState.PLANNED for step in more})
        terms = change.terms.words if change.terms else ""
        changes = Changes(
            response=f"accepted: {terms}",
            acknowledged_by=self.acknowledged,
            steps=steps,
            added=added(more),
            offer=change,
        )
        self._note(command, now, f"The customer accepted: {terms}", command.note, changes)
        left = ", ".join(step.name for step in self.plan if self.runs(step))
        return f"Accepted: {terms}." + (f" It leads to: {left}." if left else "")

    def _acknowledge(self, command: Acknowledge, now: datetime) -> str:
        if self.acknowledged:
            self._note(command, now, "Acknowledged again", command.note)
            return f"{self.acknowledged} has acknowledged it already."
        self.acknowledged = command.by
        changes = Changes(acknowledged_by=command.by, steps=self.needless("acknowledged"))
        self._note(command, now, "Acknowledged", command.note, changes)
        return "Acknowledged: it will not be escalated."

    def _pause(self, command: Pause, now: datetime) -> str:
        assert self.clock is not None  # noqa: S101  (receive() has checked that it is open)
        self.clock.pause(now, command.until)
        self.pause_reason = command.reason
        until = self._until(command.until)
        changes = Changes(paused=True, paused_until=command.until, pause_reason=command.reason)
        self._note(command, now, f"Paused {until}", command.reason, changes)
        return f"Paused {until}. Remaining delays are kept."

    def resume(self, now: datetime, by: str, key: str) -> str:
        """Let the clock go on, by a person or because the pause is over."""
        assert self.clock is not None  # noqa: S101  (only an open intervention is paused)
        stood = self.clock.resume(now)
        self.pause_reason = ""
        text = f"Resumed after {lasted_words(stood)}"
        self.notes.append(
            Note(
                key=key,
                kind="command.resume",
                by=by,
                text=text,
                why="" if by != "engine" else "The pause is over",
                at=now,
                changes=Changes(paused=False, shift=self.clock.shift),
            )
        )
        return f"{text}. Remaining delays are as they were."

    def _respond(self, command: Respond | Decline, now: datetime, text: str = "The customer answered") -> str:
        self.answered = True
        # Whoever logs an answer has the customer in hand.
        acknowledges = None if self.acknowledged else command.by
        self.acknowledged = self.acknowledged or command.by
        changes = Changes(
            response=command.note or ("declined the offer" if isinstance(command, Decline) else "answered"),
            acknowledged_by=acknowledges,
            steps=self.needless("answered", "acknowledged"),
            offer=self.offer.change(command) if isinstance(command, Decline) else None,
        )
        self._note(command, now, text, command.note, changes)
        left = [step.name for step in self.plan if self.runs(step)]
        if left:
            return f"Noted: nothing waits for an answer any more. Still to come: {', '.join(left)}."
        return "Noted: the intervention ends as responded."

    def _settle(self, command: Command, name: str, state: StepState, why: str, now: datetime) -> str:
        self.steps[name] = state
        if state is StepState.DONE:
            self.by_hand.append(name)
        text = f"Step {name} was {'completed' if state is StepState.DONE else 'skipped'} by hand"
        self._note(command, now, text, why, Changes(steps={name: state}))
        step = next(step for step in self.plan if step.name == name)
        if self.entry.playbook.family == "event" and state is StepState.DONE and step.kind == "task":
            # Its task is what an event playbook is for: with it done, nothing else has to happen.
            self.exit = Exit(Outcome.COMPLETED, f"{text} ({command.by})", command.by)
            return f"{text}: that ends it."
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
