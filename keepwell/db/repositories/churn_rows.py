"""What the store knows of customers up to a moment, for churn models: nothing undated, nothing later.

Plan, revenue and segment are left out on purpose: the store holds them as they are today, and of a
customer who has left, that is what leaving made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scores_read import Latest, latest_values
from keepwell.db.tables import Customer

COUNTED = timedelta(days=30)
"""Events are counted over this time."""

LAST_EVENT = {"login": "days_since_last_login"}
EVENTS_COUNTED = {
    "ticket_opened": "support_tickets_30_days",
    "api_call": "api_usage_count",
    "mobile_session": "mobile_app_sessions",
    "dashboard_view": "dashboard_views",
    "work_order_completed": "work_orders_completed",
}
"""Which kinds of engagement events stand for which feature, where no metric says it."""


@dataclass(frozen=True, slots=True)
class CustomerDates:
    """A customer with the days that matter here."""

    id: str
    external_id: str
    name: str
    active: bool
    started_on: date | None
    left_on: date | None


def customer_dates(session: Session, organisation: str) -> tuple[CustomerDates, ...]:
    """Every customer of an organisation, also those who left, in the order of their ids."""
    query = (
        select(
            col(Customer.id),
            col(Customer.external_id),
            col(Customer.name),
            col(Customer.active),
            col(Customer.started_on),
            col(Customer.left_on),
        )
        .where(col(Customer.organisation_id) == organisation)
        .order_by(col(Customer.id))
    )
    return tuple(CustomerDates(*row) for row in session.connection().execute(query))


def measured_until(session: Session, organisation: str, names: Sequence[str], as_of: datetime) -> Latest:
    """The last values measured at or before a moment, of every customer in the order of their ids."""
    customer = table("customer")
    ids = select(customer.c.id).where(customer.c.organisation_id == organisation).order_by(customer.c.id)
    return latest_values(session, ids, names, as_of)


def first_measured(session: Session, organisation: str, names: Sequence[str]) -> datetime | None:
    """When the first of these metrics was measured of anybody; None where none ever was."""
    metric, customer = table("metric"), table("customer")
    query = (
        select(func.min(metric.c.measured_at))
        .join(customer, customer.c.id == metric.c.customer_id)
        .where(customer.c.organisation_id == organisation, metric.c.name.in_(names))
    )
    found: datetime | None = session.connection().execute(query).scalar()
    return found


def events_until(session: Session, organisation: str, as_of: datetime) -> dict[str, dict[str, float]]:
    """By feature and customer, what engagement events say as of a moment.

    A feature is there only if somebody had such an event within `COUNTED`: an organisation that sends no
    such events knows nothing of them, and that is not none.
    """
    event = table("engagement_event")
    where = (event.c.organisation_id == organisation, event.c.at <= as_of)
    found: dict[str, dict[str, float]] = {}
    newest = (
        select(event.c.kind, event.c.customer_id, func.max(event.c.at))
        .where(*where, event.c.kind.in_(LAST_EVENT))
        .group_by(event.c.kind, event.c.customer_id)
    )
    for kind, customer, at in session.connection().execute(newest):
        found.setdefault(LAST_EVENT[kind], {})[customer] = (as_of - at) / timedelta(days=1)
    counted = (
        select(event.c.kind, event.c.customer_id, func.count())
        .where(*where, event.c.kind.in_(EVENTS_COUNTED), event.c.at > as_of - COUNTED)
        .group_by(event.c.kind, event.c.customer_id)
    )
    for kind, customer, count in session.connection().execute(counted):
        found.setdefault(EVENTS_COUNTED[kind], {})[customer] = float(count)
    return found
