"""A gate that notes what it was asked and what it answered."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import GateAnswer, Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.ports import Gate


class Asked(Frozen):
    """One question and its answer; `at` is the run's own time."""

    intervention: str
    step: str
    recipient: str
    channel: str
    at: datetime
    answer: GateAnswer

    @property
    def question(self) -> tuple[str, str, str, str, datetime]:
        """What was asked, without the answer."""
        return self.intervention, self.step, self.recipient, self.channel, self.at


class RecordingGate:
    """Implements the port `Gate` by the gate behind it, and keeps every answer. Used by many threads.

    A step that is tried again asks the same again: of one question the last answer is kept, at its place.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lock = Lock()
        self._asked: dict[tuple[str, str, str, str, datetime], Asked] = {}

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """Now, at a moment, or not at all, with the reason."""
        answer = self._gate.ask(call, recipient, channel)
        asked = Asked(
            intervention=call.intervention,
            step=call.step.name,
            recipient=recipient.name,
            channel=channel,
            at=call.now,
            answer=answer,
        )
        with self._lock:
            self._asked[asked.question] = asked
        return answer

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Everything so far, in the order it was asked."""
        with self._lock:
            return tuple(self._asked.values())
