"""Interventions: open, refuse, record, end. Each is one transaction and may be called again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.intervention import (
    Changes,
    Ending,
    Note,
    NotOpened,
    Opened,
    OpenRequest,
    Outcome,
    Record,
    Recorded,
    Refusal,
    StepState,
)
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories import claims, journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.team import responsible_for
from keepwell.db.tables import Customer, Delivery, Intervention, InterventionStep, Staff, Task
from keepwell.keys import new_id

OPEN_STATES = (StepState.PLANNED, StepState.DEFERRED)


class InterventionRepository:
    """Implements the port `Interventions`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, request: OpenRequest) -> Opened | NotOpened:
        """Claim the transition and open the intervention, or decide that it opens none."""
        playbook = request.playbook
        if playbook is None:
            raise ValueError("open() needs the playbook; the activity resolves it")
        with self._store.write() as session:
            row = claims.lock_transition(session, request.change.transition)
            earlier = claims.claimed_by(session, request, row)
            if isinstance(earlier, Intervention):
                return _opened(session, earlier)
            if earlier is not None:
                return earlier
            refused = claims.refusal(session, request, playbook)
            if refused is not None:
                code, reason = refused
                claims.decide(session, row, "refused", code=code, reason=reason, now=request.now)
                if code == "cooldown":
                    claims.ask_to_look(session, request, reason)
                return NotOpened(reason=reason)
            _close_others(session, request, playbook)
            intervention = _insert(session, request, playbook)
            reason = f"{playbook.label} began"
            claims.decide(
                session,
                row,
                "started",
                code="started",
                reason=reason,
                now=request.now,
                intervention=intervention.id,
            )
            return _opened(session, intervention)

    def refuse(self, refusal: Refusal) -> None:
        """Decide that a transition opens nothing, unless it is decided already."""
        with self._store.write() as session:
            row = claims.lock_transition(session, refusal.transition)
            if row.decision is None:
                claims.decide(
                    session, row, "refused", code=refusal.code, reason=refusal.reason, now=refusal.now
                )

    def record(self, record: Record) -> Recorded:
        """Write lines to the timeline with what follows from them."""
        unknown = ""
        with self._store.write() as session:
            row = session.get(Intervention, record.intervention) if record.intervention else None
            for note in record.notes:
                unknown = self._note(session, record, row, note) or unknown
            session.flush()
            owner = session.get(Staff, row.owner_id) if row is not None and row.owner_id else None
            return Recorded(
                owner=owner.id if owner else None, owner_name=owner.name if owner else "", unknown=unknown
            )

    def _note(self, session: Session, record: Record, row: Intervention | None, note: Note) -> str:
        changes, kind, why, unknown = note.changes, note.kind, note.why, ""
        if changes is not None and changes.owner is not None:
            staff = find_staff(session, record.organisation, changes.owner)
            if staff is None:
                unknown = changes.owner
                kind, why = "command.refused", f"nobody on the staff is called {unknown!r}"
                changes = None
            else:
                changes = changes.model_copy(update={"owner": staff.id})
        written = journal.write(
            session,
            key=f"{record.intervention or record.customer}/{note.key}",
            organisation=record.organisation,
            customer=record.customer,
            intervention=record.intervention,
            kind=kind,
            by=note.by,
            text=note.text,
            why=why,
            at=note.at,
        )
        if written and row is not None and changes is not None:
            _apply(session, row, note, changes)
        return unknown

    def end(self, ending: Ending, review: Rendered | None) -> None:
        """Close the intervention: cancel what is planned, withdraw open tasks, write the outcome."""
        with self._store.write() as session:
            row = session.get_one(Intervention, ending.intervention, with_for_update=True)
            if row.outcome is None:
                close(session, row, ending.outcome, ending.why, ending.by, ending.now)
            if review is not None:
                _ask_for_review(session, row, ending.now, review)
            if ending.transition is not None:
                transition = claims.lock_transition(session, ending.transition)
                if transition.decision is None:
                    claims.decide(
                        session,
                        transition,
                        "refused",
                        code=ending.outcome.value,
                        reason=f"No playbook is needed: {ending.why}; intervention {row.id} ended",
                        now=ending.now,
                    )


def find_staff(session: Session, organisation: str, who: str) -> Staff | None:
    """A member of staff by our id, their own id or their email address."""
    staff = session.get(Staff, who)
    if staff is not None and staff.organisation_id == organisation:
        return staff if staff.active else None
    query = select(Staff).where(
        Staff.organisation_id == organisation,
        col(Staff.active).is_(True),
        (col(Staff.external_id) == who) | (col(Staff.email) == who),
    )
    return session.exec(query).first()


