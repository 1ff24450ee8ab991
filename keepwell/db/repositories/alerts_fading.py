"""Alerts that are over by themselves: no event will end them, yet they say nothing any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, select

from keepwell.contracts.alerts import LIVE_ALERTS, MonitorCall
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import Rules
from keepwell.db.repositories.alerts import close_alert, customers_of, lock_customers
from keepwell.db.repositories.apart import Apart
from keepwell.db.repositories.engagement import failed_at
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.scorecards import scorecard_in_force
from keepwell.db.tables import Alert, Customer, Intervention, Organisation
from scoring import triggers
from scoring.signal import Trigger

PAGE = 500
"""Customers in one transaction."""

MEMORY = timedelta(days=triggers.MEMORY_DAYS)
_DAYS = f"{triggers.MEMORY_DAYS:.0f} days"
FADING = {
    Trigger.BILLING_FAILURE: f"the payment failed {_DAYS} ago; this is no news any more",
    Trigger.TASK_STALLED: f"nothing has happened to the task for {_DAYS} since: it counts as given up",
    Trigger.FEATURE_UNUSED: f"the feature was not used for {_DAYS} since: this is no news any more",
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an alert must be about to be still of use; None where that was not asked."""

    call: MonitorCall
    core_features: frozenset[str]
    categories: Collection[str] | None

    def why_over(self, row: Alert, *, active: bool) -> str:
        """Why an alert is over, or empty."""
        if not active:
            return "the customer is not active any more"
        if row.trigger == Trigger.CATEGORY_THRESHOLD:
            gone = self.categories is not None and row.subject not in self.categories
            return "the scorecard in use has no such category any more" if gone else ""
        if row.trigger == Trigger.FEATURE_UNUSED and self._is_not_core(row.subject):
            return "it is no core feature any more"
        if row.trigger not in FADING:
            return ""
        # What failed again since it was raised is news still.
        began = failed_at(row) if row.trigger == Trigger.BILLING_FAILURE else row.raised_at
        return FADING[Trigger(row.trigger)] if began < self.call.as_of - MEMORY else ""

    def _is_not_core(self, feature: str) -> bool:
        return bool(self.core_features) and feature not in self.core_features


def close_faded(store: Store, call: MonitorCall, rules: Rules, apart: Apart) -> int:
    """Close what is over by itself, page by page; how many alerts.

    While its playbook runs, an alert does not fade: a playbook that was paused must not end by that.
    """
    wanted = _Wanted(call, rules.core_features, None)
    with apart.part("categories of alerts"):
        wanted = _Wanted(call, rules.core_features, _categories(store, call))
    with store.read() as session:
        candidates = _candidates(session, wanted)

    def close(session: Session, customers: Sequence[str]) -> Counter[str]:
        lock_customers(session, customers)
        ids = [alert for customer in customers for alert in candidates[customer]]
        query = select(Alert).where(col(Alert.id).in_(ids), col(Alert.state).in_(LIVE_ALERTS))
        of, counts = customers_of(session, customers), Counter[str]()
        for row in session.exec(query.order_by(col(Alert.id))).all():
            if why := wanted.why_over(row, active=of[row.customer_id].active):
                close_alert(session, row, why, call.as_of)
                counts["closed"] += 1
        return counts

    closed, customers = 0, sorted(candidates)
    for start in range(0, len(customers), PAGE):
        closed += apart.each("alerts that are over", customers[start : start + PAGE], close)["closed"]
    return closed


def _candidates(session: Session, wanted: _Wanted) -> dict[str, list[str]]:
    """Ids of alerts that may be over, by customer; each is judged again under its customer's lock."""
    alive = (col(Alert.organisation_id) == wanted.call.organisation, col(Alert.state).in_(LIVE_ALERTS))
    running = exists().where(col(Intervention.alert_id) == col(Alert.id), col(Intervention.outcome).is_(None))
    trigger = col(Alert.trigger)
    conditions: list[tuple[ColumnElement[bool], ...]] = [
        (
            trigger.in_([one.value for one in FADING]),
            col(Alert.raised_at) < wanted.call.as_of - MEMORY,
            ~running,
        )
    ]
    if wanted.core_features:
        named = col(Alert.subject).not_in(wanted.core_features)
        conditions.append((trigger == Trigger.FEATURE_UNUSED.value, named))
    if wanted.categories is not None:
        named = col(Alert.subject).not_in(wanted.categories)
        conditions.append((trigger == Trigger.CATEGORY_THRESHOLD.value, named))
    rows = list(
        session.exec(
            select(Alert.customer_id, Alert.id).join(Customer).where(*alive, col(Customer.active).is_(False))
        ).all()
    )
    for condition in conditions:
        rows += session.exec(select(Alert.customer_id, Alert.id).where(*alive, *condition)).all()
    found_rows: dict[str, list[str]] = {}
    for customer, alert in rows:
        found_rows.setdefault(customer, []).append(alert)
    return found_rows


def _categories(store: Store, call: MonitorCall) -> tuple[str, ...] | None:
    """The categories of the scorecard in use; None where no alert is about a category."""
    with store.read() as session:
        query = select(Alert.id).where(
            Alert.organisation_id == call.organisation,
            Alert.trigger == Trigger.CATEGORY_THRESHOLD,
            col(Alert.state).in_(LIVE_ALERTS),
        )
        if session.exec(query.limit(1)).first() is None:
            return None
    # Written, because a built-in scorecard is stored on its first use in each of its versions.
    with store.write() as session:
        organisation = found(session, Organisation, call.organisation, "organisation")
        return scorecard_in_force(session, organisation, None, call.as_of)[1].category_names
