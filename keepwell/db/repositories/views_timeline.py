"""The read model of one intervention: its header, and one timeline of what happened and what will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import Outcome, StepState
from keepwell.contracts.offers import OfferKind, OfferState, Terms
from keepwell.contracts.playbook import (
    Assign,
    Audience,
    Document,
    Escalate,
    Offer,
    Playbook,
    Send,
    Step,
    Task,
)
from keepwell.db.repositories.team import owner_away_words
from keepwell.db.repositories.views import OpenBeside, open_beside, staff_names
from keepwell.db.repositories.views_interventions import OPEN, InterventionLine, lines_of, planned_moment
from keepwell.db.tables import Delivery, Event, Intervention, InterventionStep, OutboxMessage
from keepwell.db.tables import Document as DocumentRow
from keepwell.db.tables import Offer as OfferRow
from keepwell.db.tables import Task as TaskRow
from keepwell.errors import NotFoundError

OUTCOMES_OF_STEPS = (
    "delivery.accepted",
    "delivery.delivered",
    "delivery.opened",
    "delivery.clicked",
    "delivery.skipped",
    "delivery.failed",
    "delivery.cancelled",
    "alert.missed",
)
"""Events that say what the line of their step says already."""

STARTED = ("transition.started", "alert.started")
"""The change of level, or the alert, that began it: the line of its beginning says so."""

AUDIENCES: Mapping[Audience, str] = {
    Audience.PRIMARY_CONTACT: "the primary contact",
    Audience.ALTERNATE_CONTACT: "another contact",
    Audience.BILLING_CONTACT: "whoever looks after bills",
    Audience.OWNER: "the owner",
    Audience.COVER: "the owner's cover",
    Audience.LEAD: "the owner's manager",
    Audience.SUPPORT: "support",
    Audience.EXECUTIVE: "an executive",
}


class DeliveryLine(Frozen):
    """The message of a step; `message` is its id in the outbox, where it is there."""

    key: str
    channel: str
    recipient: str
    address: str
    subject: str
    state: str
    reason: str
    attempts: int
    accepted_at: datetime | None
    deferred_until: datetime | None
    provider: str = ""
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    message: str | None


class StepTask(Frozen):
    """The task that a step, or the want of one, has left for a person."""

    id: str
    kind: str
    title: str
    owner: str
    state: str
    due_at: datetime
    closed_by: str
    note: str
    outcome: str = ""
    meant_for: str = ""
    snoozed_until: datetime | None = None


class TimelineLine(Frozen):
    """One line. A planned one lies ahead; `at` is then when it comes if nothing pauses from now on."""

    at: datetime
    planned: bool
    source: Literal["step", "event", "task", "plan"]
    kind: str
    step: str = ""
    state: str = ""
    by: str = ""
    title: str
    why: str
    deliveries: tuple[DeliveryLine, ...] = ()
    tasks: tuple[StepTask, ...] = ()
    document: str | None = None


class InterventionDetail(Frozen):
    """An intervention with its timeline, in the order of time; `beside` is open for the customer, too.

    `owner_away` says who stands in while its owner is away.
    """

    intervention: InterventionLine
    owner_away: str = ""
    title: str
    purpose: str
    steps: tuple[str, ...]
    timeline: tuple[TimelineLine, ...]
    beside: tuple[OpenBeside, ...]


class StepDocument(Frozen):
    """A document that a step wrote."""

    intervention: str
    step: str
    title: str
    html: str
    text: str
    created_at: datetime


def intervention_detail(session: Session, intervention: str, now: datetime) -> InterventionDetail:
    """One intervention; `intervention` is our id of one that exists."""
    row = session.get_one(Intervention, intervention)
    playbook = Playbook.model_validate(row.definition)
    deliveries = _deliveries(session, row)
    tasks = _tasks(session, row)
    documents = dict(
        session.exec(
            select(DocumentRow.step, DocumentRow.title).where(DocumentRow.intervention_id == row.id)
        ).all()
    )
    query = select(InterventionStep).where(InterventionStep.intervention_id == row.id)
    steps = session.exec(query.order_by(col(InterventionStep.position))).all()
    lines = [
        step_line(row, playbook.step(step.name), step, now).model_copy(
            update={
                "deliveries": tuple(deliveries.get(step.name, ())),
                "tasks": tuple(tasks.get(step.name, ())),
                "document": documents.get(step.name),
            }
        )
        for step in steps
    ]
    lines += _events(session, row)
    lines += [_task_line(task, at) for task, at in _loose_tasks(session, row, tasks)]
    lines += lines_ahead(session, row, playbook, steps, now)
    lines.sort(key=lambda line: (line.planned, line.at))
    return InterventionDetail(
        intervention=lines_of(session, [row], now)[0],
        owner_away=owner_away_words(session, row.owner_id, now),
        title=playbook.title,
        purpose=playbook.purpose,
        steps=tuple(step.name for step in steps),
        timeline=tuple(lines),
        beside=open_beside(session, row.id),
    )


def step_document(session: Session, intervention: str, step: str) -> StepDocument:
    """The document a step wrote. Raises NotFoundError that names the documents there are."""
    query = select(DocumentRow).where(DocumentRow.intervention_id == intervention)
    rows = {row.step: row for row in session.exec(query)}
    if step not in rows:
        known = f"It has: {', '.join(rows)}." if rows else "No step of it has written a document yet."
        raise NotFoundError(f"Intervention {intervention} has no document {step!r}.", hint=known)
    fields = set(StepDocument.model_fields) - {"intervention"}
    return StepDocument(intervention=intervention, **rows[step].model_dump(include=fields))


def step_line(row: Intervention, step: Step | None, state: InterventionStep, now: datetime) -> TimelineLine:
    """The line of a step: of one that is still to come, when it comes if nothing pauses from now on."""
    planned = state.state in OPEN
    if planned or state.at is None:
        at = planned_moment(row, state.offset, now, state.deferred_until)
    else:
        at = state.at
    why = state.why
    if state.state == StepState.DEFERRED.value and step is not None:
        why = f"{step.why} (deferred: {state.why})"
    return TimelineLine(
        at=at,
        planned=planned,
        source="step",
        kind=state.kind,
        step=state.name,
        state=state.state,
        title=step_words(step) if step is not None else state.kind,
        why=why,
    )


def step_words(step: Step) -> str:
    """What a step does, in words."""
    match step:
        case Send():
            attached = f", with {step.attach} attached" if step.attach else ""
            return f"{step.channel.value.replace('_', '-')} to {AUDIENCES[step.to]}{attached}"
        case Assign():
            return "make sure a CSM owns the customer"
        case Task():
            return f"task for {AUDIENCES[step.to]}"
        case Document():
            return "write a document"
        case Escalate():
            return f"escalate to {AUDIENCES[step.audience]}"
        case Offer():
            return f"offer: {', '.join(option.kind.words for option in step.options)}"


def _deliveries(session: Session, row: Intervention) -> dict[str, list[DeliveryLine]]:
    found = session.exec(
        select(Delivery).where(Delivery.intervention_id == row.id).order_by(col(Delivery.planned_at))
    ).all()
    by_step: dict[str, list[DeliveryLine]] = {}
    for one, line in zip(found, delivery_lines(session, found), strict=True):
        by_step.setdefault(one.step, []).append(line)
    return by_step


def delivery_lines(session: Session, rows: Sequence[Delivery]) -> list[DeliveryLine]:
    """The messages of these rows of the send ledger, in their order."""
    query = select(OutboxMessage.key, OutboxMessage.id).where(
        col(OutboxMessage.key).in_([one.key for one in rows])
    )
    kept = dict(session.exec(query).all()) if rows else {}
    return [
        DeliveryLine(
            **one.model_dump(include=set(DeliveryLine.model_fields)),
            recipient=one.recipient_name,
            message=kept.get(one.key) or (one.provider_id if one.provider == "in_app" else None),
        )
        for one in rows
    ]


def _tasks(session: Session, row: Intervention) -> dict[str, list[StepTask]]:
    found = session.exec(
        select(TaskRow).where(TaskRow.intervention_id == row.id).order_by(col(TaskRow.created_at))
    ).all()
    by_step: dict[str, list[StepTask]] = {}
    for task, line in zip(found, task_lines(session, found), strict=True):
        by_step.setdefault(task.step, []).append(line)
    return by_step


def task_lines(session: Session, rows: Sequence[TaskRow]) -> list[StepTask]:
    """The tasks of these rows, in their order."""
    owners = staff_names(session, [one for task in rows for one in (task.owner_id, task.for_id)])
    return [
        StepTask(
            **task.model_dump(include=set(StepTask.model_fields)),
            owner=owners.get(task.owner_id or "", ""),
            meant_for=owners.get(task.for_id or "", ""),
        )
        for task in rows
    ]


def _loose_tasks(
    session: Session, row: Intervention, tasks: dict[str, list[StepTask]]
) -> list[tuple[StepTask, datetime]]:
    """Tasks that belong to no step, such as the review at the end, with the moment they were made."""
    query = select(TaskRow.id, TaskRow.created_at).where(
        TaskRow.intervention_id == row.id, TaskRow.step == ""
    )
    made = dict(session.exec(query).all())
    return [(task, made[task.id]) for task in tasks.get("", ())]


def _task_line(task: StepTask, at: datetime) -> TimelineLine:
    return TimelineLine(
        at=at,
        planned=False,
        source="task",
        kind=f"task.{task.kind}",
        state=task.state,
        title=task.title,
        why=task.note,
        tasks=(task,),
    )


def _events(session: Session, row: Intervention) -> list[TimelineLine]:
    """The journal's lines, less those that only say what another line says."""
    query = (
        select(Event)
        .where(Event.intervention_id == row.id)
        .order_by(col(Event.at), col(Event.recorded_at), col(Event.id))
    )
    return [
        TimelineLine(
            at=event.at,
            planned=False,
            source="event",
            kind=event.kind,
            step=str(event.data.get("step", "")),
            by=event.by,
            title=event.text,
            why=event.why,
        )
        for event in session.exec(query)
        if not _told_elsewhere(event)
    ]