def close(session: Session, row: Intervention, outcome: Outcome, why: str, by: str, now: datetime) -> None:
    """Write the outcome; nothing of the intervention stays planned, open or waiting."""
    row.outcome, row.outcome_why, row.ended_at = outcome.value, why, now
    row.paused, row.paused_until, row.paused_at = False, None, None
    session.add(row)
    for step in _open_steps(session, row.id):
        step.state, step.why, step.at = StepState.CANCELLED, f"{outcome.value}: {why}", now
        session.add(step)
    tasks = select(Task).where(Task.intervention_id == row.id, Task.state == "open")
    # What a recovery, an answer or a take-over has made needless is withdrawn; a playbook that simply
    # came to its end leaves its tasks to be done.
    if outcome is not Outcome.COMPLETED:
        for task in session.exec(tasks):
            task.state, task.closed_at, task.closed_by = "withdrawn", now, by
            task.note = f"{outcome.value}: {why}"
            session.add(task)
    waiting = (DeliveryState.PLANNED, DeliveryState.DEFERRED)
    for delivery in session.exec(
        select(Delivery).where(Delivery.intervention_id == row.id, col(Delivery.state).in_(waiting))
    ):
        delivery.state, delivery.reason, delivery.updated_at = DeliveryState.CANCELLED, why, now
        session.add(delivery)
    journal.write(
        session,
        key=f"{row.id}/ended",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.id,
        kind=f"intervention.{outcome.value}",
        by=by,
        text=f"{row.playbook}@{row.version} ended: {outcome.value}",
        why=why,
        at=now,
    )


def _open_steps(session: Session, intervention: str) -> list[InterventionStep]:
    query = select(InterventionStep).where(
        InterventionStep.intervention_id == intervention, col(InterventionStep.state).in_(OPEN_STATES)
    )
    return list(session.exec(query))


def _close_others(session: Session, request: OpenRequest, playbook: Playbook) -> None:
    """One voice per customer: what is open ends as superseded, or was left open by a dead run."""
    query = select(Intervention).where(
        Intervention.customer_id == request.customer, col(Intervention.outcome).is_(None)
    )
    for other in session.exec(query):
        if other.id == request.supersedes:
            why = f"{playbook.label} took over: the level is {request.change.level.value}"
            close(session, other, Outcome.SUPERSEDED, why, journal.ENGINE, request.now)
        else:
            why = "Its run in Temporal ended without an outcome (terminated, or failed)"
            close(session, other, Outcome.FAILED, why, journal.ENGINE, request.now)


def _insert(session: Session, request: OpenRequest, playbook: Playbook) -> Intervention:
    customer = session.get_one(Customer, request.customer)
    row = Intervention(
        id=new_id(),
        organisation_id=request.organisation,
        customer_id=request.customer,
        transition_id=request.change.transition,
        start=request.start,
        workflow_id=request.workflow_id,
        playbook=playbook.name,
        version=playbook.version,
        definition=playbook.model_dump(mode="json"),
        level=request.change.level.value,
        score=request.change.score,
        owner_id=customer.owner_id,
        supersedes=request.supersedes,
        started_at=request.now,
        paused=request.paused,
        paused_until=request.paused_until,
        pause_reason=request.pause_reason,
        paused_at=request.now if request.paused else None,
    )
    session.add(row)
    session.flush()
    for position, step in enumerate(playbook.steps):
        session.add(
            InterventionStep(
                intervention_id=row.id,
                name=step.name,
                position=position,
                kind=step.kind,
                offset=step.at,
                state=StepState.PLANNED,
                planned_at=request.now + step.at,
                why=step.why,
            )
        )
    journal.write(
        session,
        key=f"{row.id}/began",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.id,
        kind="intervention.began",
        text=f"{playbook.label} began for {customer.name}",
        why=f"The level is {request.change.level.value}, score {request.change.score:.1f}",
        at=request.now,
    )
    return row


def _opened(session: Session, row: Intervention) -> Opened:
    customer = session.get_one(Customer, row.customer_id)
    owner = session.get(Staff, row.owner_id) if row.owner_id else None
    return Opened(
        intervention=row.id,
        customer_name=customer.name,
        owner=row.owner_id,
        owner_name=owner.name if owner else "",
        started_at=row.started_at,
        shift=row.shift,
    )


def _apply(session: Session, row: Intervention, note: Note, changes: Changes) -> None:
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
    if changes.owner is not None:
        _reassign(session, row, changes.owner)
    for name, state in changes.steps.items():
        step = session.get_one(InterventionStep, (row.id, name))
        if step.state == StepState.DONE and state is not StepState.DONE:
            continue
        step.state, step.at, step.why = state, note.at, f"{note.text} ({note.by})"
        session.add(step)
        _close_task(session, row, name, note, state)
    session.add(row)


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


def _ask_for_review(session: Session, row: Intervention, now: datetime, text: Rendered) -> None:
    customer = session.get_one(Customer, row.customer_id)
    person = responsible_for(session, customer)
    task = {
        "id": new_id(),
        "key": f"{row.id}/review",
        "organisation_id": row.organisation_id,
        "customer_id": row.customer_id,
        "intervention_id": row.id,
        "step": "",
        "kind": "review",
        "title": text.subject,
        "detail": text.text,
        "owner_id": person.id if person else None,
        "due_at": now + timedelta(days=2),
        "created_at": now,
        "state": "open",
        "closed_by": "",
        "note": "",
    }
    insert_if_absent(session, "task", task)
