"""What keeps messages back now, to be shown: stops, hours, days, caps, and what waits for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import DeliveryState
from keepwell.db.repositories.caps import COUNTED
from keepwell.db.repositories.closed_days import closed_days
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.switches import thrown
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Customer, Delivery, Intervention, Organisation

DAY = timedelta(days=1)


class StopLine(Frozen):
    """A stop in force. `subject` is a playbook's name or a customer's; empty for everything."""

    scope: str
    subject: str
    reason: str
    thrown_by: str
    thrown_at: datetime


class DayLine(Frozen):
    """A day that was entered: closed, or open."""

    day: date
    name: str
    open: bool


class SendingView(Frozen):
    """`sent` counts messages to contacts in 24 hours, `waiting` what is put off, by what it waits for."""

    stops: tuple[StopLine, ...]
    quiet_from: str
    quiet_until: str
    business_days: str
    country: str
    subdivision: str
    daily_cap: int | None
    customer_cap_day: int | None
    customer_cap_week: int | None
    sent: int
    waiting: dict[str, int]
    days: tuple[DayLine, ...]


def sending(session: Session, organisation: str, now: datetime) -> SendingView:
    """What keeps an organisation's messages back now. Days entered: today's and later ones."""
    row = found(session, Organisation, organisation, "organisation")
    today = local_day(now, row.time_zone)
    fields = SendingView.model_fields.keys() & Organisation.model_fields.keys()
    return SendingView(
        **row.model_dump(include=set(fields)),
        stops=tuple(
            StopLine(
                scope=one.scope,
                subject=session.get_one(Customer, one.subject).name
                if one.scope == "customer"
                else one.subject,
                reason=one.reason,
                thrown_by=one.thrown_by,
                thrown_at=one.thrown_at,
            )
            for one in thrown(session, organisation)
        ),
        sent=_sent(session, organisation, now - DAY),
        waiting=_waiting(session, organisation),
        days=tuple(
            DayLine(day=one.day, name=one.name, open=one.open)
            for one in closed_days(session, organisation, today)
        ),
    )


def _sent(session: Session, organisation: str, since: datetime) -> int:
    query = (
        select(func.count())
        .select_from(Delivery)
        .where(
            Delivery.organisation_id == organisation,
            Delivery.recipient_kind == "contact",
            col(Delivery.state).in_(COUNTED),
            col(Delivery.begun_at) > since,
        )
    )
    return session.exec(query).one()


def _waiting(session: Session, organisation: str) -> dict[str, int]:
    query = (
        select(Delivery.waits_for, func.count())
        .join(Intervention, col(Intervention.id) == Delivery.intervention_id)
        .where(
            Delivery.organisation_id == organisation,
            Delivery.state == DeliveryState.DEFERRED,
            col(Intervention.outcome).is_(None),
        )
        .group_by(Delivery.waits_for)
    )
    return dict(session.exec(query.order_by(Delivery.waits_for)).all())
