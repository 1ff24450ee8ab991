"""What needs a person, by kind: how many there are, and those with the nearest deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, and_, case, func, literal, or_, text
from sqlalchemy import select as rows_of
from sqlmodel import Session, col

from keepwell.contracts.alerts import AlertState, Trigger
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.drafts import DraftState
from keepwell.contracts.intervention import StepState
from keepwell.contracts.offers import OfferState
from keepwell.db.repositories.drafts_ending import task_key
from keepwell.db.repositories.views_interventions import OPEN
from keepwell.db.repositories.views_today_lines import NeedKind
from keepwell.db.tables import Alert, Customer, Delivery, Draft, Intervention, InterventionStep, Offer, Task
from keepwell.db.tables.interventions import OPEN_TASK, RUNNING
from keepwell.db.tables.messages import ON_HOLD
from keepwell.db.tables.opportunities import UNDECIDED

APPROVAL, REPLY, FALLBACK = "approval", "reply", "fallback"
"""Kinds of tasks that have a kind of their own here, or may have."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Of whom: a member of staff and those for whom they stand in; `unowned` is what nobody owns."""

    staff: str
    covers: tuple[str, ...]
    unowned: bool

    def has(self, owner: Any) -> ColumnElement[bool]:
        """Whether a column of owners names one of them."""
        own: ColumnElement[bool] = owner.in_((self.staff, *self.covers))
        return or_(own, owner.is_(None)) if self.unowned else own


@dataclass(frozen=True, slots=True)
class Open:
    """Something that is open: `ref` names its row, `owner` has it now."""

    kind: NeedKind
    ref: str
    customer: str
    intervention: str | None
    step: str
    owner: str | None
    due_at: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """What is open of a kind: how many, how many of them overdue, and the first of them."""

    total: int
    overdue: int
    first: tuple[Open, ...]


def open_of(
    session: Session,
    organisation: str,
    now: datetime,
    until: datetime,
    kind: NeedKind,
    whose: Whose | None,
    limit: int,
) -> Part:
    """What is open of a kind; of escalations those that may come before `until`.

    An escalation has the moment that was planned when its playbook began: a pause since then makes it later,
    and who tells it says when.
    """
    query, due = _query(organisation, now, until, kind, whose)
    connection = session.connection()
    rows = connection.execute(query.order_by(due, query.selected_columns.ref).limit(limit))
    first = tuple(Open(kind, *row) for row in rows)
    total, overdue = len(first), sum(one.due_at is not None and one.due_at < now for one in first)
    if total == limit:
        # Only where there may be more are all of them counted: it reads everything once again.
        all_of_it = query.subquery()
        late = func.coalesce(func.sum(case((all_of_it.c.due_at < now, 1), else_=0)), 0)
        total, overdue = connection.execute(rows_of(func.count(), late).select_from(all_of_it)).one()
    return Part(total, 0 if kind is NeedKind.ESCALATION else overdue, first)


def _query(
    organisation: str, now: datetime, until: datetime, kind: NeedKind, whose: Whose | None
) -> tuple[Select[Any], Any]:
    """Reference, customer, intervention, step, owner, deadline and beginning of what is open, by deadline."""
    match kind:
        case NeedKind.TASK:
            own = [col(Task.kind).not_in((APPROVAL, REPLY)), ~_of_unknown()]
            return _tasks(organisation, now, own, whose)
        case NeedKind.REPLY:
            return _tasks(organisation, now, [col(Task.kind) == REPLY], whose)
        case NeedKind.DRAFT:
            return _drafts(organisation, whose)
        case NeedKind.ALERT:
            return _alerts(organisation, whose)
        case NeedKind.DELIVERY:
            return _deliveries(organisation, whose)
        case NeedKind.OFFER:
            return _offers(organisation, whose)
        case NeedKind.ESCALATION:
            return _escalations(organisation, until, whose)


def _of(table: str, where: TextClause) -> TextClause:
    """What an index says of the rows it holds, in its own words: a parameter for a value would not fit it."""
    return text(f"{table}.{where.text}")


def _columns(
    ref: Any, row: Any, owner: Any, due: Any, since: Any, *, intervention: Any, step: Any
) -> Select[Any]:
    return rows_of(
        ref.label("ref"),
        col(row.customer_id),
        intervention,
        step,
        owner,
        due.label("due_at"),
        since.label("since"),
    )


def _tasks(
    organisation: str, now: datetime, own: Sequence[ColumnElement[bool]], whose: Whose | None
) -> tuple[Select[Any], Any]:
    due, snoozed = col(Task.due_at), col(Task.snoozed_until)
    query = _columns(
        col(Task.id),
        Task,
        col(Task.owner_id),
        due,
        col(Task.created_at),
        intervention=col(Task.intervention_id),
        step=col(Task.step),
    ).where(
        col(Task.organisation_id) == organisation,
        _of("task", OPEN_TASK),
        # What is overdue is told whether it was snoozed or not.
        snoozed.is_(None) | (snoozed <= now) | (due < now),
        *own,
    )
    if whose is not None:
        query = query.where(whose.has(col(Task.owner_id)))
    return query, due


