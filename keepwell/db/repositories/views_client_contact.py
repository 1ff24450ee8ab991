"""Whose notifications and offers somebody sees who signs in as a customer's own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.offers import OPEN_OFFER, OfferOption
from keepwell.db.repositories.offer_words import in_order, moment_words, offer_url, title_of
from keepwell.db.tables import Account, Contact, Delivery, Offer, Organisation
from keepwell.links import Links

GONE = (DeliveryState.ACCEPTED.value, DeliveryState.DELIVERED.value)


class OfferedToContact(Frozen):
    """An open offer as its contact is told of it: its options as headlines, when it ends, its page."""

    options: tuple[str, ...]
    ends: str
    url: str


def contact_of_account(session: Session, account: str) -> str | None:
    """Our id of the contact that an account belongs to: active, of its customer, with its email address.

    None where there is none: then there are no notifications to show. In a demo, where accounts are made up,
    it is the customer's first one.
    """
    row = session.get(Account, account)
    if row is None or row.customer_id is None:
        return None
    query = select(Contact.id).where(
        col(Contact.customer_id) == row.customer_id,
        col(Contact.organisation_id) == row.organisation_id,
        col(Contact.active),
    )
    if not session.get_one(Organisation, row.organisation_id).demo:
        query = query.where(func.lower(col(Contact.email)) == row.email.lower())
    return session.exec(query.order_by(col(Contact.id))).first()


def offers_to_contact(
    session: Session, organisation: str, contact: str, links: Links, zone: str, now: datetime
) -> tuple[OfferedToContact, ...]:
    """The open offers of which a contact was written to, those that end first on top.

    Who was not written to sees none: whom an offer is for is the playbook's decision. In a demo, where
    nothing is sent outside of hours and drafts wait, it is all that its customer has.
    """
    own = session.get_one(Contact, contact)
    told = select(Delivery.intervention_id).where(
        Delivery.recipient_id == contact, Delivery.recipient_kind == "contact", col(Delivery.state).in_(GONE)
    )
    query = (
        select(Offer)
        .where(
            Offer.organisation_id == organisation,
            col(Offer.state).in_(OPEN_OFFER),
            col(Offer.valid_until) > now,
            Offer.customer_id == own.customer_id,
        )
        .order_by(col(Offer.valid_until), col(Offer.id))
    )
    if not session.get_one(Organisation, organisation).demo:
        query = query.where(col(Offer.intervention_id).in_(told))
    return tuple(
        OfferedToContact(
            options=tuple(title_of(OfferOption.model_validate(one)) for one in in_order(row.options)),
            ends=moment_words(row.valid_until, zone),
            url=offer_url(links, row, contact),
        )
        for row in session.exec(query)
    )
