"""A button that acknowledges the alerts of a notice: kept first, done when it is known who pressed it.

No run has to hear of the alerts themselves. One whose playbook runs passes it on to that run, so that
nobody escalates what somebody has in hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import AlertState
from keepwell.contracts.commands import Acknowledge
from keepwell.db.repositories import pending
from keepwell.db.repositories.alerts import take_in_hand
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import Alert, Intervention, Notice, PendingCommand, Staff


def keep_taking(
    session: Session, notice: str, *, key: str, source: str, by: str, now: datetime, back: dict[str, Any]
) -> bool:
    """Keep that somebody wants the alerts of a message; False where no alert was told with that key."""
    alerts = alerts_told(session, notice)
    if not alerts:
        return False
    values = {
        **pending.kept(key, source, by, now, back),
        "organisation_id": alerts[0].organisation_id,
        "customer_id": alerts[0].customer_id,
        "intervention_id": None,
        "command": {"kind": "acknowledge", "id": key, "notice": notice},
        "state": "asking",
    }
    insert_if_absent(session, "pending_command", values)
    return True


def take(session: Session, row: PendingCommand, person: Staff, now: datetime) -> None:
    """Do it, once: those alerts that are open are in this person's hand, and so are their playbooks."""
    taken = 0
    for alert in alerts_of(session, row):
        session.refresh(alert, with_for_update=True)
        if alert.state != AlertState.OPEN:
            continue
        take_in_hand(session, alert, person.name, now)
        taken += 1
        _pass_on(session, row, alert, person, now)
    row.state, row.by, row.told_at = "told", person.name, now
    row.command = {**row.command, "by": person.name, "taken": taken}
    session.add(row)


def alerts_of(session: Session, row: PendingCommand) -> Sequence[Alert]:
    """The alerts that a button was about; none where it was about an intervention."""
    notice = str(row.command.get("notice", "")) if row.intervention_id is None else ""
    return alerts_told(session, notice, row.organisation_id) if notice else ()


def alerts_told(session: Session, notice: str, organisation: str = "") -> Sequence[Alert]:
    """The alerts of a message, in the order in which rows are locked; of one organisation only, if named."""
    query = select(Alert).join(Notice, col(Notice.alert_id) == col(Alert.id)).where(Notice.message == notice)
    if organisation:
        query = query.where(Alert.organisation_id == organisation)
    return session.exec(query.order_by(col(Alert.customer_id), col(Alert.id))).all()


def _pass_on(session: Session, row: PendingCommand, alert: Alert, person: Staff, now: datetime) -> None:
    run = session.get(Intervention, alert.intervention_id) if alert.intervention_id else None
    if run is None or run.outcome is not None or run.acknowledged_by:
        return
    key = f"{row.id}/{run.id}"
    command = Acknowledge(id=key, intervention=run.id, by=person.name[:200])
    pending.put(session, run, key=key, source=row.source, by=person.name, command=command, now=now)
