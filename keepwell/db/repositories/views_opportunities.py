"""Read models of opportunities: what may grow, and what has become of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Opportunity
from scoring.signal import Urgency

STATES = ("open", "running", "converted", "lost", "gone")
LIVE = STATES[:2]
"""The states of those that still may become something."""


class OpportunityLine(Frozen):
    """An opportunity; `value` is what it may bring in a year, None where nobody knows."""

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


class Opportunities(Frozen):
    """The first opportunities, and how many there are in all."""

    opportunities: tuple[OpportunityLine, ...]
    total: int


def opportunities(
    session: Session, organisation: str, *, states: Collection[str] = LIVE, limit: int | None = None
) -> Opportunities:
    """Opportunities in these states: by state, the most urgent and then the most valuable first."""
    query = select(Opportunity).where(
        col(Opportunity.organisation_id) == organisation, col(Opportunity.state).in_(states)
    )
    total = session.connection().execute(func.count().select().select_from(query.subquery())).scalar_one()
    ordered = query.order_by(
        case({state: at for at, state in enumerate(STATES)}, value=col(Opportunity.state)),
        case({one.value: one.rank for one in Urgency}, value=col(Opportunity.urgency)),
        func.coalesce(col(Opportunity.value), 0.0).desc(),
        col(Opportunity.detected_at),
        col(Opportunity.id),
    )
    rows = session.exec(ordered.limit(limit)).all()
    names = customer_names(session, [row.customer_id for row in rows])
    lines = tuple(
        OpportunityLine(
            **row.model_dump(exclude={"organisation_id", "plan", "monthly_revenue", "intervention_id"}),
            customer=names[row.customer_id].name,
            intervention=row.intervention_id,
        )
        for row in rows
    )
    return Opportunities(opportunities=lines, total=total)
