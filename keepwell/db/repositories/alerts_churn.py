"""Alerts that follow from churn predictions."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from keepwell.contracts.alerts import LIVE_ALERTS, MonitorCall
from keepwell.db.repositories.alert_rules import Rules
from keepwell.db.repositories.alerts import (
    close_alert,
    customers_of,
    live_alerts,
    lock_customers,
    raise_alerts,
)
from keepwell.db.tables import Alert, ChurnPrediction
from scoring import triggers
from scoring.signal import Trigger
from scoring.triggers import Finding

FIRST = timedelta(days=2)
"""How old a prediction may be that the first pass looks at."""

LATE = timedelta(hours=2)
"""A prediction is dated when its run began, and stored when its block was done."""

Newest = dict[str, tuple[float, datetime]]
"""The newest probability (0 to 1) by customer, with its moment."""


def predictions_since(session: Session, call: MonitorCall, since: datetime | None) -> Newest:
    """Of the predictions stored since the last pass, the newest ones that may raise or close an alert."""
    alive = select(Alert.customer_id).where(
        col(Alert.organisation_id) == call.organisation,
        col(Alert.state).in_(LIVE_ALERTS),
        Alert.trigger == Trigger.CHURN_RISK,
    )
    begin = call.as_of - FIRST if since is None else since - LATE
    query = (
        select(ChurnPrediction.customer_id, ChurnPrediction.probability, ChurnPrediction.at)
        .where(ChurnPrediction.organisation_id == call.organisation)
        .where(col(ChurnPrediction.at).between(begin, call.as_of))
        .where(
            or_(
                col(ChurnPrediction.probability) > triggers.CHURN_ABOVE / 100,
                col(ChurnPrediction.customer_id).in_(alive),
            )
        )
        .order_by(col(ChurnPrediction.at))
    )
    return {customer: (probability, at) for customer, probability, at in session.exec(query).all()}


def judge_predictions(session: Session, call: MonitorCall, rules: Rules, newest: Newest) -> Counter[str]:
    """Raise and close alerts by predictions; counts of raised and closed."""
    lock_customers(session, newest)
    live = live_alerts(session, newest, (Trigger.CHURN_RISK,))
    customers = customers_of(session, newest)
    counts, new = Counter[str](), list[tuple[str, Finding, str]]()
    for customer, (probability, at) in newest.items():
        percent = probability * 100
        alert = live.get((customer, Trigger.CHURN_RISK.value, ""))
        if alert is not None:
            why = triggers.churn_risk_over(percent)
            if why and at > alert.raised_at - LATE:
                close_alert(session, alert, why, call.as_of)
                counts["closed"] += 1
            continue
        found = triggers.churn_risk(percent)
        if found and rules.wants(Trigger.CHURN_RISK) and customers[customer].active:
            new.append((customer, found, at.isoformat()))
    counts["raised"] = raise_alerts(session, call.organisation, new, call.as_of)
    return counts
