"""What a line of the timeline changes in the intervention's row, its steps, tasks and offer."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.contracts.intervention import Added, Changes, Note, StepState
from keepwell.db.repositories.offers import change_offer
from keepwell.db.tables import Customer, Intervention, InterventionStep, Task


def apply(session: Session, row: Intervention, note: Note, changes: Changes) -> None:
    if changes.paused is not None:
        row.paused, row.paused_until = changes.paused, changes.paused_until
        row.pause_reason = changes.pause_reason or ""
        row.paused_at = (row.paused_at or note.at) if changes.paused else None
    if changes.shift is not None:
        row.shift = max(row.shift, changes.shift)
    if changes.acknowledged_by is not None:
        row.acknowledged_by, row.acknowledged_at = changes.acknowledged_by, note.at
    if changes.response is not None:
        row.response, row.responded_at = changes.response, note.at
    for name, state in changes.steps.items():
        step = session.get_one(InterventionStep, (row.id, name))
        if step.state == StepState.DONE and state is not StepState.DONE:
            continue
        step.state, step.at, step.why = state, note.at, f"{note.text} ({note.by})"
        session.add(step)
        _close_task(session, row, name, note, state)
    _beside(session, row, note, changes)
    session.add(row)


def _beside(session: Session, row: Intervention, note: Note, changes: Changes) -> None:
    """What changes beside the row and its own steps."""
    if changes.owner is not None:
        _reassign(session, row, changes.owner)
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


def _reassign(session: Session, row: Intervention, owner: str) -> None:
    query = select(Task).where(
        Task.intervention_id == row.id, Task.state == "open", Task.owner_id == row.owner_id
    )
    for task in session.exec(query):
        task.owner_id = owner
        session.add(task)
    customer = session.get_one(Customer, row.customer_id)
    customer.owner_id = row.owner_id = owner
    session.add(customer)


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


def _change_plan(session: Session, row: Intervention, plan: str) -> None:
    customer = session.get_one(Customer, row.customer_id)
    customer.plan = plan
    session.add(customer)
