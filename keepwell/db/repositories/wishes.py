"""What contacts wish: unwanted purposes, consent, and who may be written to. All in the caller's transaction.

What a contact says of a purpose or of all messages counts for every contact of the organisation with that
address: behind them is one person with one inbox.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.delivery import DoNotGo
from keepwell.contracts.people import PURPOSE_OF, PURPOSE_WORDS, Consent, Purpose
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.suppressing import same, suppressed, with_address
from keepwell.db.repositories.wishes_noted import Said, note
from keepwell.db.tables import Contact, ContactPreference, Delivery, Intervention, Organisation
from keepwell.rendering.filters import possessive

CUSTOMER = "customer"
"""Who did it, in the journal, where a contact did."""

CONSENT_WORDS = {
    Consent.DENIED: ("contact.consent_withdrawn", "no messages at all any more"),
    Consent.GRANTED: ("contact.consent_given", "agrees to hear from us"),
    Consent.UNKNOWN: ("contact.consent_unknown", "whether we may write is not known"),
}
"""The kind of line in the journal for each answer, and its words after the name."""


class Reader(Protocol):
    """Whom a message may be for: a contact's row, or a part of it."""

    @property
    def id(self) -> str:
        """Our id."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def email(self) -> str:
        """The address, or ""."""

    @property
    def consent(self) -> str:
        """What `Consent` says."""


@dataclass(frozen=True)
class Hindrance:
    """Why a contact may not hear of something: as a sentence, and as what comes after "2 contacts"."""

    reason: str
    counted: str


def purpose_of(intervention: Intervention) -> Purpose:
    """What an intervention's messages are for."""
    return purpose_for(intervention.family, intervention.definition.get("triggers", ()))


def purpose_for(family: str, triggers: Collection[str]) -> Purpose:
    """What the messages of such a playbook are for. A payment that failed is about the account, not a tip."""
    return Purpose.ACCOUNT if Trigger.BILLING_FAILURE in triggers else PURPOSE_OF[family]


def set_preference(
    session: Session,
    contact: Contact,
    purpose: Purpose,
    wanted: bool,
    *,
    source: str,
    by: str,
    now: datetime,
    why: str = "",
) -> bool:
    """Note whether a contact wants to hear of a purpose; False where that is known already."""
    persons = same_person(session, contact)
    changed = [one for one in persons if write_preference(session, one, purpose, wanted, source, now)]
    thing = PURPOSE_WORDS[purpose]
    words = f"wants {thing} again" if wanted else f"wants no {thing} any more"
    kind = "contact.resubscribed" if wanted else "contact.unsubscribed"
    said = Said(by, source, now, why)
    note(session, changed, kind, lambda one: f"{one.name} {words}", said, purpose=purpose.value)
    return bool(changed)


def set_consent(
    session: Session,
    contact: Contact,
    consent: Consent,
    *,
    source: str,
    by: str,
    now: datetime,
    why: str = "",
) -> bool:
    """Note whether a contact agrees to hear from us at all; False where that is known already."""
    changed = [one for one in same_person(session, contact) if one.consent != consent]
    for one in changed:
        one.consent, one.consent_at, one.updated_at = consent.value, now, now
        session.add(one)
    kind, words = CONSENT_WORDS[consent]
    note(session, changed, kind, lambda one: f"{one.name}: {words}", Said(by, source, now, why))
    return bool(changed)


def unwanted(session: Session, contacts: Sequence[Reader]) -> dict[str, tuple[Purpose, ...]]:
    """The purposes that contacts have said they do not want, by the contact's id."""
    if not contacts:
        return {}
    query = select(ContactPreference).where(
        col(ContactPreference.contact_id).in_([one.id for one in contacts]),
        col(ContactPreference.wanted).is_(False),
    )
    found: dict[str, set[str]] = {}
    for row in session.exec(query):
        found.setdefault(row.contact_id, set()).add(row.purpose)
    return {key: tuple(one for one in Purpose if one.value in said) for key, said in found.items()}


def hindrances(
    session: Session,
    organisation: Organisation,
    contacts: Sequence[Reader],
    channel: str,
    purpose: Purpose,
    address: str = "",
) -> list[Hindrance | None]:
    """Why each of these contacts may not hear of this purpose on this channel; None where one may.

    Only here is that decided: the directory, the gate and all that count or show it ask this. Suppressed
    addresses close email alone; consent and what a contact does not want close every channel. `address` is
    where a message to be sent again goes, which a contact may have left since.
    """
    addresses = [address, *(one.email for one in contacts)] if channel == "email" else []
    closed = suppressed(session, organisation.id, addresses)
    refused = unwanted(session, contacts)
    gone = closed.get(same(address), "")
    return [
        _hindrance(
            organisation,
            one,
            gone or closed.get(same(one.email), ""),
            PURPOSE_WORDS[purpose] if purpose in refused.get(one.id, ()) else "",
        )
        for one in contacts
    ]


def refused_now(session: Session, row: Delivery) -> DoNotGo | None:
    """Why a message may not go to its contact at this moment; None where it may, and for staff.

    It holds the contact until the transaction ends: whoever stores an opt-out waits for that, or was first.
    """
    if row.recipient_kind != "contact":
        return None
    query = select(Contact).where(Contact.id == row.recipient_id).with_for_update(read=True)
    contact = session.exec(query).first()
    if contact is None:
        return DoNotGo(reason=f"{row.recipient_name} is not a contact any more")
    organisation = session.get_one(Organisation, row.organisation_id)
    purpose = purpose_of(session.get_one(Intervention, row.intervention_id))
    (found,) = hindrances(session, organisation, [contact], row.channel, purpose, row.address)
    return DoNotGo(reason=found.reason) if found else None


def _hindrance(organisation: Organisation, contact: Reader, closed: str, refused: str) -> Hindrance | None:
    """`closed` is why the address is suppressed, `refused` what the contact does not want of this."""
    name = contact.name
    if contact.consent == Consent.DENIED:
        return Hindrance(f"{name} has withdrawn consent", "withdrew consent")
    if organisation.consent_required and contact.consent != Consent.GRANTED:
        return Hindrance(
            f"{name} has not given consent, and {organisation.name} asks for it",
            "gave no consent, which the organisation requires",
        )
    if closed:
        return Hindrance(f"{possessive(name)} address is suppressed: {closed}", f"suppressed ({closed})")
    if refused:
        return Hindrance(f"{name} has unsubscribed from {refused}", f"unsubscribed from {refused}")
    return None


def write_preference(
    session: Session, contact: Contact, purpose: Purpose, wanted: bool, source: str, now: datetime
) -> bool:
    """Write the preference of this contact alone; whether it is news. Nothing said yet means wanted."""
    values = {
        "contact_id": contact.id,
        "purpose": purpose.value,
        "organisation_id": contact.organisation_id,
        "wanted": wanted,
        "source": source,
        "at": now,
    }
    if insert_if_absent(session, "contact_preference", values):
        return not wanted
    row = session.get_one(ContactPreference, (contact.id, purpose.value), with_for_update=True)
    # A provider's report may come late: what was said after it counts.
    news = row.wanted != wanted and row.at <= now
    if news:
        row.wanted, row.source, row.at = wanted, source, now
        session.add(row)
    return news


def same_person(session: Session, contact: Contact) -> list[Contact]:
    """The contact, and the others of the organisation with its address; locked until the end.

    Whoever locks contacts and a suppression locks the contacts first.
    """
    if not contact.email:
        return [contact]
    return with_address(session, contact.organisation_id, contact.email) or [contact]
