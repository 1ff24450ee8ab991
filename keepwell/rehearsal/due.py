"""What a customer's interventions should have done by a moment and have not."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.intervention import StepState
from keepwell.db.engine import Store
from keepwell.db.tables import Intervention, InterventionStep


def overdue(store: Store, customer: str, moment: datetime) -> int:
    """How many steps and ends of pauses were due until a moment and are not done."""
    query = select(Intervention).where(
        Intervention.customer_id == customer, col(Intervention.outcome).is_(None)
    )
    with store.read() as session:
        return sum(_overdue(session, row, moment) for row in session.exec(query))


def _overdue(session: Session, row: Intervention, moment: datetime) -> int:
    if row.paused:
        return int(row.paused_until is not None and row.paused_until <= moment)
    if row.held_why:
        return 0
    open_states = (StepState.PLANNED.value, StepState.DEFERRED.value)
    steps = session.exec(
        select(InterventionStep).where(
            InterventionStep.intervention_id == row.id, col(InterventionStep.state).in_(open_states)
        )
    ).all()
    begun = row.started_at + row.shift
    return sum((step.deferred_until or begun + step.offset) <= moment for step in steps)
