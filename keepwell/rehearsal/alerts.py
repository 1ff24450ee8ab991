"""The alert that a rehearsed event playbook begins with: the customer's own, or one that is assumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import LIVE_ALERTS, Trigger
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import load_rules
from keepwell.db.repositories.alerts import close_alert, raise_alert
from keepwell.db.tables import Alert, Customer, Health, Metric
from keepwell.keys import new_id
from scoring import triggers
from scoring.scorecard import Scorecard
from scoring.triggers import Finding
from scoring.units import Unit

USUAL_USAGE = 40.0
"""What usage fell from, where the customer has no figure of its own."""
FALL = 0.45
"""What is left of it after the assumed fall."""
ANY_FEATURE, ANY_TASK = "a core feature", "a task"


def own_alert(session: Session, customer: str, wanted: tuple[Trigger, ...]) -> Alert | None:
    """The customer's newest alert of these triggers that is not closed and that nobody has decided upon."""
    query = (
        select(Alert)
        .where(Alert.customer_id == customer, col(Alert.state).in_(LIVE_ALERTS))
        .where(col(Alert.trigger).in_([one.value for one in wanted]), col(Alert.decision).is_(None))
        .order_by(col(Alert.raised_at).desc(), col(Alert.id).desc())
    )
    return session.exec(query.limit(1)).first()


def assume(session: Session, customer: str, trigger: Trigger, card: Scorecard, now: datetime) -> Alert:
    """Raise an alert of this trigger in a scratch store, with the customer's own figures where it can be."""
    row = session.get_one(Customer, customer)
    found = raise_alert(session, row, _finding(session, row, trigger, card, now), new_id(), now)
    session.flush()
    return session.get_one(Alert, found)


def close_alerts(store: Store, customer: str, why: str, now: datetime) -> None:
    """Close all alerts of a customer that event playbooks began with."""
    query = select(Alert).where(Alert.customer_id == customer, col(Alert.state).in_(LIVE_ALERTS))
    with store.write() as session:
        for row in session.exec(query.where(Alert.decision == "started")).all():
            close_alert(session, row, why, now)


def _finding(
    session: Session, customer: Customer, trigger: Trigger, card: Scorecard, now: datetime
) -> Finding:
    health = session.get(Health, customer.id)
    score = health.score if health is not None and health.score is not None else 0.0
    findings: dict[Trigger, Callable[[], Finding | None]] = {
        Trigger.CRITICAL_HEALTH: lambda: triggers.fell_below(
            triggers.CRITICAL_BELOW, min(score, triggers.CRITICAL_BELOW - 0.1)
        ),
        Trigger.USAGE_FALL: lambda: _usage(session, customer, card, now),
        Trigger.BILLING_FAILURE: lambda: triggers.payment_failed(_payment(customer)),
        Trigger.FEATURE_UNUSED: lambda: triggers.unused(
            ANY_FEATURE, triggers.UNUSED_DAYS, triggers.CORE_DAYS
        ),
        Trigger.INACTIVITY: lambda: triggers.silence(triggers.INACTIVE_HOURS),
        Trigger.ZERO_ACTIVITY: lambda: triggers.silence(triggers.ZERO_HOURS),
        Trigger.TASK_STALLED: lambda: triggers.stalled(ANY_TASK, triggers.STALLED_HOURS),
    }
    found = findings[trigger]()
    assert found is not None  # noqa: S101  (the figures are those of the borders)
    return found


def _usage(session: Session, customer: Customer, card: Scorecard, now: datetime) -> Finding | None:
    name = load_rules(session, customer.organisation_id).usage_of(card)
    query = (
        select(Metric.value)
        .where(col(Metric.customer_id) == customer.id, col(Metric.name) == name)
        .where(col(Metric.measured_at) <= now)
        .order_by(col(Metric.measured_at).desc())
    )
    before = session.exec(query.limit(1)).first() or 0.0
    before = before if before >= triggers.USAGE_LEAST else USUAL_USAGE
    metric = card.metric(name) if name else None
    unit = " %" if metric is not None and metric.unit is Unit.PERCENT else ""
    title = metric.title.lower() if metric is not None else "usage"
    return triggers.usage_fell(round(before, 1), round(before * FALL, 1), title, unit)


def _payment(customer: Customer) -> dict[str, object]:
    """A month's price, where it is known."""
    if not customer.monthly_revenue:
        return {}
    currency = {"currency": customer.currency} if customer.currency else {}
    amount = round(customer.monthly_revenue, 2)
    return {"amount": int(amount) if amount.is_integer() else amount, **currency}
