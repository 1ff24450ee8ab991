"""What holds for a contact, as the preferences page shows and changes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.lookup import found
from keepwell.db.tables import Contact, Organisation

SOURCE = "preferences page"
BUTTON = "one-click"


@dataclass(frozen=True)
class Wanted:
    """What a contact wants: the purposes, and whether to be written to at all."""

    purposes: frozenset[Purpose]
    consent: Consent


@dataclass(frozen=True)
class Standing:
    """What holds for a contact; `suppressed` is why emails to the address are stopped, "" if they are not.

    `consent_required` says that without a yes nothing is sent.
    """

    contact: Contact
    company: str
    product: str
    consent_required: bool
    suppressed: str
    purposes: frozenset[Purpose]

    @property
    def consent(self) -> Consent:
        """What the contact has said about being written to at all."""
        return Consent(self.contact.consent)

    @property
    def closed(self) -> bool:
        """Whether nothing at all is sent, whatever the purpose."""
        return self.consent is Consent.DENIED or (self.consent_required and self.consent is Consent.UNKNOWN)

    def without(self, purpose: Purpose | None) -> Wanted:
        """As it is, without this purpose; None: without any message at all."""
        return self.none() if purpose is None else Wanted(self.purposes - {purpose}, self.consent)

    def none(self) -> Wanted:
        """No message at all; the purposes stay as they are, for who changes their mind."""
        return Wanted(self.purposes, Consent.DENIED)

    def choosing(self, purposes: frozenset[Purpose]) -> Wanted:
        """These purposes; whoever chooses some agrees to be written to, where that was open or refused."""
        return Wanted(purposes, Consent.GRANTED if self.closed and purposes else self.consent)


def standing(session: Session, contact: str, *, lock: bool = False) -> Standing:
    """What holds for a contact now; with `lock` until the transaction ends.

    Raises:
        NotFoundError: there is no such contact any more.
    """
    row = found(session, Contact, contact, "contact")
    if lock:
        wishes.same_person(session, row)
        session.refresh(row)
    organisation = session.get_one(Organisation, row.organisation_id)
    refused = wishes.unwanted(session, [row]).get(row.id, ())
    closed = suppressing.suppressed(session, organisation.id, [row.email])
    # A copy: what held before must not change with what is saved.
    return Standing(
        contact=Contact.model_validate(row.model_dump()),
        company=organisation.name,
        product=organisation.product,
        consent_required=organisation.consent_required,
        suppressed=closed.get(suppressing.same(row.email), ""),
        purposes=frozenset(Purpose) - frozenset(refused),
    )


def save(session: Session, before: Standing, wanted: Wanted, *, by_button: bool, now: datetime) -> None:
    """Make hold what is changed. Who wants messages again ends a suppression of their own making."""
    contact = session.get_one(Contact, before.contact.id)
    source, by = BUTTON if by_button else SOURCE, wishes.CUSTOMER
    for purpose in sorted(wanted.purposes ^ before.purposes):
        want = purpose in wanted.purposes
        wishes.set_preference(session, contact, purpose, want, source=source, by=by, now=now)
    if wanted.consent is not before.consent:
        wishes.set_consent(session, contact, wanted.consent, source=source, by=by, now=now)
    more = wanted.purposes - before.purposes or (before.closed and wanted.consent is not Consent.DENIED)
    if more and before.suppressed.partition(":")[0] == SuppressionReason.UNSUBSCRIBED:
        why = "the contact wants messages again"
        suppressing.lift(session, contact.organisation_id, contact.email, by=by, why=why, now=now)