def _of_unknown() -> ColumnElement[bool]:
    """Of a task to do by hand: nobody knows whether its message went out, which is told as such.

    Asked as values and not by EXISTS, which PostgreSQL answers by reading all steps there ever were.
    """
    state = rows_of(col(InterventionStep.state)).where(
        col(InterventionStep.intervention_id) == col(Task.intervention_id),
        col(InterventionStep.name) == col(Task.step),
    )
    outcome = rows_of(col(Intervention.outcome)).where(col(Intervention.id) == col(Task.intervention_id))
    return and_(
        col(Task.kind) == FALLBACK,
        func.coalesce(state.correlate(Task).scalar_subquery(), "") == StepState.HELD.value,
        func.coalesce(outcome.correlate(Task).scalar_subquery(), "") == "",
    )


def _drafts(organisation: str, whose: Whose | None) -> tuple[Select[Any], Any]:
    due, own = col(Draft.decide_by), literal(task_key("")) + col(Draft.id)
    # Who is asked for their word has the task; without it, it is the owner's.
    owner = func.coalesce(col(Task.owner_id), col(Intervention.owner_id))
    query = (
        _columns(
            col(Draft.id),
            Draft,
            owner,
            due,
            col(Draft.created_at),
            intervention=col(Draft.intervention_id),
            step=col(Draft.step),
        )
        .join(Intervention, col(Intervention.id) == col(Draft.intervention_id))
        .join(Task, col(Task.key) == own, isouter=True)
        .where(col(Draft.organisation_id) == organisation, col(Draft.state) == DraftState.WAITING.value)
    )
    return (query if whose is None else query.where(whose.has(owner))), due


def _alerts(organisation: str, whose: Whose | None) -> tuple[Select[Any], Any]:
    due, owner = col(Alert.due_at), col(Customer.owner_id)
    query = (
        _columns(
            col(Alert.id),
            Alert,
            owner,
            due,
            col(Alert.raised_at),
            intervention=col(Alert.intervention_id),
            step=literal(""),
        )
        .join(Customer, col(Customer.id) == col(Alert.customer_id))
        .where(
            col(Alert.organisation_id) == organisation,
            col(Alert.state) == AlertState.OPEN.value,
            # The task whose deadline was missed is there itself, and overdue.
            col(Alert.trigger) != Trigger.DEADLINE_MISSED.value,
        )
    )
    return (query if whose is None else query.where(whose.has(owner))), due


def _deliveries(organisation: str, whose: Whose | None) -> tuple[Select[Any], Any]:
    due, owner = col(Task.due_at), col(Intervention.owner_id)
    query = (
        _columns(
            col(Delivery.key),
            Delivery,
            owner,
            due,
            col(Delivery.updated_at),
            intervention=col(Delivery.intervention_id),
            step=col(Delivery.step),
        )
        .join(Intervention, col(Intervention.id) == col(Delivery.intervention_id))
        .join(
            InterventionStep,
            and_(
                col(InterventionStep.intervention_id) == col(Delivery.intervention_id),
                col(InterventionStep.name) == col(Delivery.step),
            ),
        )
        .join(
            Task,
            and_(
                col(Task.intervention_id) == col(Delivery.intervention_id),
                col(Task.step) == col(Delivery.step),
                col(Task.kind) == FALLBACK,
                col(Task.state) == "open",
            ),
            isouter=True,
        )
        .where(
            col(Delivery.organisation_id) == organisation,
            _of("delivery", ON_HOLD),
            col(Delivery.state) == DeliveryState.UNKNOWN.value,
            col(InterventionStep.state) == StepState.HELD.value,
            col(Intervention.outcome).is_(None),
        )
    )
    return (query if whose is None else query.where(whose.has(owner))), due


def _offers(organisation: str, whose: Whose | None) -> tuple[Select[Any], Any]:
    due, owner = col(Offer.valid_until), col(Intervention.owner_id)
    query = (
        _columns(
            col(Offer.id),
            Offer,
            owner,
            due,
            func.coalesce(col(Offer.seen_at), col(Offer.offered_at)),
            intervention=col(Offer.intervention_id),
            step=col(Offer.step),
        )
        .join(Intervention, col(Intervention.id) == col(Offer.intervention_id))
        .where(
            col(Offer.organisation_id) == organisation,
            _of("offer", UNDECIDED),
            col(Offer.state) == OfferState.SEEN.value,
        )
    )
    return (query if whose is None else query.where(whose.has(owner))), due


def _escalations(organisation: str, until: datetime, whose: Whose | None) -> tuple[Select[Any], Any]:
    own, step = col(Intervention.id), InterventionStep
    coming = (
        col(step.intervention_id) == own,
        col(step.kind) == "escalate",
        col(step.state).in_(OPEN),
        col(step.planned_at) < until,
    )
    due = rows_of(func.min(col(step.planned_at))).where(*coming).correlate(Intervention).scalar_subquery()
    query = _columns(
        own,
        Intervention,
        col(Intervention.owner_id),
        due,
        col(Intervention.started_at),
        intervention=own,
        step=literal(""),
    ).where(
        col(Intervention.organisation_id) == organisation,
        _of("intervention", RUNNING),
        col(Intervention.acknowledged_by) == "",
        col(Intervention.held_why) == "",
        ~col(Intervention.paused) | col(Intervention.paused_until).is_not(None),
        # Asked as a value, too: see `_of_unknown`.
        due.is_not(None),
    )
    return (query if whose is None else query.where(whose.has(col(Intervention.owner_id)))), due
