"""Read models of offers: what was offered to whom, until when, and what became of it."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import OPEN_OFFER, OfferOption, OfferState, Terms
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Intervention, Offer


class OfferLine(Frozen):
    """An offer. `terms` and `agreed` (in words) are there once an option was accepted."""

    id: str
    customer_id: str
    customer: str
    intervention_id: str
    playbook: str
    options: tuple[OfferOption, ...]
    state: OfferState
    offered_at: datetime
    valid_until: datetime
    seen_at: datetime | None
    decided_at: datetime | None
    decided_by: str
    terms: dict[str, JsonValue]
    agreed: str
    note: str


def offers(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    states: tuple[OfferState, ...] = (),
    limit: int | None = None,
) -> tuple[OfferLine, ...]:
    """The organisation's offers: open ones first, then the newest. No states means all."""
    query = (
        select(Offer, Intervention.playbook, Intervention.version)
        .join(Intervention, col(Intervention.id) == col(Offer.intervention_id))
        .where(Offer.organisation_id == organisation)
        .order_by(col(Offer.state).not_in(OPEN_OFFER), col(Offer.offered_at).desc(), col(Offer.id).desc())
    )
    if customer is not None:
        query = query.where(Offer.customer_id == customer)
    if states:
        query = query.where(col(Offer.state).in_(states))
    rows = session.exec(query.limit(limit)).all()
    names = customer_names(session, [row.customer_id for row, _, _ in rows])
    return tuple(
        OfferLine(
            **row.model_dump(include=set(OfferLine.model_fields) - {"options", "customer"}),
            customer=names[row.customer_id].name,
            playbook=f"{playbook}@{version}",
            options=tuple(OfferOption.model_validate(option) for option in row.options.values()),
            agreed=Terms.model_validate(row.terms).words if row.terms else "",
        )
        for row, playbook, version in rows
    )
