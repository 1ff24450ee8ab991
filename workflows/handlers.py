"""The ways into a running intervention: one validated update, and plain signals of the same meaning.

Handlers only change state; the run reads it. The update is what our CLI and API use; the signals are
for people in the Temporal UI and for what must not be lost while no worker runs.
"""

from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from keepwell.contracts.commands import COMMAND, TAKING_OVER, Answer, Command
from keepwell.contracts.events import ToldToEnd
from keepwell.contracts.intervention import InterventionInput, Note, ScoreChange
from workflows.state import RunState


class Handlers:
    """Update and signals of every playbook's workflow."""

    def __init__(self, entry: InterventionInput) -> None:
        self.state = RunState.of(entry)

    @workflow.update(description="A command, checked: acknowledge, pause, resume, respond, complete, …")
    def command(self, command: Command) -> Answer:
        """Carry a command out."""
        now = workflow.now()
        return Answer(command=command.id, text=self.state.receive(command, now), noted_at=now)

    @command.validator
    def check_command(self, command: Command) -> None:
        """Refuse a command that cannot be carried out, and say why."""
        refused = self.state.refusal(command, workflow.now())
        if refused is not None:
            busy = self.state.handing_over
            raise ApplicationError(refused, type=TAKING_OVER if busy else "Refused", non_retryable=not busy)

    @workflow.signal(description="The customer's level changed (sent by the daily run)")
    def score_changed(self, change: ScoreChange) -> None:
        """A level transition of this customer."""
        self.state.hear(change)

    @workflow.signal(description='The CSM has it in hand. {"by": "dana"}')
    def acknowledge(self, body: Any = None) -> None:
        """Stops the escalation."""
        self._by_hand("acknowledge", body)

    @workflow.signal(
        description='Stop the clock. {"by": "dana", "until": "2026-12-01T09:00:00Z", "reason": ""}'
    )
    def pause(self, body: Any = None) -> None:
        """Pause until a moment, or open-ended."""
        self._by_hand("pause", body)

    @workflow.signal(description='Let the clock go on. {"by": "dana"}')
    def resume(self, body: Any = None) -> None:
        """Resume; remaining delays are as they were."""
        self._by_hand("resume", body)

    @workflow.signal(description='The customer answered. {"by": "dana", "note": "will call back"}')
    def respond(self, body: Any = None) -> None:
        """Ends the waiting for an answer."""
        self._by_hand("respond", body)

    @workflow.signal(description='A step is done. {"by": "dana", "step": "phone_call"}')
    def complete(self, body: Any = None) -> None:
        """A step was done by hand."""
        self._by_hand("complete", body)

    @workflow.signal(description='Leave a step out. {"by": "dana", "step": "final_offer", "reason": ""}')
    def skip(self, body: Any = None) -> None:
        """A step is not wanted."""
        self._by_hand("skip", body)

    @workflow.signal(description='Another owner. {"by": "dana", "to": "id or email of staff"}')
    def reassign(self, body: Any = None) -> None:
        """Owner and open tasks go to somebody else."""
        self._by_hand("reassign", body)

    @workflow.signal(description='End it. {"by": "dana", "reason": "wrong alarm"}')
    def stop(self, body: Any = None) -> None:
        """Ends the intervention."""
        self._by_hand("stop", body)

    @workflow.signal(description='The customer has seen the offer. {"by": "dana"}')
    def seen(self, body: Any = None) -> None:
        """The offer was seen."""
        self._by_hand("seen", body)

    @workflow.signal(
        description='The customer accepts. {"by": "dana", "option": "billing_pause", "months": 2, "plan": ""}'
    )
    def accept(self, body: Any = None) -> None:
        """An option of the offer was accepted."""
        self._by_hand("accept", body)

    @workflow.signal(description='The customer declines the offer. {"by": "dana", "note": ""}')
    def decline(self, body: Any = None) -> None:
        """The offer was declined."""
        self._by_hand("decline", body)

    @workflow.signal(description='The customer upgraded. {"by": "dana", "plan": "Business"}')
    def upgraded(self, body: Any = None) -> None:
        """Ends an expansion playbook as converted."""
        self._by_hand("upgraded", body)

    @workflow.signal(description="The customer is at risk: wait (sent by its risk playbook)")
    def hold(self, why: str) -> None:
        """An expansion stands still from now on."""
        self.state.hold(why, workflow.now())

    @workflow.signal(description="The customer is well again: go on (sent by its risk playbook)")
    def release(self) -> None:
        """An expansion goes on with its remaining delays."""
        self.state.release(workflow.now())

    @workflow.signal(description="Try what was put off at once (sent when what it waited for is over)")
    def look_again(self) -> None:
        """A stop was lifted, a draft decided, a cap changed: deferred steps are tried now."""
        self.state.look_again(workflow.now())

    @workflow.signal(description="Another playbook writes to the customer: end (sent by its run)")
    def give_way(self, told: ToldToEnd) -> None:
        """An event playbook ends: one voice for a customer."""
        self.state.give_way(told)

    @workflow.signal(description="What raised the alert is over: end (sent by the monitor)")
    def cause_gone(self, told: ToldToEnd) -> None:
        """An event playbook ends: there is nothing left to do."""
        self.state.cause_gone(told)

    def _by_hand(self, kind: str, body: Any) -> None:
        """What a person typed: a mistake in it goes to the timeline, not to a log nobody reads."""
        fields = body if isinstance(body, dict) else {}
        filled = {"id": str(workflow.uuid4()), "by": "Temporal UI", **fields, "kind": kind}
        try:
            command = COMMAND.validate_python(filled)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"] if part != kind) or "body"
            self.state.notes.append(
                Note(
                    key=str(workflow.uuid4()),
                    kind="command.refused",
                    by=str(filled["by"])[:200],
                    text=f"{kind} was refused",
                    why=f"{where}: {first['msg']}",
                    at=workflow.now(),
                )
            )
            return
        self.state.receive(command, workflow.now())
