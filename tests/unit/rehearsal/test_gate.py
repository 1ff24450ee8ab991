"""What the gate of a rehearsal notes."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.delivery import DoNotGo, GateAnswer, GoAt, GoNow, Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.rehearsal.gate import RecordingGate
from tests.unit.db.test_drafts import call

ANN = Recipient(id="ann", kind="contact", name="Ann Lee", address="ann@acme.example", time_zone="UTC")
BEN = Recipient(id="ben", kind="contact", name="Ben Orr", address="ben@acme.example", time_zone="UTC")
NOW = call().now
LATER = timedelta(minutes=20)


class Prepared:
    """A gate that answers what was prepared, one after the other."""

    def __init__(self, *answers: GateAnswer) -> None:
        self._answers = list(answers)

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """The next answer."""
        return self._answers.pop(0)


def test_each_question_is_noted_with_its_answer() -> None:
    wait = GoAt(at=NOW + LATER, reason="quiet hours")
    gate = RecordingGate(Prepared(wait, GoNow(), DoNotGo(reason="no consent")))
    gate.ask(call(), ANN, "email")
    gate.ask(call(), BEN, "email")
    gate.ask(call(LATER), ANN, "email")
    noted = [(one.recipient, one.at - NOW, one.answer) for one in gate.asked]
    assert noted == [
        ("Ann Lee", timedelta(), wait),
        ("Ben Orr", timedelta(), GoNow()),
        ("Ann Lee", LATER, DoNotGo(reason="no consent")),
    ]


def test_a_step_that_is_tried_again_stands_there_once_with_the_last_answer() -> None:
    gate = RecordingGate(Prepared(GoNow(), GoNow(), DoNotGo(reason="no consent")))
    gate.ask(call(), ANN, "email")
    gate.ask(call(), BEN, "email")
    gate.ask(call(), ANN, "email")
    assert [(one.recipient, one.answer) for one in gate.asked] == [
        ("Ann Lee", DoNotGo(reason="no consent")),
        ("Ben Orr", GoNow()),
    ]
