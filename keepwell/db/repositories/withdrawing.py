"""Offers that a person takes back, and lets stand again. Their playbooks go on as before.

The run is told nothing: it is no answer of the customer's. What it sends from then on does not name the
offer, its page says that it was withdrawn, and whoever asks the run to accept it is refused before.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.offers import OPEN_OFFER, OfferOption, OfferState
from keepwell.db.repositories import journal
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.offer_words import in_order
from keepwell.db.tables import Intervention, Offer, PendingCommand
from keepwell.errors import RefusedError
from keepwell.keys import new_id

ANSWERS = ("accept", "decline")
UNTOLD = ("waiting", "asking")
"""States of a command that its run has not heard of yet."""


def withdraw_offer(
    session: Session, organisation: str, offer: str, reason: str, by: str, now: datetime
) -> Offer:
    """Withdraw an open offer.

    Raises:
        NotFoundError: the organisation has no such offer.
        RefusedError: it is not open any more, or the customer has answered and the run will hear of it.
    """
    row = _held(session, organisation, offer)
    if row.state not in OPEN_OFFER:
        raise RefusedError(f"The offer is {row.state} already.")
    if row.valid_until <= now:
        raise RefusedError(f"The offer ended by itself at {row.valid_until:%Y-%m-%d %H:%M} UTC.")
    if _answer_under_way(session, row):
        raise RefusedError(
            "The customer has answered the offer, and its playbook is about to hear of it.",
            hint="Look at the customer's timeline in a moment.",
        )
    row.state, row.decided_at, row.decided_by, row.note = OfferState.WITHDRAWN, now, by, reason
    session.add(row)
    _tell(session, row, "offer.withdrawn", f"The offer was withdrawn: {_words(row)}", by, reason, now)
    return row


def restore_offer(session: Session, organisation: str, offer: str, by: str, now: datetime) -> Offer:
    """Let an offer stand again that a person has withdrawn; it ends when it would have.

    Raises:
        NotFoundError: the organisation has no such offer.
        RefusedError: it was not withdrawn by a person, its playbook is over, or its time is.
    """
    row = _held(session, organisation, offer)
    if row.state != OfferState.WITHDRAWN:
        raise RefusedError(f"The offer is {row.state}, not withdrawn.")
    if session.get_one(Intervention, row.intervention_id).outcome is not None:
        raise RefusedError("The playbook that made the offer is over, and the offer with it.")
    if row.valid_until <= now:
        raise RefusedError(f"The offer's time is over since {row.valid_until:%Y-%m-%d %H:%M} UTC.")
    row.state = OfferState.SEEN if row.seen_at else OfferState.OFFERED
    row.decided_at, row.decided_by, row.note = None, "", ""
    session.add(row)
    _tell(session, row, "offer.restored", f"The offer stands again: {_words(row)}", by, "", now)
    return row


def require_standing(session: Session, intervention: str) -> None:
    """Refuse what is said to an offer that a person has withdrawn. Raises RefusedError."""
    if session.get_one(Intervention, intervention).outcome is not None:
        return
    made = session.exec(select(Offer).where(Offer.intervention_id == intervention)).all()
    row = next((one for one in made if one.state == OfferState.WITHDRAWN), None)
    if row is not None and not any(one.state in OPEN_OFFER for one in made):
        raise RefusedError(
            f"The offer was withdrawn by {row.decided_by}{f': {row.note}' if row.note else ''}.",
            hint="Let it stand again first, if it is to be accepted.",
            command="keepwell offer restore",
        )


def _held(session: Session, organisation: str, offer: str) -> Offer:
    """The offer's row, locked after its customer: a run that ends meanwhile takes them in this order."""
    row = own(session, Offer, organisation, offer, "offer")
    lock_customers(session, (row.customer_id,))
    session.refresh(row, with_for_update=True)
    return row


def _answer_under_way(session: Session, row: Offer) -> bool:
    query = select(PendingCommand).where(
        PendingCommand.intervention_id == row.intervention_id, col(PendingCommand.state).in_(UNTOLD)
    )
    return any(one.command.get("kind") in ANSWERS for one in session.exec(query))


def _words(row: Offer) -> str:
    return ", or ".join(OfferOption.model_validate(one).words for one in in_order(row.options))


def _tell(session: Session, row: Offer, kind: str, text: str, by: str, why: str, now: datetime) -> None:
    journal.write(
        session,
        key=f"{kind}/{row.id}/{new_id()}",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.intervention_id,
        kind=kind,
        text=text,
        why=why,
        by=by,
        at=now,
        data={"offer": row.id},
    )
