"""The rows of an intervention's steps."""

from __future__ import annotations

from sqlmodel import Session

from keepwell.contracts.intervention import StepCall, StepResult, StepState
from keepwell.db.tables import InterventionStep

FINAL = (StepState.DONE, StepState.SKIPPED, StepState.MISSED, StepState.HELD, StepState.CANCELLED)
UNSURE = (StepState.MISSED, StepState.HELD, StepState.CANCELLED)
"""What may still turn out done: the message was accepted after all."""


def write_step(session: Session, call: StepCall, result: StepResult) -> bool:
    """What became of a step; False when that is known already."""
    row = session.get_one(InterventionStep, (call.intervention, call.step.name), with_for_update=True)
    corrects = row.state in UNSURE and result.state is StepState.DONE
    if row.state in FINAL and not corrects:
        return False
    row.state, row.why, row.deferred_until = result.state, result.why, result.until
    row.at = None if result.state is StepState.DEFERRED else call.now
    session.add(row)
    return True
