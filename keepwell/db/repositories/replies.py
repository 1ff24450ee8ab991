"""Which message an answer belongs to, by the address that it came to."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.db.repositories import wishes
from keepwell.db.tables import Contact, Delivery, Intervention
from keepwell.replies import meant_by


def delivery_of(session: Session, address: str, domain: str) -> Delivery | None:
    """The message whose reader was given this address; None where it is none of ours, or of none any more."""
    meant = meant_by(address, domain)
    if meant is None:
        return None
    query = select(Delivery).where(col(Delivery.reply_token) == meant.token).order_by(col(Delivery.key))
    return session.exec(query.limit(1)).first()


def unsubscribe_by_mail(session: Session, row: Delivery, now: datetime) -> bool:
    """Somebody wrote to the address that unsubscribes: its contact does not want that purpose any more.

    False where that was known, or the contact is gone. Whoever has the address got it with the message, so
    the sender of the letter is not asked for.
    """
    contact = session.get(Contact, row.recipient_id) if row.recipient_kind == "contact" else None
    if contact is None:
        return False
    purpose = wishes.purpose_of(session.get_one(Intervention, row.intervention_id))
    return wishes.set_preference(
        session, contact, purpose, False, source="email", by=wishes.CUSTOMER, now=now
    )
