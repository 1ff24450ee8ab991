"""Alerts that wait to be handed over to their playbooks, and those whose hand-over has failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, and_, case, col, or_, select

from keepwell.contracts.alerts import LIVE_ALERTS, AlertSeverity, MonitorCall
from keepwell.db.repositories import journal
from keepwell.db.tables import Alert, Intervention

PAGE = 1_000
"""Alerts in one page of what is handed over."""

FIRST_RETRY = timedelta(minutes=2)
LONGEST_RETRY = timedelta(minutes=15)
"""After a failure an alert rests, twice as long each time: the next pass takes those behind it first."""

GRAVITY = case({one.value: one.rank for one in AlertSeverity}, value=col(Alert.severity))
GRAVEST_FIRST = (GRAVITY, col(Alert.due_at), col(Alert.id))
"""The order in which alerts are handed over: the gravest, and of those the first due."""


def undecided(session: Session, call: MonitorCall, limit: int, after: str = "") -> tuple[str, ...]:
    """Ids of alerts that nobody has decided upon and that do not rest now, after the one with that id."""
    query = (
        select(Alert.id)
        .where(Alert.organisation_id == call.organisation, col(Alert.decision).is_(None))
        .where(or_(col(Alert.retry_at).is_(None), col(Alert.retry_at) <= call.as_of))
        .order_by(*GRAVEST_FIRST)
    )
    last = session.get(Alert, after) if after else None
    if last is not None:
        rank = AlertSeverity(last.severity).rank
        later = or_(
            col(Alert.due_at) > last.due_at,
            and_(col(Alert.due_at) == last.due_at, col(Alert.id) > last.id),
        )
        query = query.where(or_(rank < GRAVITY, and_(rank == GRAVITY, later)))
    return tuple(session.exec(query.limit(limit)).all())


def undecided_of(session: Session, customer: str) -> tuple[str, ...]:
    """The same of one customer, those that rest too: somebody has asked for it."""
    query = select(Alert.id).where(Alert.customer_id == customer, col(Alert.decision).is_(None))
    return tuple(session.exec(query.order_by(*GRAVEST_FIRST)).all())


def put_off(session: Session, failed: Mapping[str, str], now: datetime) -> None:
    """Let alerts rest whose hand-over has failed (id: why), and say so: in the alert and in the journal."""
    query = select(Alert).where(col(Alert.id).in_(failed), col(Alert.decision).is_(None))
    for row in session.exec(query.order_by(col(Alert.id)).with_for_update()).all():
        row.tries += 1
        rest = min(FIRST_RETRY * 2 ** min(row.tries - 1, 10), LONGEST_RETRY)
        row.retry_at = now + rest
        times = "once" if row.tries == 1 else f"{row.tries:,} times"
        row.reason = f"The hand-over has failed {times}, last with {failed[row.id]}"
        session.add(row)
        journal.write(
            session,
            # Once for the alert in each of its triggers, not with each try.
            key=f"alert/{row.id}/{row.trigger}/not_handed_over",
            organisation=row.organisation_id,
            customer=row.customer_id,
            kind="alert.not_handed_over",
            text=f"{row.words}: its playbook could not be started; this is tried again",
            why=failed[row.id],
            at=now,
            data={"alert": row.id, "trigger": row.trigger, "severity": row.severity},
        )


def is_one_over(session: Session, organisation: str) -> bool:
    """Whether an event playbook goes on though the cause of its alert is gone."""
    query = (
        select(Intervention.id)
        .join(Alert, col(Alert.id) == col(Intervention.alert_id))
        .where(Intervention.organisation_id == organisation, Intervention.family == "event")
        .where(col(Intervention.outcome).is_(None), col(Alert.state).not_in(LIVE_ALERTS))
    )
    return session.exec(query.limit(1)).first() is not None
