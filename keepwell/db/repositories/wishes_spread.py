"""What somebody has said at an address counts for whoever gets that address later, too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from itertools import groupby

from sqlmodel import Session, col, func, or_, select

from keepwell.contracts.people import PURPOSE_WORDS, Consent, Purpose
from keepwell.db.repositories.suppressing import same
from keepwell.db.repositories.wishes import CONSENT_WORDS, write_preference
from keepwell.db.repositories.wishes_noted import Said, note
from keepwell.db.tables import Contact, ContactPreference

WHY = "said before by whoever has this address"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def spread(session: Session, organisation: str, addresses: Collection[str], *, by: str, now: datetime) -> int:
    """Let a no that was said at one of these addresses count for all who have it now; for how many it is new.

    Called for contacts that are new, or have another address: they were not there to be written to when it
    was said. A later yes of the contact's own stands against it.
    """
    keys = {same(address) for address in addresses} - {""}
    # All that were said in the organisation are fewer than a batch's addresses make parameters.
    refusing = {email for email in _refusing(session, organisation) if same(email) in keys} if keys else set()
    if not refusing:
        return 0
    keys = {same(email) for email in refusing}
    raw = refusing.union(address for address in addresses if same(address) in keys)
    # SQLite knows upper and lower case of ASCII alone: the addresses as they are written help with the rest.
    having = or_(func.lower(Contact.email).in_(keys), col(Contact.email).in_(raw))
    query = select(Contact).where(Contact.organisation_id == organisation, having).order_by(col(Contact.id))
    rows = sorted(session.exec(query.with_for_update()), key=lambda row: same(row.email))
    said, changed = Said(by, by, now, WHY), set[str]()
    for _, group in groupby(rows, key=lambda row: same(row.email)):
        person = list(group)
        changed |= {*_consent(session, person, said), *_preferences(session, person, said)}
    return len(changed)


def _refusing(session: Session, organisation: str) -> Iterator[str]:
    """The addresses at which somebody has said no, to everything or to a purpose."""
    theirs = select(Contact.email).where(Contact.organisation_id == organisation)
    yield from session.exec(theirs.where(Contact.consent == Consent.DENIED.value))
    refused = select(ContactPreference.contact_id).where(
        ContactPreference.organisation_id == organisation, col(ContactPreference.wanted).is_(False)
    )
    yield from session.exec(theirs.where(col(Contact.id).in_(refused)))


def _consent(session: Session, person: list[Contact], said: Said) -> list[str]:
    """The ids of those of a person's contacts to whom it is new that nothing at all is wanted."""
    refused = [one for one in person if one.consent == Consent.DENIED]
    if not refused:
        return []
    at = max(one.consent_at or _LONG_AGO for one in refused)
    new = [one for one in person if one.consent != Consent.DENIED and not _agreed_since(one, at)]
    for one in new:
        one.consent, one.updated_at = Consent.DENIED.value, said.at
        one.consent_at = None if at == _LONG_AGO else at
        session.add(one)
    kind, words = CONSENT_WORDS[Consent.DENIED]
    note(session, new, kind, lambda one: f"{one.name}: {words}", said)
    return [one.id for one in new]


def _agreed_since(contact: Contact, at: datetime) -> bool:
    agreed = contact.consent_at if contact.consent == Consent.GRANTED else None
    return agreed is not None and agreed > at


def _preferences(session: Session, person: list[Contact], said: Said) -> list[str]:
    """The same of single purposes; of what a person's contacts say of one, the latest counts."""
    query = select(ContactPreference).where(col(ContactPreference.contact_id).in_([one.id for one in person]))
    latest: dict[str, ContactPreference] = {}
    for row in sorted(session.exec(query), key=lambda row: row.at):
        latest[row.purpose] = row
    return [
        one
        for key, row in sorted(latest.items())
        if not row.wanted
        for one in _refused(session, person, Purpose(key), row, said)
    ]


def _refused(
    session: Session, person: list[Contact], purpose: Purpose, row: ContactPreference, said: Said
) -> list[str]:
    source, at = row.source, row.at
    new = [one for one in person if write_preference(session, one, purpose, False, source, at)]
    words = f"wants no {PURPOSE_WORDS[purpose]} any more"
    note(session, new, "contact.unsubscribed", lambda one: f"{one.name} {words}", said, purpose=purpose.value)
    return [one.id for one in new]
