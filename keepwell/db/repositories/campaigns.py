"""What campaigns are started from: open opportunities, upgrades of customers, expansions that are held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, or_, select, update
from sqlmodel import Session

from keepwell.contracts.campaigns import LastCampaign, OpenOpportunity, UpgradeSeen, WaitingCustomer
from keepwell.contracts.intervention import RECOVERED, Outcome
from keepwell.db.engine import Store
from keepwell.db.repositories.directory import NOT_REACHED
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.modes import all_off
from keepwell.db.repositories.wording import money
from scoring.levels import Level
from scoring.signal import Signal, Urgency

PAGE = 1_000
"""Customers read at once."""

GROWN = 0.1
"""Growth of the monthly revenue, as a share, that shows an upgrade also where the plan's name stays."""


class OpportunityRepository:
    """Implements the port `Opportunities`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def waiting(self, organisation: str, after: str = "") -> tuple[WaitingCustomer, ...]:
        """The next customers with open opportunities, in the order of their ids; empty at the end."""
        rows = table("opportunity").c
        query = (
            select(rows.customer_id)
            .where(rows.organisation_id == organisation, rows.state == "open", rows.customer_id > after)
            .distinct()
            .order_by(rows.customer_id)
            .limit(PAGE)
        )
        with self._store.read() as session:
            return waiting_customers(session, query)

    def waiting_of(self, customer: str) -> WaitingCustomer | None:
        """One customer, None where it has no open opportunity."""
        rows = table("opportunity").c
        query = select(rows.customer_id).where(rows.customer_id == customer, rows.state == "open").distinct()
        with self._store.read() as session:
            return next(iter(waiting_customers(session, query)), None)

    def give_reasons(self, reasons: Mapping[str, str]) -> None:
        """Write why opportunities, by their ids, have no campaign yet; not for one claimed meanwhile."""
        if not reasons:
            return
        rows = table("opportunity")
        change = update(rows).where(rows.c.id == bindparam("which"), rows.c.state == "open")
        values = [{"which": one, "why": why} for one, why in sorted(reasons.items())]
        with self._store.write() as session:
            session.connection().execute(change.values(reason=bindparam("why")), values)

    def upgraded(self, organisation: str) -> tuple[UpgradeSeen, ...]:
        """Customers of running campaigns who have upgraded since."""
        rows, customer = table("opportunity").c, table("customer").c
        query = (
            select(*_OPPORTUNITY, *_CUSTOMER)
            .join_from(table("opportunity"), table("customer"), customer.id == rows.customer_id)
            .where(rows.organisation_id == organisation, rows.state == "running")
            .where(or_(customer.plan != rows.plan, customer.monthly_revenue > rows.monthly_revenue))
            .order_by(rows.customer_id, rows.id)
        )
        with self._store.read() as session:
            found = session.connection().execute(query).all()
        return tuple(
            UpgradeSeen(
                organisation=row.organisation_id,
                customer=row.customer_id,
                opportunity=row.id,
                intervention=row.intervention_id,
                plan=row.plan_now,
                note=note,
            )
            for row in found
            if row.intervention_id and (note := _upgrade(row))
        )

    def held(self, organisation: str, customer: str | None = None) -> tuple[str, ...]:
        """Customers whose expansion is held though nothing holds it any more; all of them, or this one."""
        held, risk, health = table("intervention"), table("intervention").alias("risk"), table("health").c
        query = (
            select(held.c.customer_id)
            .join_from(held, table("health"), health.customer_id == held.c.customer_id)
            .where(held.c.organisation_id == organisation, held.c.family == "expansion")
            .where(held.c.outcome.is_(None), held.c.held_why != "")
            .where(health.level.in_([level.value for level in RECOVERED]))
            .where(
                ~select(risk.c.id)
                .where(risk.c.customer_id == held.c.customer_id, risk.c.family == "risk")
                .where(risk.c.outcome.is_(None))
                .exists()
            )
            .order_by(held.c.customer_id)
        )
        if customer is not None:
            query = query.where(held.c.customer_id == customer)
        with self._store.read() as session:
            return tuple(session.connection().execute(query).scalars())


_O, _C, _H = table("opportunity").c, table("customer").c, table("health").c
_OPPORTUNITY: Sequence[ColumnElement[Any]] = (
    _O.id,
    _O.organisation_id,
    _O.customer_id,
    _O.signal,
    _O.urgency,
    _O.value,
    _O.currency,
    _O.words,
    _O.reason,
    _O.plan,
    _O.monthly_revenue,
    _O.detected_at,
    _O.intervention_id,
)
_CUSTOMER: Sequence[ColumnElement[Any]] = (
    _C.name.label("customer_name"),
    _C.active,
    _C.plan.label("plan_now"),
    _C.monthly_revenue.label("revenue_now"),
)


def waiting_customers(
    session: Session, customers: Select[str], which: ColumnElement[bool] = _O.state == "open"
) -> tuple[WaitingCustomer, ...]:
    """The customers of a query of ids with their opportunities: the open ones, or others of these."""
    connection = session.connection()
    chosen = connection.execute(customers).scalars().all()
    if not chosen:
        return ()
    query: Select[Any] = (
        select(*_OPPORTUNITY, *_CUSTOMER, _H.level, _H.score)
        .join_from(table("opportunity"), table("customer"), _C.id == _O.customer_id)
        .outerjoin(table("health"), _H.customer_id == _O.customer_id)
        .where(_O.customer_id.in_(chosen), which)
    )
    by_customer: dict[str, list[Row[Any]]] = {customer: [] for customer in chosen}
    for row in connection.execute(query):
        by_customer[row.customer_id].append(row)
    running = _running(session, chosen)
    ended, last = _ended(session, chosen), last_campaigns(session, chosen)
    owners = {rows[0].organisation_id for rows in by_customer.values() if rows}
    off = {organisation: all_off(session, organisation) for organisation in owners}
    return tuple(
        _customer(rows, running.get(customer, {}), ended.get(customer, {}), last.get(customer), off)
        for customer, rows in by_customer.items()
        if rows
    )


def _customer(
    rows: Sequence[Row[Any]],
    running: Mapping[str, str],
    ended: dict[str, datetime],
    last: LastCampaign | None,
    off: Mapping[str, dict[str, str]],
) -> WaitingCustomer:
    one = rows[0]
    return WaitingCustomer(
        organisation=one.organisation_id,
        customer=one.customer_id,
        customer_name=one.customer_name,
        active=one.active,
        level=Level(one.level) if one.level else None,
        score=one.score,
        risk=running.get("risk", ""),
        expansion=running.get("expansion", ""),
        event=running.get("event", ""),
        ended=ended,
        last=last,
        off=off[one.organisation_id],
        opportunities=tuple(sorted((_opportunity(row) for row in rows), key=_best_first)),
    )


def _opportunity(row: Row[Any]) -> OpenOpportunity:
    return OpenOpportunity(
        id=row.id,
        signal=Signal(row.signal),
        urgency=Urgency(row.urgency),
        value=row.value,
        currency=row.currency,
        words=row.words,
        at=row.detected_at,
        reason=row.reason,
        upgraded=_upgrade(row),
    )


def _best_first(one: OpenOpportunity) -> tuple[int, float, datetime, str]:
    return one.urgency.rank, -(one.value or 0.0), one.at, one.id


def _upgrade(row: Row[Any]) -> str:
    """What shows that the customer has upgraded since the opportunity's plan and revenue were noted.

    Another plan for less money is no upgrade, and one that was unknown before says nothing.
    """
    was, now = row.monthly_revenue, row.revenue_now
    known = was is not None and now is not None
    if row.plan and row.plan_now and row.plan_now != row.plan and not (known and now < was):
        return f"the plan is {row.plan_now}, it was {row.plan}"
    # Rounded, or 110 would be less than 100 and a tenth.
    if known and was > 0 and round(now / was - 1.0, 9) >= GROWN:
        return f"monthly revenue grew from {money(was, row.currency)} to {money(now, row.currency)}"
    return ""


def _running(session: Session, customers: Iterable[str]) -> dict[str, dict[str, str]]:
    """The open playbooks by customer and family."""
    rows = table("intervention").c
    query = (
        select(rows.customer_id, rows.family, rows.playbook, rows.version)
        .where(rows.customer_id.in_(list(customers)), rows.outcome.is_(None))
        .order_by(rows.id)
    )
    found: dict[str, dict[str, str]] = {}
    for row in session.connection().execute(query):
        found.setdefault(row.customer_id, {})[row.family] = f"{row.playbook}@{row.version}"
    return found


def _ended(session: Session, customers: Iterable[str]) -> dict[str, dict[str, datetime]]:
    """When expansion playbooks ended last, by customer and name; take-overs and failures do not count."""
    rows = table("intervention").c
    query = (
        select(rows.customer_id, rows.playbook, func.max(rows.ended_at).label("last"))
        .where(rows.customer_id.in_(list(customers)), rows.family == "expansion")
        .where(rows.outcome.not_in([Outcome.SUPERSEDED.value, Outcome.FAILED.value]))
        .where(rows.ended_at.is_not(None))
        .group_by(rows.customer_id, rows.playbook)
    )
    found: dict[str, dict[str, datetime]] = {}
    for row in session.connection().execute(query):
        found.setdefault(row.customer_id, {})[row.playbook] = row.last
    return found


def last_campaigns(session: Session, customers: Iterable[str]) -> dict[str, LastCampaign]:
    """Of each customer the campaign that ended last; one that nobody has heard of does not count.

    Heard of is one with a message that may have reached a contact, or that led to an upgrade.
    """
    rows, delivery = table("intervention").c, table("delivery").c
    sent = (
        select(delivery.key)
        .where(delivery.intervention_id == rows.id, delivery.recipient_kind == "contact")
        .where(delivery.state.not_in([state.value for state in NOT_REACHED]))
        .exists()
    )
    query = (
        select(rows.customer_id, rows.playbook, rows.ended_at)
        .where(rows.customer_id.in_(list(customers)), rows.family == "expansion")
        .where(rows.ended_at.is_not(None), or_(sent, rows.outcome == Outcome.CONVERTED.value))
        .order_by(rows.ended_at)
    )
    return {
        row.customer_id: LastCampaign(playbook=row.playbook, ended=row.ended_at)
        for row in session.connection().execute(query)
    }
