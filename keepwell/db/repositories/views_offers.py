"""Read models of offers: what was offered to whom, until when, and what became of it."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import OPEN_OFFER, OfferOption, OfferState, Terms
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.views import customer_names, find_intervention, intervention_by_id
from keepwell.db.tables import Intervention, Offer


class OfferLine(Frozen):
    """An offer. `terms` and `agreed` (in words) are there once an option was accepted.

    An `early` one was agreed before it went out: `offered_at` is then the moment of the acceptance.
    """

    id: str
    customer_id: str
    customer: str
    intervention_id: str
    playbook: str
    options: tuple[OfferOption, ...]
    state: OfferState
    early: bool
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
    intervention: str | None = None,
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
    if intervention is not None:
        query = query.where(Offer.intervention_id == intervention)
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
            early=row.state == OfferState.ACCEPTED and row.offered_at == row.decided_at,
            agreed=Terms.model_validate(row.terms).words if row.terms else "",
        )
        for row, playbook, version in rows
    )


def find_offering(session: Session, organisation: str, text: str) -> str:
    """Our id of the intervention whose offer is meant, by its id or a part of it, or by its customer.

    For a customer: of those that run, the one with an open offer, or else with one to come, as it may be
    accepted on the phone before it is made; of those that have ended, the one with the newest offer. Where
    nothing was offered it is what the customer's name means elsewhere.

    Raises NotFoundError for none, InputError for several.
    """
    named = intervention_by_id(session, organisation, text)
    if named is not None:
        return named
    meant = find_intervention(session, organisation, text)
    customer = session.get_one(Intervention, meant).customer_id
    made = offers(session, organisation, customer=customer, limit=1)
    if made and made[0].state in OPEN_OFFER:
        return made[0].intervention_id
    query = select(Intervention).where(
        Intervention.customer_id == customer, col(Intervention.outcome).is_(None)
    )
    for row in session.exec(query.order_by(col(Intervention.started_at).desc(), col(Intervention.id).desc())):
        if Playbook.model_validate(row.definition).offer is not None:
            return row.id
    return made[0].intervention_id if made else meant
