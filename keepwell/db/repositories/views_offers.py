"""Read models of offers: what was offered to whom, until when, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import case
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.offers import OPEN_OFFER, OfferOption, OfferState, Terms
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.pages import Page, down, page_of, up
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


class OfferFilter(Frozen):
    """Which offers a list holds; what is not said narrows nothing."""

    customer: str | None = None
    intervention: str | None = None
    states: tuple[OfferState, ...] = ()


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
    wanted = OfferFilter(customer=customer, intervention=intervention, states=states)
    return offer_list(session, organisation, wanted, limit=limit).items


def offer_list(
    session: Session, organisation: str, wanted: OfferFilter, *, cursor: str = "", limit: int | None = None
) -> Page[OfferLine]:
    """A page of the same list. Raises InputError for a cursor of another one."""
    query = select(Offer).where(Offer.organisation_id == organisation)
    if wanted.customer is not None:
        query = query.where(Offer.customer_id == wanted.customer)
    if wanted.intervention is not None:
        query = query.where(Offer.intervention_id == wanted.intervention)
    if wanted.states:
        query = query.where(col(Offer.state).in_(wanted.states))
    keys = (
        up(case((col(Offer.state).in_(OPEN_OFFER), 0), else_=1), int),
        down(col(Offer.offered_at), datetime),
        down(col(Offer.id), str),
    )
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    return Page(items=_lines(session, rows), next=following)


def own_offer(session: Session, organisation: str, offer: str) -> OfferLine:
    """The organisation's offer of exactly that id. Raises NotFoundError."""
    return _lines(session, [own(session, Offer, organisation, offer, "offer")])[0]


def _lines(session: Session, rows: Sequence[Offer]) -> tuple[OfferLine, ...]:
    names = customer_names(session, [row.customer_id for row in rows])
    runs = select(Intervention.id, Intervention.playbook, Intervention.version).where(
        col(Intervention.id).in_({row.intervention_id for row in rows})
    )
    labels = {key: f"{name}@{version}" for key, name, version in session.exec(runs).all()} if rows else {}
    return tuple(
        OfferLine(
            **row.model_dump(include=set(OfferLine.model_fields) - {"options", "customer"}),
            customer=names[row.customer_id].name,
            playbook=labels[row.intervention_id],
            options=tuple(OfferOption.model_validate(option) for option in row.options.values()),
            early=row.state == OfferState.ACCEPTED and row.offered_at == row.decided_at,
            agreed=Terms.model_validate(row.terms).words if row.terms else "",
        )
        for row in rows
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
