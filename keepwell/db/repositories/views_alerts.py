"""Read models of alerts: what is noticed now, and how soon people take alerts in hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from keepwell.contracts.alerts import LIVE_ALERTS, AlertState
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.pages import down, page_of, up
from keepwell.db.repositories.views import by_part, customer_names, staff_names
from keepwell.db.tables import Alert, Customer
from scoring.signal import Severity, Trigger

STATES = tuple(state.value for state in AlertState)
SHORTEST_PART = 4
"""Fewer letters of an id would fit by accident."""
_NOT_SHOWN = {"organisation_id", "key", "decision", "intervention_id", "decided_at", "tries", "retry_at"}


class AlertLine(Frozen):
    """An alert; `decision` is what its playbook made of it, empty until it is decided, and `reason` why.

    Before it is decided, `reason` says why the hand-over has failed, and is empty where it has not.
    `to_acknowledge` is how long it took until somebody had it in hand. `overdue` counts while it is open.
    """

    id: str
    customer_id: str
    customer: str
    owner: str
    trigger: str
    subject: str
    severity: str
    words: str
    evidence: dict[str, Any]
    raised_at: datetime
    due_at: datetime
    overdue: bool
    escalated_at: datetime | None
    state: str
    acknowledged_at: datetime | None
    acknowledged_by: str
    to_acknowledge: timedelta | None
    closed_at: datetime | None
    closed_why: str
    decision: str
    reason: str
    intervention: str | None


class Alerts(Frozen):
    """The first alerts, and how many there are in all; `next` is the cursor behind them, None at the end."""

    alerts: tuple[AlertLine, ...]
    total: int
    next: str | None = None


class TriggerLine(Frozen):
    """The alerts of one trigger: how many, and the median time until somebody had one in hand."""

    trigger: str
    raised: int
    open: int
    acknowledged: int
    closed: int
    taken_in_hand: int
    median_to_acknowledge: timedelta | None


def alerts(
    session: Session,
    organisation: str,
    now: datetime,
    *,
    states: Collection[str] = LIVE_ALERTS,
    trigger: str | None = None,
    severity: str | None = None,
    customer: str | None = None,
    owner: str | None = None,
    ids: Collection[str] | None = None,
    cursor: str = "",
    limit: int | None = None,
) -> Alerts:
    """Alerts in these states: the open ones first, then the gravest, then the newest.

    `owner` is who looks after the customer now. Raises InputError for a cursor of another list.
    """
    query = select(Alert).where(Alert.organisation_id == organisation, col(Alert.state).in_(states))
    for column, wanted in (
        (Alert.trigger, trigger),
        (Alert.severity, severity),
        (Alert.customer_id, customer),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if owner is not None:
        theirs = select(Customer.id).where(Customer.owner_id == owner)
        query = query.where(col(Alert.customer_id).in_(theirs))
    if ids is not None:
        query = query.where(col(Alert.id).in_(ids))
    total = session.connection().execute(func.count().select().select_from(query.subquery())).scalar_one()
    keys = (
        up(case({state: at for at, state in enumerate(STATES)}, value=col(Alert.state), else_=9), int),
        up(case({one.value: one.rank for one in Severity}, value=col(Alert.severity), else_=9), int),
        down(col(Alert.raised_at), datetime),
        down(col(Alert.id), str),
    )
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    return Alerts(alerts=_lines(session, rows, now), total=total, next=following)


def _lines(session: Session, rows: Sequence[Alert], now: datetime) -> tuple[AlertLine, ...]:
    customers = {row.customer_id for row in rows}
    names = customer_names(session, customers)
    owner_of = dict(
        session.exec(select(Customer.id, Customer.owner_id).where(col(Customer.id).in_(customers))).all()
    )
    owners = staff_names(session, owner_of.values())
    return tuple(
        AlertLine(
            **row.model_dump(exclude=_NOT_SHOWN),
            customer=names[row.customer_id].name,
            owner=owners.get(owner_of.get(row.customer_id) or "", ""),
            overdue=row.state == AlertState.OPEN and row.due_at < now,
            to_acknowledge=_whole((row.acknowledged_at - row.raised_at).total_seconds())
            if row.acknowledged_at
            else None,
            decision=row.decision or "",
            intervention=row.intervention_id,
        )
        for row in rows
    )


def alert_summary(session: Session, organisation: str, since: datetime) -> tuple[TriggerLine, ...]:
    """The alerts raised since a moment, by trigger; triggers without an alert are left out."""
    query = select(Alert.trigger, Alert.state, Alert.raised_at, Alert.acknowledged_at).where(
        Alert.organisation_id == organisation, col(Alert.raised_at) >= since
    )
    found: dict[str, list[tuple[str, datetime, datetime | None]]] = {}
    for trigger, state, raised_at, acknowledged_at in session.exec(query).all():
        found.setdefault(trigger, []).append((state, raised_at, acknowledged_at))
    lines = []
    for trigger in (one.value for one in Trigger):
        rows = found.get(trigger, [])
        taken = [(at - raised).total_seconds() for _, raised, at in rows if at is not None]
        states = [state for state, _, _ in rows]
        if rows:
            lines.append(
                TriggerLine(
                    trigger=trigger,
                    raised=len(rows),
                    open=states.count(AlertState.OPEN.value),
                    acknowledged=states.count(AlertState.ACKNOWLEDGED.value),
                    closed=states.count(AlertState.CLOSED.value),
                    taken_in_hand=len(taken),
                    median_to_acknowledge=_whole(median(taken)) if taken else None,
                )
            )
    return tuple(lines)


def _whole(seconds: float) -> timedelta:
    """Whole seconds: a duration in JSON has no fractions (RFC 3339)."""
    return timedelta(seconds=round(seconds))


def own_alert(session: Session, organisation: str, alert: str) -> str:
    """The id of the organisation's alert of exactly that id. Raises NotFoundError."""
    return own(session, Alert, organisation, alert, "alert").id


def find_alert(session: Session, organisation: str, text: str) -> str:
    """Our id of the alert meant by its id, or the beginning or end of it.

    Raises NotFoundError for none, InputError for several.
    """
    ours = select(Alert.id).where(Alert.organisation_id == organisation)
    return by_part(session, ours, Alert.id, text, "alert", "keepwell alerts --state all")
