"""Storing the made-up portfolio: in bulk, in a few short transactions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import column
from sqlalchemy import table as lightweight
from sqlmodel import Session

from keepwell.contracts.people import SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.suppressing import suppress
from keepwell.db.tables.base import UtcDateTime
from keepwell.demo import portfolio as made
from keepwell.demo.figures import moments
from keepwell.demo.names import DEPUTIES, STAFF
from keepwell.demo.portfolio import DemoCustomer, staff_email
from keepwell.keys import new_id
from scoring.scorecard import Scorecard
from scoring.signal import Signal, Urgency

TIME_ZONE = "UTC"
COUNTRY = "US"
CURRENCY = "USD"
BATCH = 25_000
"""Metrics in one transaction: a part of a second."""

GROWN_AT = timedelta(days=55)
"""How long ago the customers that have grown moved up."""

Plain = dict[str, Any]


def load(
    store: Store,
    key: str,
    card: Scorecard,
    customers: Sequence[DemoCustomer],
    anchor: datetime,
    now: datetime,
) -> str:
    """Store an organisation with this key, its staff and these customers; the organisation's id.

    anchor: the moment of the newest figures; those of the other days lie whole days before it.
    """
    # The key is the id too, as everywhere: it stands in workflow ids, which people read.
    organisation = key
    staff = {colleague.key: new_id() for colleague in STAFF}
    ids = {customer.key: new_id() for customer in customers}
    with store.write() as session:
        connection = session.connection()
        connection.execute(table("organisation").insert(), _organisation(organisation, key, now))
        connection.execute(table("staff").insert(), _staff(organisation, staff, now))
        connection.execute(
            table("customer").insert(),
            [_customer(organisation, ids[one.key], staff, one, now) for one in customers],
        )
        connection.execute(
            table("contact").insert(),
            [row for one in customers for row in _contacts(organisation, ids[one.key], one, now)],
        )
        _suppress(session, organisation, customers, now)
        connection.execute(
            table("opportunity").insert(),
            [
                _upgrade(organisation, ids[one.key], one, anchor)
                for one in customers
                if one.story.name == "grown"
            ],
        )
        journal.write(
            session,
            key=f"demo/{organisation}",
            organisation=organisation,
            kind="demo.loaded",
            by="demo",
            text=f"{len(customers)} made-up customers were stored (demo data)",
            at=now,
        )
    _store_metrics(
        store, [row for one in customers for row in _metrics(card, ids[one.key], one)], moments(anchor)
    )
    return organisation


def _suppress(session: Session, organisation: str, customers: Sequence[DemoCustomer], now: datetime) -> None:
    for contact in (who for one in customers for who in one.contacts if who.suppressed):
        reason, _, detail = contact.suppressed.partition(": ")
        why = SuppressionReason(reason)
        suppress(session, organisation, contact.email, why, detail=detail, source="demo", by="demo", now=now)


def _store_metrics(store: Store, rows: list[Plain], days: list[datetime]) -> None:
    """Metrics in bulk. The 90 moments are turned into what the database stores once, not for each row."""
    process = UtcDateTime().bind_processor(store.engine.dialect)
    stored = days if process is None else [process(day) for day in days]
    for row in rows:
        row["measured_at"] = row["received_at"] = stored[row["measured_at"]]
    # A table without types: the values go to the driver as they are.
    statement = lightweight("metric", *(column(name) for name in rows[0])).insert()
    for start in range(0, len(rows), BATCH):
        with store.write() as session:
            session.connection().execute(statement, rows[start : start + BATCH])


def _organisation(identity: str, key: str, now: datetime) -> Plain:
    return {
        "id": identity,
        "key": key,
        "name": made.NAME,
        "product": made.PRODUCT,
        "time_zone": TIME_ZONE,
        "country": COUNTRY,
        "currency": CURRENCY,
        "sender_name": made.NAME,
        "sender_address": f"hello@{made.STAFF_DOMAIN}",
        "postal_address": made.POSTAL_ADDRESS,
        "booking_url": made.BOOKING_URL,
        "app_url": made.APP_URL,
        "consent_required": False,
        "demo": True,
        "created_at": now,
    }


def _staff(organisation: str, ids: dict[str, str], now: datetime) -> list[Plain]:
    """Managers come before those they manage, as the table refers to itself."""
    return [
        {
            "id": ids[one.key],
            "organisation_id": organisation,
            "external_id": one.key,
            "name": one.name,
            "email": staff_email(one.name),
            "role": one.role.value,
            "title": one.title,
            "phone": "",
            "slack": "",
            "time_zone": one.time_zone,
            "manager_id": ids[one.manager] if one.manager else None,
            "deputy": DEPUTIES.get(one.key, ""),
            "active": True,
            "created_at": now,
            "updated_at": now,
        }
        for one in STAFF
    ]


def _customer(
    organisation: str, identity: str, staff: dict[str, str], one: DemoCustomer, now: datetime
) -> Plain:
    return {
        "id": identity,
        "organisation_id": organisation,
        "external_id": one.key,
        "name": one.name,
        "plan": one.plan,
        "industry": one.industry,
        "segment": one.segment,
        "country": one.country,
        "time_zone": one.time_zone,
        "currency": CURRENCY,
        "monthly_revenue": one.monthly_revenue,
        "started_on": one.started_on,
        "renews_on": one.renews_on,
        "owner_id": staff[one.owner] if one.owner else None,
        "active": True,
        "facts": {"seats": str(one.seats), **one.worth.facts},
        "created_at": now,
        "updated_at": now,
    }


def _upgrade(organisation: str, customer: str, one: DemoCustomer, anchor: datetime) -> Plain:
    """What a customer that has grown is remembered for: nearly at its limit, and moved up in time."""
    seen, before = anchor - GROWN_AT, float(round(one.monthly_revenue / made.DEARER, -1))
    return {
        "id": new_id(),
        "organisation_id": organisation,
        "customer_id": customer,
        "signal": Signal.USAGE_LIMIT_APPROACHING.value,
        "urgency": Urgency.HIGH.value,
        "value": (one.monthly_revenue - before) * 12,
        "currency": CURRENCY,
        "action": "PROACTIVE_UPGRADE_OUTREACH",
        "words": "usage was near the plan's limit",
        "evidence": {},
        "state": "converted",
        "reason": "It moved up before the demo began (demo data)",
        "plan": one.plan,
        "monthly_revenue": before,
        "detected_at": seen - timedelta(days=9),
        "seen_at": seen,
        "closed_at": seen,
    }


def _contacts(organisation: str, customer: str, one: DemoCustomer, now: datetime) -> list[Plain]:
    return [
        {
            "id": new_id(),
            "organisation_id": organisation,
            "customer_id": customer,
            "external_id": contact.key,
            "name": contact.name,
            "first_name": contact.first_name,
            "email": contact.email,
            "phone": contact.phone,
            "role": contact.role.value,
            "title": contact.title,
            "time_zone": contact.time_zone,
            "consent": contact.consent.value,
            "consent_at": now if contact.consent.value == "granted" else None,
            "active": True,
            "created_at": now,
            "updated_at": now,
        }
        for contact in one.contacts
    ]


def _metrics(card: Scorecard, customer: str, one: DemoCustomer) -> list[Plain]:
    """Rows whose moments are still the numbers of their days."""
    names = card.metric_names
    values = one.figures.values.tolist()
    today = len(values) - 1
    signals = [
        {
            "customer_id": customer,
            "name": name,
            "measured_at": today - back,
            "value": value,
            "received_at": today - back,
        }
        for name, back, value in one.signals
    ]
    return signals + [
        {
            "customer_id": customer,
            "name": names[column],
            "measured_at": day,
            "value": values[day][column],
            "received_at": day,
        }
        # Metric by metric, in the order of the table's key.
        for column, day in np.argwhere(one.figures.measured.T).tolist()
    ]
