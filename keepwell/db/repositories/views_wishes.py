"""Read models of what contacts wish: suppressed addresses, and one contact with what it may hear of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.contracts.people import Consent, Purpose
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.pages import Page, down, page_of
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
    query = _listed(organisation, lifted)
    total = session.exec(select(func.count()).select_from(query.subquery())).one()
    page = suppression_page(session, organisation, lifted=lifted, limit=limit)
    return Suppressions(suppressions=page.items, total=total)


def suppression_page(
    session: Session, organisation: str, *, lifted: bool, cursor: str = "", limit: int | None = None
) -> Page[SuppressionLine]:
    """A page of the same list, newest first. Raises InputError for a cursor of another one."""
    keys = (down(col(Suppression.at), datetime), down(col(Suppression.id), str))
    rows, following = page_of(session, _listed(organisation, lifted), keys, cursor=cursor, limit=limit)
    who = _who_has(session, organisation, {row.address for row in rows})
    fields = set(SuppressionLine.model_fields)
    lines = (
        SuppressionLine(**row.model_dump(include=fields), contacts=tuple(who.get(row.address, ())))
        for row in rows
    )
    return Page(items=tuple(lines), next=following)


def _listed(organisation: str, lifted: bool) -> SelectOfScalar[Suppression]:
    query = select(Suppression).where(Suppression.organisation_id == organisation)
    return query if lifted else query.where(col(Suppression.lifted_at).is_(None))


def own_contact(session: Session, organisation: str, contact: str) -> Contact:
    """The organisation's contact of exactly that id of ours. Raises NotFoundError."""
    return own(session, Contact, organisation, contact, "contact")


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
            f"There is no contact {text!r}.",
            hint="Give an email address, or an id that the customer's page shows.",
            command="keepwell customer ID",
        )
    if len({suppressing.same(row.email) or row.id for row in exact}) > 1:
        raise InputError(f"{text!r} fits several contacts.", hint="Give the email address or the id.")
    return exact[0]


def contact_wishes(session: Session, contact: Contact) -> ContactWishes:
    """What a contact wishes, and what follows from it."""
    return wishes_of(session, contact.organisation_id, [contact])[0]


def customer_wishes(session: Session, organisation: str, customer: str) -> tuple[ContactWishes, ...]:
    """What the contacts of a customer wish: the active ones first, by name."""
    query = select(Contact).where(Contact.organisation_id == organisation, Contact.customer_id == customer)
    rows = session.exec(query.order_by(col(Contact.active).desc(), col(Contact.name), col(Contact.id)))
    return wishes_of(session, organisation, rows.all())


def wishes_of(session: Session, organisation: str, contacts: Sequence[Contact]) -> tuple[ContactWishes, ...]:
    """What each of them wishes, in their order."""
    house = session.get_one(Organisation, organisation)
    query = select(ContactPreference).where(
        col(ContactPreference.contact_id).in_([contact.id for contact in contacts])
    )
    said = {(row.contact_id, row.purpose): row for row in session.exec(query)}
    closed = suppressing.suppressed(session, house.id, [contact.email for contact in contacts])
    names = customer_names(session, [contact.customer_id for contact in contacts])
    against = {
        (channel, purpose): wishes.hindrances(session, house, contacts, channel, purpose)
        for channel in CHANNELS
        for purpose in Purpose
    }

    def line(place: int, contact: Contact, purpose: Purpose) -> PurposeLine:
        row = said.get((contact.id, purpose.value))
        found = {channel: against[channel, purpose][place] for channel in CHANNELS}
        return PurposeLine(
            purpose=purpose,
            wanted=row.wanted if row else True,
            source=row.source if row else "",
            at=row.at if row else None,
            against={channel: one.reason if one else "" for channel, one in found.items()},
        )

    return tuple(
        ContactWishes(
            **contact.model_dump(include=set(ContactWishes.model_fields)),
            customer=names[contact.customer_id].name,
            suppressed=closed.get(suppressing.same(contact.email), ""),
            purposes=tuple(line(place, contact, purpose) for purpose in Purpose),
        )
        for place, contact in enumerate(contacts)
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
