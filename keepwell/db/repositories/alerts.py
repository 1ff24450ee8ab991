"""Alerts in the store: raised once per occurrence, made graver, acknowledged by people, closed by facts.

Whoever raises or closes holds the customer's lock (`lock_customers`): at most one alert of a trigger and
subject is live at a time, and it is the one of the occurrence that goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import compress
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import LIVE_ALERTS, AlertState
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.bulk import put_mapped_in
from keepwell.db.repositories.lookup import found, insert_if_absent, table
from keepwell.db.repositories.manners import DaysOff
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Alert, Customer, Organisation
from keepwell.due import due_at
from keepwell.errors import RefusedError
from keepwell.keys import new_id, new_ids
from scoring.signal import Trigger
from scoring.triggers import Finding

WITHOUT_PLAYBOOK = frozenset(
    {Trigger.SCORE_DROP, Trigger.CHURN_RISK, Trigger.CATEGORY_THRESHOLD, Trigger.DEADLINE_MISSED}
)
NO_PLAYBOOK = "No playbook goes with this alert; it is for the owner to judge"

AT_ONCE = 1_000
"""Ids in one statement."""


def lock_customers(session: Session, customers: Collection[str]) -> None:
    """Keep others from raising or closing alerts of these customers until the transaction ends.

    In the order of their ids, like the scoring. SQLite's write transactions exclude each other anyway.
    """
    connection = session.connection()
    if not customers or connection.dialect.name == "sqlite":
        return
    customer = table("customer")
    query = select(customer.c.id).where(customer.c.id.in_(customers)).order_by(customer.c.id)
    connection.execute(query.with_for_update(key_share=True)).all()


def live_alerts(
    session: Session, customers: Collection[str], triggers: Collection[Trigger]
) -> dict[tuple[str, str, str], Alert]:
    """Alerts that are not closed, by customer, trigger and subject."""
    if not customers:
        return {}
    query = select(Alert).where(
        col(Alert.customer_id).in_(customers),
        col(Alert.state).in_(LIVE_ALERTS),
        col(Alert.trigger).in_([one.value for one in triggers]),
    )
    return {(row.customer_id, row.trigger, row.subject): row for row in session.exec(query).all()}


def raise_alert(
    session: Session, customer: Customer, finding: Finding, occurrence: str, now: datetime
) -> str:
    """Raise an alert unless this occurrence was raised before; its id, or empty where it was."""
    due = _due(session, customer, finding.trigger, now)
    row = _new_row(customer.organisation_id, customer.id, finding, occurrence, now, due, new_id())
    if not insert_if_absent(session, "alert", row):
        return ""
    journal.put(session, _raised(row, finding, now, new_id()))
    return str(row["id"])


def raise_alerts(
    session: Session,
    organisation: str,
    found: Sequence[tuple[str, Finding, str]],
    now: datetime,
) -> int:
    """`raise_alert` for many (customer, finding, occurrence), by a few statements; how many are new."""
    own = session.get_one(Organisation, organisation)
    home, off = first_zone(own.time_zone), DaysOff(session, own)
    closed = off.ours()
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    # Of one moment, and in the order of what was found.
    ids = iter(sorted(new_ids(2 * len(found))))
    for start in range(0, len(found), AT_ONCE):
        block = found[start : start + AT_ONCE]
        customer = table("customer").c
        known = select(customer.id, customer.time_zone, customer.country, customer.subdivision)
        query = known.where(customer.id.in_({one for one, _, _ in block}))
        places = {row.id: row for row in session.connection().execute(query).all()}
        for one, finding, occurrence in block:
            place = places[one]
            due = due_at(
                finding.trigger,
                now,
                customer_zone=first_zone(place.time_zone, home),
                organisation_zone=home,
                customer_closed=off.at(place),
                closed=closed,
            )
            rows.append(_new_row(organisation, one, finding, occurrence, now, due, next(ids)))
            lines.append(_raised(rows[-1], finding, now, next(ids)))
    # Under the customers' lock nobody else raises the same occurrence meanwhile.
    there = _there(session, organisation, [row["key"] for row in rows])
    new = [row["key"] not in there for row in rows]
    put_mapped_in(session, "alert", list(compress(rows, new)))
    journal.put_new(session, list(compress(lines, new)))
    return sum(new)


def _there(session: Session, organisation: str, keys: Sequence[str]) -> set[str]:
    alert, there = table("alert").c, set[str]()
    for start in range(0, len(keys), AT_ONCE):
        query = select(alert.key).where(
            alert.organisation_id == organisation, alert.key.in_(keys[start : start + AT_ONCE])
        )
        there.update(session.connection().execute(query).scalars())
    return there


def _new_row(
    organisation: str,
    customer: str,
    finding: Finding,
    occurrence: str,
    now: datetime,
    due: datetime,
    identity: str,
) -> dict[str, Any]:
    without = finding.trigger in WITHOUT_PLAYBOOK
    return {
        "id": identity,
        "organisation_id": organisation,
        "customer_id": customer,
        "key": f"{finding.trigger.value}/{customer}/{occurrence}"[:240],
        "trigger": finding.trigger.value,
        "subject": finding.subject,
        "severity": finding.severity.value,
        "words": finding.words,
        "evidence": dict(finding.evidence),
        "raised_at": now,
        "due_at": due,
        "state": AlertState.OPEN.value,
        "acknowledged_by": "",
        "closed_why": "",
        "decision": "none" if without else None,
        "reason": NO_PLAYBOOK if without else "",
        "decided_at": now if without else None,
        "tries": 0,
    }


def escalate_alert(session: Session, row: Alert, finding: Finding, now: datetime) -> None:
    """Let an alert become the graver one that its cause has grown into; who has it in hand keeps it."""
    another = row.trigger != finding.trigger.value
    row.trigger, row.severity = finding.trigger.value, finding.severity.value
    row.words, row.evidence, row.escalated_at = finding.words, dict(finding.evidence), now
    row.retry_at = None
    if row.decision == "refused" or another:
        # Another playbook goes with it, or what was too little reason for this one may be enough now.
        undecide(row)
        row.due_at = _due(session, session.get_one(Customer, row.customer_id), finding.trigger, now)
    session.add(row)
    _note(session, row, "escalated", f"Alert: {finding.words}", now, why=_kind(finding))


def undecide(row: Alert) -> None:
    """Let an alert be decided upon anew, by the next pass of the monitor."""
    row.decision, row.reason, row.decided_at, row.retry_at = None, "", None, None


def close_alert(session: Session, row: Alert, why: str, now: datetime) -> None:
    """Close an alert whose cause is gone."""
    row.state, row.closed_at, row.closed_why = AlertState.CLOSED.value, now, why
    session.add(row)
    _note(session, row, "closed", f"Alert closed: {row.words}", now, why=why)


def acknowledge_alert(store: Store, alert: str, by: str, now: datetime) -> Alert:
    """A person has the alert in hand; who says so again, or later, changes nothing.

    Raises NotFoundError for no such alert, RefusedError where its cause is gone already.
    """
    with store.write() as session:
        row = found(session, Alert, alert, "alert")
        session.refresh(row, with_for_update=True)
        if row.state == AlertState.CLOSED:
            raise RefusedError(
                f"The alert was closed at {row.closed_at:%Y-%m-%d %H:%M} UTC: {row.closed_why}.",
                hint="There is nothing left to take in hand.",
            )
        take_in_hand(session, row, by, now)
        return row


def take_in_hand(session: Session, row: Alert, by: str, now: datetime) -> None:
    """Acknowledge an open alert, whose row is locked; one that is acknowledged or closed stays as it is."""
    if row.state == AlertState.OPEN:
        row.state, row.acknowledged_at, row.acknowledged_by = AlertState.ACKNOWLEDGED.value, now, by
        session.add(row)
        _note(session, row, "acknowledged", f"Alert acknowledged: {row.words}", now, by=by)


def customers_of(session: Session, ids: Collection[str]) -> Mapping[str, Customer]:
    """The rows of customers by id."""
    rows = session.exec(select(Customer).where(col(Customer.id).in_(ids))).all()
    return {row.id: row for row in rows}


def _due(session: Session, customer: Customer, trigger: Trigger, now: datetime) -> datetime:
    own = session.get_one(Organisation, customer.organisation_id)
    home = first_zone(own.time_zone)
    theirs = first_zone(customer.time_zone, home)
    off = DaysOff(session, own)
    return due_at(
        trigger,
        now,
        customer_zone=theirs,
        organisation_zone=home,
        customer_closed=off.at(customer),
        closed=off.ours(),
    )


def _kind(finding: Finding) -> str:
    return f"{finding.trigger.value}, {finding.severity.value}"


def _note(
    session: Session, row: Alert, what: str, text: str, now: datetime, *, why: str = "", by: str = ""
) -> None:
    # An alert may be made graver more than once, in the trigger it becomes or by its severity.
    grown = f"/{row.trigger}/{row.severity}" if what == "escalated" else ""
    journal.write(
        session,
        key=f"alert/{row.id}/{what}{grown}",
        organisation=row.organisation_id,
        customer=row.customer_id,
        kind=f"alert.{what}",
        text=text,
        why=why,
        by=by or journal.ENGINE,
        at=now,
        data={"alert": row.id, "trigger": row.trigger, "severity": row.severity},
    )


def _raised(row: Mapping[str, Any], finding: Finding, now: datetime, identity: str) -> dict[str, Any]:
    """The journal's line of a new alert."""
    return journal.line(
        key=f"alert/{row['id']}/raised",
        organisation=row["organisation_id"],
        customer=row["customer_id"],
        kind="alert.raised",
        text=f"Alert: {finding.words}",
        why=_kind(finding),
        at=now,
        data={"alert": row["id"], "trigger": row["trigger"], "severity": row["severity"]},
        identity=identity,
    )
