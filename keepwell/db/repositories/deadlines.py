"""Deadlines that were missed: each is one alert, and the alert is over when the task is.

A pass reads only open tasks that are overdue and have no alert yet, by an index of their own: a hundred
thousand open tasks cost it nothing. The alert's subject is the task's id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, or_, select

from keepwell.contracts.alerts import LIVE_ALERTS, MonitorCall
from keepwell.contracts.intervention import Miss, StepState
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import Rules, load_rules
from keepwell.db.repositories.alerts import close_alert, lock_customers, raise_alert, raise_alerts
from keepwell.db.repositories.apart import Apart
from keepwell.db.repositories.views import staff_names
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Alert, Customer, Intervention, Organisation, Task
from keepwell.moments import minute_words
from scoring.levels import Level
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding

PAGE = 500
"""Tasks whose alerts are raised in one transaction."""


def look_at_deadlines(
    store: Store, call: MonitorCall, rules: Rules, apart: Apart, goes_on: Callable[[], bool]
) -> tuple[Counter[str], bool]:
    """Raise the alerts of tasks that are overdue, and close those that are settled.

    How many were raised and closed, and whether more are left than there was time for.
    """
    counts = Counter[str]()
    counts["closed"] = _close_settled(store, call, apart)
    if not rules.wants(Trigger.DEADLINE_MISSED):
        return counts, False
    after: tuple[datetime, str] | None = None
    while found := _overdue(store, call, after):
        by_customer: dict[str, list[str]] = {}
        for task, customer, _ in found:
            by_customer.setdefault(customer, []).append(task)

        def work(
            session: Session, customers: Sequence[str], of: dict[str, list[str]] = by_customer
        ) -> Counter[str]:
            return Counter(raised=_raise(session, call, customers, of))

        counts.update(apart.each("deadlines", sorted(by_customer), work))
        # Past those that could not be told, too: they must not keep the rest waiting.
        after = (found[-1][2], found[-1][0])
        # Only after something was done: a pass that has no time at all would take turns for ever.
        if len(found) == PAGE and not goes_on():
            return counts, True
    return counts, False


def missed_step(session: Session, miss: Miss, key: str) -> None:
    """A step was not done within its time, or nobody knows whether its message went out: an alert.

    It is over when the task of that key is. The caller holds the customer's lock.
    """
    call = miss.call
    task = session.exec(select(Task).where(Task.key == key)).one()
    row = session.get_one(Intervention, call.intervention)
    if not load_rules(session, call.organisation).wants(Trigger.DEADLINE_MISSED):
        return
    label = f"{row.playbook}@{row.version}"
    evidence: dict[str, float | str] = {"task": task.id, "step": call.step.name, "playbook": label}
    held = miss.state is StepState.HELD
    what = "may or may not have been sent, and is held" if held else "was not done in time"
    words = f"step {call.step.name} of {label} {what}: {miss.reason}"
    finding = Finding(Trigger.DEADLINE_MISSED, severity_of(row), words, evidence, task.id)
    customer = session.get_one(Customer, call.customer)
    task.overdue_alert = raise_alert(session, customer, finding, task.id, call.now) or None
    session.add(task)


def severity_of(row: Intervention | None) -> Severity:
    """How grave a missed deadline is, by what it belongs to: of a campaign it is only worth knowing."""
    if row is None or row.family == "event":
        return Severity.WARNING
    if row.family == "expansion":
        return Severity.INFO
    return Severity.CRITICAL if row.level == Level.CRITICAL else Severity.WARNING


def close_alert_of(session: Session, task: Task, why: str, now: datetime) -> None:
    """Close the alert of a task's deadline at once, where there is one; under the customer's lock."""
    alert = session.get(Alert, task.overdue_alert) if task.overdue_alert else None
    if alert is not None and alert.state in LIVE_ALERTS:
        close_alert(session, alert, why, now)


def _overdue(
    store: Store, call: MonitorCall, after: tuple[datetime, str] | None
) -> list[tuple[str, str, datetime]]:
    """A page of overdue tasks without an alert, the longest overdue first: id, customer, when it was due."""
    query = (
        select(Task.id, Task.customer_id, Task.due_at)
        .where(Task.organisation_id == call.organisation, Task.state == "open")
        .where(col(Task.overdue_alert).is_(None), col(Task.due_at) < call.as_of, ~_stands_still())
    )
    if after is not None:
        at, last = after
        query = query.where(or_(col(Task.due_at) > at, (col(Task.due_at) == at) & (col(Task.id) > last)))
    with store.read() as session:
        return list(session.exec(query.order_by(col(Task.due_at), col(Task.id)).limit(PAGE)).all())


def _stands_still() -> ColumnElement[bool]:
    """Of a task that asks for approval: its playbook is paused or held, and so is the time to decide."""
    return exists().where(
        col(Task.kind) == "approval",
        col(Intervention.id) == col(Task.intervention_id),
        col(Intervention.paused) | (col(Intervention.held_why) != ""),
    )


def _raise(session: Session, call: MonitorCall, customers: Sequence[str], of: dict[str, list[str]]) -> int:
    lock_customers(session, customers)
    ids = [task for customer in customers for task in of[customer]]
    query = (
        select(Task)
        .where(col(Task.id).in_(ids), Task.state == "open", col(Task.overdue_alert).is_(None))
        .where(col(Task.due_at) < call.as_of, ~_stands_still())
        .order_by(col(Task.id))
        .with_for_update()
    )
    rows = session.exec(query).all()
    belongs = {row.intervention_id for row in rows if row.intervention_id}
    runs = {
        one.id: one
        for one in session.exec(select(Intervention).where(col(Intervention.id).in_(belongs))).all()
    }
    names = staff_names(session, [row.owner_id for row in rows])
    zone = first_zone(session.get_one(Organisation, call.organisation).time_zone)
    found = []
    for row in rows:
        run = runs.get(row.intervention_id or "")
        finding = _finding(row, run, names.get(row.owner_id or "", "nobody"), zone)
        found.append((row.customer_id, finding, f"{row.id}/{row.due_at.isoformat()}"))
    raised = raise_alerts(session, call.organisation, found, call.as_of)
    session.flush()
    alerts = select(Alert.subject, Alert.id).where(
        Alert.organisation_id == call.organisation,
        Alert.trigger == Trigger.DEADLINE_MISSED.value,
        col(Alert.customer_id).in_(customers),
        col(Alert.state).in_(LIVE_ALERTS),
        col(Alert.subject).in_(ids),
    )
    of_task = dict(session.exec(alerts).all())
    for row in rows:
        row.overdue_alert = of_task.get(row.id)
        session.add(row)
    return raised


def _finding(row: Task, run: Intervention | None, owner: str, zone: str) -> Finding:
    words = f"“{row.title}” ({owner}) was due {minute_words(row.due_at, zone)} and is not done"
    evidence: dict[str, float | str] = {
        "task": row.id,
        "owner": owner,
        "due": row.due_at.isoformat(timespec="minutes"),
    }
    if run is not None:
        evidence |= {"playbook": f"{run.playbook}@{run.version}", "step": row.step}
    return Finding(Trigger.DEADLINE_MISSED, severity_of(run), words, evidence, row.id)


def _close_settled(store: Store, call: MonitorCall, apart: Apart) -> int:
    """Close the alerts of tasks that are not open any more; how many."""
    query = (
        select(Alert.customer_id, Alert.id)
        .join(Task, col(Task.id) == col(Alert.subject))
        .where(
            Alert.organisation_id == call.organisation,
            Alert.trigger == Trigger.DEADLINE_MISSED.value,
            col(Alert.state).in_(LIVE_ALERTS),
            Task.state != "open",
        )
    )
    with store.read() as session:
        settled = session.exec(query).all()
    of: dict[str, list[str]] = {}
    for customer, alert in settled:
        of.setdefault(customer, []).append(alert)

    def work(session: Session, customers: Sequence[str]) -> Counter[str]:
        lock_customers(session, customers)
        ids = [alert for customer in customers for alert in of[customer]]
        live = select(Alert).where(col(Alert.id).in_(ids), col(Alert.state).in_(LIVE_ALERTS))
        counts = Counter[str]()
        for row in session.exec(live.order_by(col(Alert.id))).all():
            task = session.get_one(Task, row.subject)
            by = f" by {task.closed_by}" if task.closed_by else ""
            close_alert(session, row, f"the task is {task.state}{by}", call.as_of)
            counts["closed"] += 1
        return counts

    closed, customers = 0, sorted(of)
    for start in range(0, len(customers), PAGE):
        closed += apart.each("settled deadlines", customers[start : start + PAGE], work)["closed"]
    return closed
