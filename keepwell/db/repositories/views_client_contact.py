"""Whose notifications somebody sees who signs in as a customer's own."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.db.tables import Account, Contact, Organisation


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
