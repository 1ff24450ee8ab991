"""Read models of opportunities: what may grow, and what has become of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.closing import closed_key
from keepwell.db.repositories.pages import down, page_of, up
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Customer, Event, Intervention, Opportunity
from scoring.signal import Urgency
from scoring.signals import MONTHS

STATES = ("open", "running", "baseline", "converted", "lost", "gone")
LIVE = STATES[:3]
"""The states of those that still may become something."""


ENDED = ("converted", "lost")
"""The states of those whose campaign is over."""
BLOCK = 500


class OpportunityLine(Frozen):
    """An opportunity; `value` is what it may bring in a year, None where nobody knows.

    `playbook` and `began_at` are those of its campaign, where one has begun. `revenue_before` is what the
    customer paid a month when it was last seen before that, `revenue_at_close` when the campaign ended,
    `revenue_now` today. `increase` is what a converted one has brought in a year, to be held against `value`:
    12 times what the customer pays more at the close, or where nothing had changed by then, today; None
    where a revenue is unknown, and for all others.
    """

    id: str
    customer_id: str
    customer: str
    signal: str
    urgency: str
    value: float | None
    currency: str
    action: str
    words: str
    evidence: dict[str, Any]
    state: str
    reason: str
    detected_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    intervention: str | None
    playbook: str
    began_at: datetime | None
    revenue_before: float | None
    revenue_at_close: float | None
    revenue_now: float | None
    increase: float | None


class Opportunities(Frozen):
    """The first opportunities, and how many there are in all; `next` is the cursor behind them."""

    opportunities: tuple[OpportunityLine, ...]
    total: int
    next: str | None = None


def opportunities(
    session: Session,
    organisation: str,
    *,
    states: Collection[str] = LIVE,
    ids: Collection[str] | None = None,
    signal: str | None = None,
    customer: str | None = None,
    cursor: str = "",
    limit: int | None = None,
) -> Opportunities:
    """Opportunities in these states: by state, the most urgent and then the most valuable first.

    With `ids`, only of these. Raises InputError for a cursor of another list.
    """
    query = select(Opportunity).where(
        col(Opportunity.organisation_id) == organisation, col(Opportunity.state).in_(states)
    )
    if ids is not None:
        query = query.where(col(Opportunity.id).in_(ids))
    if signal is not None:
        query = query.where(Opportunity.signal == signal)
    if customer is not None:
        query = query.where(Opportunity.customer_id == customer)
    total = session.connection().execute(func.count().select().select_from(query.subquery())).scalar_one()
    keys = (
        up(case({state: at for at, state in enumerate(STATES)}, value=col(Opportunity.state), else_=9), int),
        up(case({one.value: one.rank for one in Urgency}, value=col(Opportunity.urgency), else_=9), int),
        down(func.coalesce(col(Opportunity.value), 0.0), float),
        up(col(Opportunity.detected_at), datetime),
        up(col(Opportunity.id), str),
    )
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    return Opportunities(opportunities=_lines(session, rows), total=total, next=following)


def _lines(session: Session, rows: Sequence[Opportunity]) -> tuple[OpportunityLine, ...]:
    names = customer_names(session, [row.customer_id for row in rows])
    campaigns = _campaigns(session, [row.intervention_id for row in rows if row.intervention_id])
    closed = _closed(session, [row.id for row in rows if row.state in ENDED])
    paid = _revenues(session, [row.customer_id for row in rows])
    return tuple(
        OpportunityLine(
            **row.model_dump(exclude={"organisation_id", "plan", "monthly_revenue", "intervention_id"}),
            customer=names[row.customer_id].name,
            intervention=row.intervention_id,
            playbook=campaigns[row.intervention_id][0] if row.intervention_id else "",
            began_at=campaigns[row.intervention_id][1] if row.intervention_id else None,
            revenue_before=row.monthly_revenue,
            revenue_at_close=closed.get(row.id),
            revenue_now=paid[row.customer_id],
            increase=_increase(row, closed.get(row.id), paid[row.customer_id]),
        )
        for row in rows
    )


def _campaigns(session: Session, interventions: list[str]) -> dict[str, tuple[str, datetime]]:
    """The playbook of each of these campaigns, with its version, and when it began."""
    found: dict[str, tuple[str, datetime]] = {}
    for start in range(0, len(interventions), BLOCK):
        query = select(
            Intervention.id, Intervention.playbook, Intervention.version, Intervention.started_at
        ).where(col(Intervention.id).in_(interventions[start : start + BLOCK]))
        found.update({key: (f"{name}@{version}", began) for key, name, version, began in session.exec(query)})
    return found


def _increase(row: Opportunity, at_close: float | None, now: float | None) -> float | None:
    before = row.monthly_revenue
    if row.state != "converted" or before is None:
        return None
    # A customer may say yes days before its new price is imported.
    after = now if at_close is None or at_close == before else at_close
    return None if after is None else round((after - before) * MONTHS, 2)


def _closed(session: Session, opportunities: list[str]) -> dict[str, float | None]:
    """What the customers of these opportunities paid when the campaign ended, as the journal has it."""
    found: dict[str, float | None] = {}
    for start in range(0, len(opportunities), BLOCK):
        keys = [closed_key(one) for one in opportunities[start : start + BLOCK]]
        for data in session.exec(select(Event.data).where(col(Event.key).in_(keys))):
            found[data["opportunity"]] = data["revenue_at_close"]
    return found


def _revenues(session: Session, customers: list[str]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for start in range(0, len(customers), BLOCK):
        block = customers[start : start + BLOCK]
        query = select(Customer.id, Customer.monthly_revenue).where(col(Customer.id).in_(block))
        found.update(dict(session.exec(query).all()))
    return found
