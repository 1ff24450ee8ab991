"""What a line of the timeline changes in the intervention's row, its steps, tasks and offer."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.intervention import Added, Changes, Note, StepState
from keepwell.db.repositories import drafts_ending
from keepwell.db.repositories.alerts import take_in_hand
from keepwell.db.repositories.offers import change_offer
from keepwell.db.repositories.reassigning import carry_along
from keepwell.db.tables import Alert, Customer, Delivery, Intervention, InterventionStep, Staff, Task


def apply(session: Session, row: Intervention, note: Note, changes: Changes) -> None:
    if changes.paused is not None:
        row.paused, row.paused_until = changes.paused, changes.paused_until
        row.pause_reason = changes.pause_reason or ""
        row.paused_at = (row.paused_at or note.at) if changes.paused else None
    if changes.shift is not None:
        stood = max(row.shift, changes.shift) - row.shift
        row.shift += stood
        drafts_ending.give_more_time(session, row.id, stood, note.at)
        _defer_further(session, row.id, stood)
    if changes.acknowledged_by is not None:
        row.acknowledged_by, row.acknowledged_at = changes.acknowledged_by, note.at
        _calm(session, row, note)
        if row.alert_id is not None:
            take_in_hand(session, session.get_one(Alert, row.alert_id), changes.acknowledged_by, note.at)
    if changes.response is not None:
        row.response, row.responded_at = changes.response, note.at
    for name, state in changes.steps.items():
        step = session.get_one(InterventionStep, (row.id, name))
        if step.state == StepState.DONE and state is not StepState.DONE:
            continue
        step.state, step.at, step.why = state, note.at, f"{note.text} ({note.by})"
        session.add(step)
        _close_task(session, row, name, note, state)
    if changes.steps:
        drafts_ending.withdraw(session, row.id, note.text, note.by, note.at, steps=changes.steps)
    _beside(session, row, note, changes)
    session.add(row)


def _beside(session: Session, row: Intervention, note: Note, changes: Changes) -> None:
    """What changes beside the row and its own steps."""
    if changes.owner is not None:
        to = session.get_one(Staff, changes.owner)
        carry_along(session, session.get_one(Customer, row.customer_id), to, note.by, note.at, told=row.id)
    if changes.held is not None:
        row.held_why = changes.held
        row.held_at = (row.held_at or note.at) if changes.held else None
    if changes.plan:
        _change_plan(session, row, changes.plan)
    if changes.offer is not None:
        change_offer(session, row, note, changes.offer)
    for added in changes.added:
        _add_step(session, row, added)


def _close_task(session: Session, row: Intervention, step: str, note: Note, state: StepState) -> None:
    query = select(Task).where(Task.intervention_id == row.id, Task.step == step, Task.state == "open")
    for task in session.exec(query):
        task.state = "done" if state is StepState.DONE else "withdrawn"
        task.closed_at, task.closed_by, task.note = note.at, note.by, note.why or note.text
        session.add(task)


def _calm(session: Session, row: Intervention, note: Note) -> None:
    """Somebody has it in hand: the tasks of those whom silence was told to are done."""
    query = select(Task).where(
        Task.intervention_id == row.id, Task.kind == "escalation", Task.state == "open"
    )
    for task in session.exec(query):
        task.state, task.closed_at, task.closed_by = "done", note.at, note.by
        task.note = f"{note.by} has it in hand"
        session.add(task)


def _add_step(session: Session, row: Intervention, added: Added) -> None:
    last = session.exec(
        select(InterventionStep.position)
        .where(InterventionStep.intervention_id == row.id)
        .order_by(col(InterventionStep.position).desc())
    ).first()
    session.add(
        InterventionStep(
            intervention_id=row.id,
            name=added.name,
            position=(last or 0) + 1,
            kind=added.kind,
            offset=added.at,
            state=StepState.PLANNED,
            planned_at=row.started_at + row.shift + added.at,
            why=added.why,
        )
    )
    session.flush()


def _defer_further(session: Session, intervention: str, stood: timedelta) -> None:
    """The clock has stood still: what was put off keeps what is left of its wait."""
    steps = select(InterventionStep).where(
        InterventionStep.intervention_id == intervention, InterventionStep.state == StepState.DEFERRED
    )
    rows = select(Delivery).where(
        Delivery.intervention_id == intervention, Delivery.state == DeliveryState.DEFERRED
    )
    for one in (*session.exec(steps), *session.exec(rows)):
        if one.deferred_until is not None:
            one.deferred_until += stood
            session.add(one)


def _change_plan(session: Session, row: Intervention, plan: str) -> None:
    customer = session.get_one(Customer, row.customer_id)
    customer.plan = plan
    session.add(customer)
