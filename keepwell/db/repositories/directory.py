"""Who is who: the recipients and senders of messages, and why there is nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState, Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import Consent, ContactRole
from keepwell.contracts.playbook import Audience, Channel, Sender
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.team import company_sender, lead_for, owner_of, sender_staff
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Contact, Customer, Delivery, Intervention, Organisation, Staff

NOT_REACHED = (
    DeliveryState.PLANNED,
    DeliveryState.DEFERRED,
    DeliveryState.FAILED,
    DeliveryState.SKIPPED,
    DeliveryState.CANCELLED,
)
"""States of a delivery that has not reached its recipient, for all we know."""

_RANK = {role.value: rank for rank, role in enumerate(ContactRole)}
Recipients = tuple[Recipient, ...]


class DirectoryRepository:
    """Implements the port `Directory`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def recipients(self, call: StepCall, audience: Audience, channel: str) -> Recipients | str:
        """Whom the audience means now, best first; or the reason why nobody.

        Contacts: usable ones only. Usable is who is active, has an address on the channel (in-app
        messages need none), has not withdrawn consent or given it where the organisation requires it,
        and is not suppressed. The alternate contact is somebody we have not written an email to in
        this intervention, and not the first contact. Staff: one person, whatever the channel; on Slack
        their Slack id, or their email address by which Slack finds them.

        Raises:
            NotFoundError: the intervention or the customer is unknown.
        """
        with self._store.read() as session:
            intervention = found(session, Intervention, call.intervention, "intervention")
            organisation = found(session, Organisation, intervention.organisation_id, "organisation")
            match audience:
                case Audience.PRIMARY_CONTACT | Audience.ALTERNATE_CONTACT:
                    customer = found(session, Customer, intervention.customer_id, "customer")
                    contacts = usable_contacts(session, organisation, customer, channel)
                    if isinstance(contacts, str):
                        return contacts
                    if audience is Audience.ALTERNATE_CONTACT:
                        contacts = _alternates(session, call, contacts)
                    if not contacts:
                        return f"there is no other contact at {customer.name} than the one already written to"
                    return tuple(_of_contact(row, channel, customer, organisation) for row in contacts)
                case Audience.OWNER | Audience.LEAD:
                    owner = owner_of(session, intervention) if audience is Audience.OWNER else None
                    person = owner or lead_for(session, intervention)
                    return _of_staff(person, audience, channel, organisation)
                case _:
                    assert_never(audience)

    def sender(self, call: StepCall, sender: Sender) -> tuple[str, str]:
        """Name and address in whose name a message goes out.

        Raises:
            NotFoundError: the intervention is unknown.
        """
        with self._store.read() as session:
            intervention = found(session, Intervention, call.intervention, "intervention")
            person = sender_staff(session, intervention, sender)
            if person is not None:
                return person.name, person.email
            return company_sender(found(session, Organisation, intervention.organisation_id, "organisation"))


def usable_contacts(
    session: Session, organisation: Organisation, customer: Customer, channel: str
) -> list[Contact] | str:
    """The contacts that may and can be written to, in the order of roles, then names; or why none."""
    query = select(Contact).where(col(Contact.customer_id) == customer.id)
    known = sorted(session.exec(query).all(), key=contact_order)
    active = [contact for contact in known if contact.active]
    if not active:
        return f"{customer.name} has no {'active ' if known else ''}contact"
    if channel == Channel.SLACK:
        return "contacts cannot be reached by Slack"
    hindrances = [_hindrance(contact, organisation, channel) for contact in active]
    usable = [contact for contact, hindrance in zip(active, hindrances, strict=True) if not hindrance]
    return usable or _in_words(customer.name, hindrances)


def contact_order(contact: Contact) -> tuple[int, str, str]:
    """The order in which we write to contacts: by role, then by name."""
    return _RANK.get(contact.role, len(_RANK)), contact.name, contact.id


def _hindrance(contact: Contact, organisation: Organisation, channel: str) -> str:
    """What keeps us from writing to a contact, as the end of a sentence; "" if nothing does."""
    if channel == Channel.EMAIL and not contact.email:
        return "without an email address"
    if contact.consent == Consent.DENIED:
        return "withdrew consent"
    if organisation.consent_required and contact.consent != Consent.GRANTED:
        return "gave no consent, which the organisation requires"
    if contact.suppressed:
        return f"suppressed ({contact.suppressed})"
    return ""


def _in_words(customer: str, hindrances: Sequence[str]) -> str:
    """Why none of the contacts can be written to: "all 2 contacts at Acme withdrew consent"."""
    counts = Counter(hindrances)
    if set(counts) == {"without an email address"}:
        return f"no contact at {customer} has an email address"
    parts = ", ".join(f"{number} {hindrance}" for hindrance, number in counts.items())
    if len(counts) > 1:
        return f"none of the {len(hindrances)} contacts at {customer} can be written to: {parts}"
    verb = "is " if parts.partition(" ")[2].startswith("suppressed") else ""
    if len(hindrances) == 1:
        return f"the only contact at {customer} {verb}{hindrances[0]}"
    verb = "are " if verb else ""
    return f"all {len(hindrances)} contacts at {customer} {verb}{hindrances[0]}"


def _alternates(session: Session, call: StepCall, contacts: Sequence[Contact]) -> list[Contact]:
    """Contacts other than those written to; before the first email, other than the first contact.

    The step's own rows do not count: tried again, it finds the same contact.
    """
    query = select(Delivery.recipient_id).where(
        col(Delivery.intervention_id) == call.intervention,
        col(Delivery.channel) == Channel.EMAIL.value,
        col(Delivery.recipient_kind) == "contact",
        col(Delivery.step) != call.step.name,
        col(Delivery.state).not_in([state.value for state in NOT_REACHED]),
    )
    written = set(session.exec(query).all()) or {contacts[0].id}
    return [contact for contact in contacts if contact.id not in written]


def _of_contact(contact: Contact, channel: str, customer: Customer, organisation: Organisation) -> Recipient:
    return Recipient(
        id=contact.id,
        kind="contact",
        name=contact.name,
        address=contact.email if channel == Channel.EMAIL else "",
        time_zone=first_zone(contact.time_zone, customer.time_zone, organisation.time_zone),
    )


def _of_staff(
    person: Staff | None, audience: Audience, channel: str, organisation: Organisation
) -> Recipients | str:
    if person is None:
        wanted = "an owner, a lead" if audience is Audience.OWNER else "a manager, a lead"
        return f"{organisation.name} has neither {wanted} nor an executive among its active staff"
    address = (person.slack or person.email) if channel == Channel.SLACK else person.email
    if not address and channel in (Channel.SLACK, Channel.EMAIL):
        return f"{person.name} has no address for {channel}"
    zone = first_zone(person.time_zone, organisation.time_zone)
    return (Recipient(id=person.id, kind="staff", name=person.name, address=address, time_zone=zone),)
