"""The rows of an intervention's steps."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from keepwell.contracts.intervention import StepCall, StepResult, StepState
from keepwell.db.tables import Delivery, InterventionStep, Task
from keepwell.keys import fallback_key

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


def reached_after_all(session: Session, row: Delivery, by: str, at: datetime) -> bool:
    """A provider has the message of a step that nobody knew of, or that was given up: the step is done.

    The task to do it by hand is withdrawn where nobody has closed it. False where the step was done already.
    """
    step = session.get_one(InterventionStep, (row.intervention_id, row.step), with_for_update=True)
    if step.state == StepState.DONE:
        return False
    step.state, step.why, step.at = StepState.DONE, f"sent to {row.recipient_name}, as {by} reported", at
    step.deferred_until = None
    session.add(step)
    key = fallback_key(row.intervention_id, row.step)
    task = session.exec(select(Task).where(Task.key == key).with_for_update()).first()
    if task is not None and task.state == "open":
        task.state, task.closed_at, task.closed_by = "withdrawn", at, by
        task.note = "The message was sent after all"
        session.add(task)
    return True
