"""Caps on messages to contacts: is there room for one more, and who goes first.

Counted are messages that went out or are under way, in the last 24 hours or 7 days of the run's own clock,
by the moment their last attempt began. Of those that wait, a higher playbook's message goes first: the room
that it would find when its moment comes is not taken from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_
from sqlmodel import Session, col, func, select

from keepwell.contracts.delivery import DeliveryState, GoAt, WaitsFor
from keepwell.contracts.intervention import StepState
from keepwell.db.tables import Customer, Delivery, Intervention, InterventionStep, Organisation
from keepwell.gate.priority import EVENT, EXPANSION, RISK, rank

COUNTED = (
    DeliveryState.SENDING,
    DeliveryState.UNKNOWN,
    DeliveryState.ACCEPTED,
    DeliveryState.DELIVERED,
    DeliveryState.BOUNCED,
)
"""States of a message that has gone out or may have."""

WAITING = (WaitsFor.ROOM.value, WaitsFor.HOURS.value)

LAPSES = timedelta(hours=1)
"""So long after its moment a message that has not come back keeps no room any more: its run may be down."""

ASK_AGAIN = timedelta(minutes=5)
"""When one that waits behind another looks again, at the earliest."""

_ranked = case(
    *(
        (and_(col(Intervention.family) == "risk", col(Intervention.level) == level), number)
        for level, number in RISK.items()
    ),
    (col(Intervention.family) == "risk", max(RISK.values())),
    (col(Intervention.family) == "event", EVENT),
    else_=EXPANSION,
)
"""`rank` in SQL."""


@dataclass(frozen=True)
class Cap:
    """At most `limit` messages within `window`, to whom `scope` (a column of the ledger) says."""

    limit: int
    window: timedelta
    scope: ColumnElement[bool]
    words: str

    @property
    def span(self) -> str:
        """The window in words."""
        return "24 hours" if self.window == timedelta(days=1) else "7 days"


def no_room(session: Session, row: Delivery, now: datetime, *, lock: bool = False) -> GoAt | None:
    """When a contact's message may ask again, and why; None where there is room for it.

    `lock`: nobody else of the organisation takes room until the transaction ends. Messages to staff always
    have room.
    """
    if row.recipient_kind != "contact":
        return None
    organisation = session.get_one(Organisation, row.organisation_id)
    found: list[GoAt] = []
    for cap in _caps(session, organisation, row):
        if lock and not found:
            # Without the key, which others' rows refer to. SQLite has one writer at a time anyway.
            query = select(Organisation.id).where(Organisation.id == organisation.id)
            session.exec(query.with_for_update(key_share=True)).one()
            lock = False
        waits = _full(session, cap, row, now) or _behind(session, cap, row, now)
        if waits is not None:
            found.append(waits)
    return max(found, key=lambda one: one.at) if found else None


def _caps(session: Session, organisation: Organisation, row: Delivery) -> Iterator[Cap]:
    theirs = col(Delivery.customer_id) == row.customer_id
    for limit, days in ((organisation.customer_cap_day, 1), (organisation.customer_cap_week, 7)):
        if limit is not None:
            name = session.get_one(Customer, row.customer_id).name
            yield Cap(limit, timedelta(days=days), theirs, f"{name} has had")
    if organisation.daily_cap is not None:
        ours = col(Delivery.organisation_id) == organisation.id
        yield Cap(organisation.daily_cap, timedelta(days=1), ours, f"{organisation.name} has sent")


def _counted(cap: Cap, row: Delivery, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        cap.scope,
        col(Delivery.recipient_kind) == "contact",
        col(Delivery.state).in_(COUNTED),
        col(Delivery.begun_at) > now - cap.window,
        col(Delivery.key) != row.key,
    )


def _full(session: Session, cap: Cap, row: Delivery, now: datetime) -> GoAt | None:
    """Until when the cap is reached: the moment when enough of what is counted is old enough."""
    if cap.limit < 1:
        return GoAt(at=now + cap.window, reason=f"{cap.words} its 0 messages", waits_for=WaitsFor.ROOM)
    newest = select(Delivery.begun_at).where(*_counted(cap, row, now))
    last = session.exec(newest.order_by(col(Delivery.begun_at).desc()).offset(cap.limit - 1)).first()
    if last is None:
        return None
    reason = f"{cap.words} {cap.limit} of {cap.limit} messages within {cap.span}"
    return GoAt(at=last + cap.window, reason=reason, waits_for=WaitsFor.ROOM)


def _behind(session: Session, cap: Cap, row: Delivery, now: datetime) -> GoAt | None:
    """Whether those that go first need the room that is left."""
    used = session.exec(select(func.count()).select_from(Delivery).where(*_counted(cap, row, now))).one()
    ahead = session.exec(_ahead(session, cap, row, now).limit(cap.limit - used)).all()
    if len(ahead) < cap.limit - used:
        return None
    first, playbook = min(ahead)
    at = max(first + timedelta(minutes=1), now + ASK_AGAIN)
    reason = f"{cap.words} {used} of {cap.limit} messages within {cap.span}; waits behind {playbook}"
    return GoAt(at=at, reason=reason, waits_for=WaitsFor.ROOM)


def _ahead(session: Session, cap: Cap, row: Delivery, now: datetime) -> Any:
    """Messages that wait and go before this one, with their moments and playbooks.

    Higher ones whose moment comes before the room that this one takes would be free again; of the same rank
    those that wait for room too and were there first.
    """
    own = session.get_one(Intervention, row.intervention_id)
    mine = rank(own.family, own.level)
    before = or_(
        col(Delivery.planned_at) < row.planned_at,
        and_(col(Delivery.planned_at) == row.planned_at, col(Delivery.key) < row.key),
    )
    same = and_(_ranked == mine, col(Delivery.waits_for) == WaitsFor.ROOM.value, before)
    step = and_(
        col(InterventionStep.intervention_id) == Delivery.intervention_id,
        col(InterventionStep.name) == Delivery.step,
    )
    return (
        select(Delivery.deferred_until, Intervention.playbook)
        .join(Intervention, col(Intervention.id) == Delivery.intervention_id)
        .join(InterventionStep, step)
        .where(
            cap.scope,
            Delivery.state == DeliveryState.DEFERRED,
            Delivery.recipient_kind == "contact",
            col(Delivery.waits_for).in_(WAITING),
            col(Delivery.deferred_until).between(now - LAPSES, now + cap.window),
            Delivery.key != row.key,
            col(Intervention.outcome).is_(None),
            col(Intervention.paused).is_(False),
            Intervention.held_why == "",
            col(InterventionStep.state).in_((StepState.PLANNED, StepState.DEFERRED)),
            or_(_ranked < mine, same),
        )
        .order_by(_ranked, col(Delivery.planned_at), col(Delivery.key))
    )
