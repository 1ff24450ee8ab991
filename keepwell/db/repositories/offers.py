"""Offers: made by a step, once; seen, accepted or declined by what people tell the intervention."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, select

from keepwell.contracts.intervention import Note, StepCall
from keepwell.contracts.offers import OPEN_OFFER, OfferChange, OfferOption, OfferState
from keepwell.contracts.playbook import Offer as OfferStep
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import Intervention, Offer
from keepwell.keys import new_id


def make_offer(session: Session, call: StepCall, step: OfferStep) -> Offer:
    """The step's offer, made where it is missing; the one that is there keeps its end."""
    return _offer(
        session,
        call.organisation,
        call.customer,
        call.intervention,
        step.name,
        call.now,
        step.valid_for,
        step.options,
    )


def change_offer(session: Session, row: Intervention, note: Note, change: OfferChange) -> None:
    """Write what became of an intervention's offer; what was agreed before it went out makes it first."""
    offer = _offer(
        session,
        row.organisation_id,
        row.customer_id,
        row.id,
        change.step,
        note.at,
        change.valid_for,
        change.options,
    )
    # The run knows nothing of a person who has withdrawn it: an answer that it took counts nevertheless.
    answered = change.state is not OfferState.SEEN and row.outcome is None
    anyway = answered and offer.state == OfferState.WITHDRAWN
    if offer.state not in OPEN_OFFER and not anyway:
        return
    offer.state = change.state
    offer.seen_at = offer.seen_at or note.at
    if change.state is not OfferState.SEEN:
        offer.decided_at, offer.decided_by, offer.note = note.at, note.by, note.why
        offer.terms = change.terms.model_dump(mode="json") if change.terms else {}
    session.add(offer)


def _offer(
    session: Session,
    organisation: str,
    customer: str,
    intervention: str,
    step: str,
    now: datetime,
    valid_for: timedelta,
    options: tuple[OfferOption, ...],
) -> Offer:
    values = {
        "id": new_id(),
        "organisation_id": organisation,
        "customer_id": customer,
        "intervention_id": intervention,
        "step": step,
        "options": {option.kind.value: option.model_dump(mode="json") for option in options},
        "valid_for": valid_for,
        "state": OfferState.OFFERED.value,
        "offered_at": now,
        "valid_until": now + valid_for,
        "decided_by": "",
        "terms": {},
        "note": "",
    }
    insert_if_absent(session, "offer", values)
    query = select(Offer).where(Offer.intervention_id == intervention, Offer.step == step)
    return session.exec(query.with_for_update()).one()
