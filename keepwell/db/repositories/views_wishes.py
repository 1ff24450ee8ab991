"""Read models of what contacts wish: suppressed addresses, and one contact with what it may hear of."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.people import Consent, Purpose
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import Contact, ContactPreference, Organisation, Suppression
from keepwell.errors import InputError, NotFoundError

CHANNELS = ("email", "in_app")


class SuppressionLine(Frozen):
    """An address that is suppressed, or was: then `lifted_at` and `lifted_by` say until when."""

    address: str
    reason: str
    detail: str
    source: str
    at: datetime
    lifted_at: datetime | None
    lifted_by: str
    contacts: tuple[str, ...]


class Suppressions(Frozen):
    """A page of them, newest first, and how many there are."""

    suppressions: tuple[SuppressionLine, ...]
    total: int


class PurposeLine(Frozen):
    """One purpose: whether it is wanted, who said so when, and by channel what keeps us from it."""

    purpose: Purpose
    wanted: bool
    source: str
    at: datetime | None
    against: dict[str, str]


class ContactWishes(Frozen):
    """One contact and what it may hear of."""

    id: str
    external_id: str
    name: str
    email: str
    customer: str
    active: bool
    consent: Consent
    consent_at: datetime | None
    suppressed: str
    purposes: tuple[PurposeLine, ...]


def suppressions(session: Session, organisation: str, *, lifted: bool, limit: int) -> Suppressions:
    """The addresses that nothing is sent to; with `lifted` those too that may be written to again."""
    query = select(Suppression).where(Suppression.organisation_id == organisation)
    if not lifted:
        query = query.where(col(Suppression.lifted_at).is_(None))
    total = session.exec(select(func.count()).select_from(query.subquery())).one()
    newest = query.order_by(col(Suppression.at).desc(), col(Suppression.id).desc()).limit(limit)
    rows = session.exec(newest).all()
    who = _who_has(session, organisation, {row.address for row in rows})
    fields = set(SuppressionLine.model_fields)
    lines = (
        SuppressionLine(**row.model_dump(include=fields), contacts=tuple(who.get(row.address, ())))
        for row in rows
    )
    return Suppressions(suppressions=tuple(lines), total=total)


def find_contact(session: Session, organisation: str, text: str) -> Contact:
    """A contact by our id or theirs, by address, or by name.

    Of several with one address, who are one person, it is the first that is active.

    Raises:
        NotFoundError: nobody is called so.
        InputError: several are.
    """
    address = suppressing.same(text)
    query = select(Contact).where(
        Contact.organisation_id == organisation,
        or_(
            Contact.id == text,
            Contact.external_id == text,
            func.lower(Contact.email) == address,
            func.lower(Contact.name) == address,
        ),
    )
    rows = sorted(session.exec(query).all(), key=lambda row: (not row.active, row.id))
    exact = [row for row in rows if text in (row.id, row.external_id)] or rows
    if not exact:
        raise NotFoundError(
            f"There is no contact {text!r}.", hint="Give an email address, or an id of keepwell customer ID."
        )
    if len({suppressing.same(row.email) or row.id for row in exact}) > 1:
        raise InputError(f"{text!r} fits several contacts.", hint="Give the email address or the id.")
    return exact[0]


def contact_wishes(session: Session, contact: Contact) -> ContactWishes:
    """What a contact wishes, and what follows from it."""
    organisation = session.get_one(Organisation, contact.organisation_id)
    query = select(ContactPreference).where(ContactPreference.contact_id == contact.id)
    said = {row.purpose: row for row in session.exec(query)}
    closed = suppressing.suppressed(session, organisation.id, [contact.email])
    purposes = []
    for purpose in Purpose:
        row = said.get(purpose.value)
        against = {}
        for channel in CHANNELS:
            (found,) = wishes.hindrances(session, organisation, [contact], channel, purpose)
            against[channel] = found.reason if found else ""
        purposes.append(
            PurposeLine(
                purpose=purpose,
                wanted=row.wanted if row else True,
                source=row.source if row else "",
                at=row.at if row else None,
                against=against,
            )
        )
    return ContactWishes(
        **contact.model_dump(include=set(ContactWishes.model_fields)),
        customer=customer_names(session, [contact.customer_id])[contact.customer_id].name,
        suppressed=closed.get(suppressing.same(contact.email), ""),
        purposes=tuple(purposes),
    )


def _who_has(session: Session, organisation: str, addresses: set[str]) -> dict[str, list[str]]:
    """The names of contacts with these addresses."""
    query = (
        select(Contact.email, Contact.name)
        .where(Contact.organisation_id == organisation, func.lower(Contact.email).in_(addresses))
        .order_by(col(Contact.name))
    )
    found: dict[str, list[str]] = {}
    for email, name in session.exec(query):
        found.setdefault(suppressing.same(email), []).append(name)
    return found
