"""What programs name exactly: a customer or a member of staff by an id of ours or theirs, and no guesses."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.db.tables import Customer, Staff
from keepwell.errors import InputError, NotFoundError


def customer_named(session: Session, organisation: str, text: str) -> Customer:
    """The customer with that id of ours, or else that external id. Raises NotFoundError."""
    own = session.get(Customer, text) if len(text) <= 40 else None
    if own is not None and own.organisation_id == organisation:
        return own
    query = select(Customer).where(Customer.organisation_id == organisation, Customer.external_id == text)
    row = session.exec(query).first()
    if row is None:
        raise NotFoundError(f"There is no customer {text!r}.", hint="Name it by its id, or its external id.")
    return row


def staff_named(session: Session, organisation: str, text: str, *, left: bool = False) -> Staff:
    """The member of staff with that id of ours, external id or email address; with `left`, who has left too.

    Raises NotFoundError for nobody, InputError for several with one address.
    """
    ours = select(Staff).where(Staff.organisation_id == organisation)
    if not left:
        ours = ours.where(col(Staff.active))
    for condition in (
        col(Staff.id) == text,
        col(Staff.external_id) == text,
        col(Staff.email).ilike(text.replace("/", "//").replace("%", "/%").replace("_", "/_"), escape="/"),
    ):
        rows = session.exec(ours.where(condition).limit(2)).all()
        if len(rows) > 1:
            raise InputError(f"{text!r} is the address of several members of staff.", hint="Name an id.")
        if rows:
            return rows[0]
    raise NotFoundError(
        f"There is no member of staff {text!r}.", hint="Name them by an id, or their email address."
    )
