"""Read model of the send ledger: each message that was to go to somebody, and where it stands."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.pages import Page, down, page_of
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Delivery, Intervention


class DeliveryRow(Frozen):
    """A message to one recipient through one channel. `reason` says why it is not sent, or not known.

    `deferred_until` and `waits_for` are of one that is put off; empty and None for all others.
    """

    key: str
    state: DeliveryState
    reason: str
    channel: str
    customer_id: str
    customer: str
    intervention: str
    playbook: str
    step: str
    recipient: str
    recipient_kind: str
    address: str
    subject: str
    attempts: int
    provider: str
    provider_id: str
    planned_at: datetime
    deferred_until: datetime | None
    waits_for: str
    accepted_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    updated_at: datetime


class DeliveryFilter(Frozen):
    """Which deliveries a list holds; what is not said narrows nothing. `playbook` is a name."""

    state: DeliveryState | None = None
    channel: Channel | None = None
    customer: str | None = None
    intervention: str | None = None
    playbook: str = ""


def delivery_page(
    session: Session,
    organisation: str,
    wanted: DeliveryFilter,
    *,
    cursor: str = "",
    limit: int | None = None,
) -> Page[DeliveryRow]:
    """The messages that were planned last come first. Raises InputError for a cursor of another list."""
    query = select(Delivery).where(Delivery.organisation_id == organisation)
    for column, value in (
        (Delivery.state, wanted.state),
        (Delivery.channel, wanted.channel),
        (Delivery.customer_id, wanted.customer),
        (Delivery.intervention_id, wanted.intervention),
    ):
        if value is not None:
            query = query.where(col(column) == str(value))
    if wanted.playbook:
        runs = select(Intervention.id).where(
            Intervention.organisation_id == organisation,
            Intervention.playbook == wanted.playbook.partition("@")[0],
        )
        query = query.where(col(Delivery.intervention_id).in_(runs))
    keys = (down(col(Delivery.planned_at), datetime), down(col(Delivery.key), str))
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    customers = customer_names(session, [row.customer_id for row in rows])
    named = select(Intervention.id, Intervention.playbook, Intervention.version).where(
        col(Intervention.id).in_({row.intervention_id for row in rows})
    )
    labels = {key: f"{name}@{version}" for key, name, version in session.exec(named).all()} if rows else {}
    lines = tuple(
        DeliveryRow(
            **row.model_dump(include=set(DeliveryRow.model_fields)),
            customer=customers[row.customer_id].name,
            intervention=row.intervention_id,
            playbook=labels[row.intervention_id],
            recipient=row.recipient_name,
        )
        for row in rows
    )
    return Page(items=lines, next=following)
