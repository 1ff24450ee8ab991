"""Read models of opportunities: what may grow, and what has become of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Intervention, Opportunity
from scoring.signal import Urgency

STATES = ("open", "running", "baseline", "converted", "lost", "gone")
LIVE = STATES[:3]
"""The states of those that still may become something."""


class OpportunityLine(Frozen):
    """An opportunity; `value` is what it may bring in a year, None where nobody knows.

    `playbook` and `began_at` are those of its campaign, where one has begun.
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


class Opportunities(Frozen):
    """The first opportunities, and how many there are in all."""

    opportunities: tuple[OpportunityLine, ...]
    total: int


def opportunities(
    session: Session,
    organisation: str,
    *,
    states: Collection[str] = LIVE,
    ids: Collection[str] | None = None,
    limit: int | None = None,
) -> Opportunities:
    """Opportunities in these states: by state, the most urgent and then the most valuable first.

    With `ids`, only of these.
    """
    query = select(Opportunity).where(
        col(Opportunity.organisation_id) == organisation, col(Opportunity.state).in_(states)
    )
    if ids is not None:
        query = query.where(col(Opportunity.id).in_(ids))
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
    campaigns = _campaigns(session, [row.intervention_id for row in rows if row.intervention_id])
    lines = tuple(
        OpportunityLine(
            **row.model_dump(exclude={"organisation_id", "plan", "monthly_revenue", "intervention_id"}),
            customer=names[row.customer_id].name,
            intervention=row.intervention_id,
            playbook=campaigns[row.intervention_id][0] if row.intervention_id else "",
            began_at=campaigns[row.intervention_id][1] if row.intervention_id else None,
        )
        for row in rows
    )
    return Opportunities(opportunities=lines, total=total)


def _campaigns(session: Session, interventions: list[str]) -> dict[str, tuple[str, datetime]]:
    """The playbook of each of these campaigns, with its version, and when it began."""
    found: dict[str, tuple[str, datetime]] = {}
    for start in range(0, len(interventions), 500):
        query = select(
            Intervention.id, Intervention.playbook, Intervention.version, Intervention.started_at
        ).where(col(Intervention.id).in_(interventions[start : start + 500]))
        found.update({key: (f"{name}@{version}", began) for key, name, version, began in session.exec(query)})
    return found