def _told_elsewhere(event: Event) -> bool:
    """Whether another line says the same: that of a step, or that it began."""
    if event.kind in STARTED:
        return True
    of_step = event.kind in OUTCOMES_OF_STEPS or event.kind.startswith(("step.", "task."))
    return of_step and bool(event.data.get("step"))


def lines_ahead(
    session: Session,
    row: Intervention,
    playbook: Playbook,
    steps: Sequence[InterventionStep],
    now: datetime,
) -> list[TimelineLine]:
    """What lies ahead besides the steps: the end of the pause, and the end of the intervention."""
    if row.outcome is not None:
        return []
    ends = _answered_end(session, row, steps, now) if row.responded_at else _silent_end(row, playbook, now)
    if not row.paused or row.paused_until is None:
        return [ends]
    return [_plan(row.paused_until, "resume", "the pause ends", row.pause_reason), ends]


def _silent_end(row: Intervention, playbook: Playbook, now: datetime) -> TimelineLine:
    """Nobody has answered so far: it waits until its playbook closes."""
    return _plan(
        planned_moment(row, playbook.closes_at, now),
        "close",
        "ends, if nobody has answered and the level has not changed",
        f"{playbook.label} waits no longer for an answer",
    )


def _answered_end(
    session: Session, row: Intervention, steps: Sequence[InterventionStep], now: datetime
) -> TimelineLine:
    """The customer has answered: it ends with the last step that is still to come, or at once."""
    query = select(OfferRow).where(
        OfferRow.intervention_id == row.id, OfferRow.state == OfferState.ACCEPTED.value
    )
    offer = session.exec(query).first()
    outcome, why = Outcome.RESPONDED, "The customer has answered"
    if offer is not None:
        terms = Terms.model_validate(offer.terms)
        outcome = Outcome.CONVERTED if terms.kind is OfferKind.UPGRADE else Outcome.ACCEPTED
        why = f"The customer has accepted: {terms.words}"
    coming = [
        planned_moment(row, step.offset, now, step.deferred_until) for step in steps if step.state in OPEN
    ]
    when = "when what was promised is done" if coming else "now: nothing is left to do"
    return _plan(max([now, *coming]), "close", f"ends as {outcome.value}, {when}", why)


def _plan(at: datetime, kind: str, title: str, why: str) -> TimelineLine:
    return TimelineLine(
        at=at, planned=True, source="plan", kind=kind, state=StepState.PLANNED.value, title=title, why=why
    )
