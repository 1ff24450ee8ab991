"""Who is who: the recipients and senders of messages, and why there is nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeVar, assert_never

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState, LedgerRow, Recipient, WaysBack
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import ContactRole, Purpose
from keepwell.contracts.playbook import Audience, Channel, Sender
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.team import company_sender, sender_staff, staff_for
from keepwell.db.repositories.wishes import Reader, hindrances, purpose_of
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Contact, Customer, Delivery, Intervention, Organisation, Staff
from keepwell.links import Links, unsubscribe_url
from keepwell.replies import Way, reply_address

NOT_REACHED = (
    DeliveryState.PLANNED,
    DeliveryState.DRAFT,
    DeliveryState.DEFERRED,
    DeliveryState.FAILED,
    DeliveryState.SKIPPED,
    DeliveryState.CANCELLED,
)
"""States of a delivery that has not reached its recipient, for all we know."""

_WANTED = {Audience.OWNER: "an owner, a lead", Audience.SUPPORT: "support, an owner, a lead"}
_NO_ADDRESS = "without an email address"
_RANK = {role.value: rank for rank, role in enumerate(ContactRole)}
Recipients = tuple[Recipient, ...]


class DirectoryRepository:
    """Implements the port `Directory`."""

    def __init__(self, store: Store, links: Links | None = None, reply_domain: str = "") -> None:
        self._store = store
        self._links = links
        self._reply_domain = reply_domain

    def recipients(self, call: StepCall, audience: Audience, channel: str) -> Recipients | str:
        """Whom the audience means now, best first; or the reason why nobody.

        Contacts: usable ones only. Usable is who is active, has an address on the channel (in-app
        messages need none), and whom nothing hinders from hearing of what the intervention is for (see
        `hindrances`). The alternate contact is somebody we have not written an email to in this
        intervention, and not the first contact. The billing contact is whoever looks after bills
        there, else the first contact. Staff: one person, whatever the channel; on Slack
        their Slack id, or their email address by which Slack finds them.

        Raises:
            NotFoundError: the intervention or the customer is unknown.
        """
        with self._store.read() as session:
            intervention = found(session, Intervention, call.intervention, "intervention")
            organisation = found(session, Organisation, intervention.organisation_id, "organisation")
            match audience:
                case Audience.PRIMARY_CONTACT | Audience.ALTERNATE_CONTACT | Audience.BILLING_CONTACT:
                    customer = found(session, Customer, intervention.customer_id, "customer")
                    contacts = usable_contacts(
                        session, organisation, customer, channel, purpose_of(intervention)
                    )
                    if isinstance(contacts, str):
                        return contacts
                    if audience is Audience.ALTERNATE_CONTACT:
                        contacts = _alternates(session, call, contacts)
                    if audience is Audience.BILLING_CONTACT:
                        contacts = sorted(contacts, key=lambda one: one.role != ContactRole.BILLING)
                    if not contacts:
                        return f"there is no other contact at {customer.name} than the one already written to"
                    return tuple(_of_contact(row, channel, customer, organisation) for row in contacts)
                case Audience.OWNER | Audience.COVER | Audience.LEAD | Audience.SUPPORT | Audience.EXECUTIVE:
                    person = staff_for(session, intervention, audience, call.now)
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
            person = sender_staff(session, intervention, sender, call.now)
            if person is not None:
                return person.name, person.email
            return company_sender(found(session, Organisation, intervention.organisation_id, "organisation"))

    def ways_back(self, call: StepCall, row: LedgerRow, channel: str) -> WaysBack:
        """How the reader of this message answers and leaves; all empty for staff and outside of emails.

        Without a domain for replies an answer goes to the sender, and only the page unsubscribes.

        Raises:
            NotFoundError: the intervention is unknown.
        """
        if channel != Channel.EMAIL or row.recipient.kind != "contact" or self._links is None:
            return WaysBack()
        with self._store.read() as session:
            intervention = found(session, Intervention, call.intervention, "intervention")
            purpose = purpose_of(intervention)
            query = select(Delivery.reply_token).where(Delivery.key == row.key)
            token = session.exec(query).first() or ""
        mailto = reply_address(self._reply_domain, token, Way.UNSUBSCRIBE)
        return WaysBack(
            reply_to=reply_address(self._reply_domain, token),
            unsubscribe_url=unsubscribe_url(self._links, row.recipient.id, purpose),
            unsubscribe_mailto=f"mailto:{mailto}?subject=unsubscribe" if mailto else "",
        )


def usable_contacts(
    session: Session, organisation: Organisation, customer: Customer, channel: str, purpose: Purpose
) -> list[Contact] | str:
    """The contacts that may and can hear of a purpose, in the order of roles, then names; or why none."""
    query = select(Contact).where(col(Contact.customer_id) == customer.id)
    known = {customer.id: sorted(session.exec(query).all(), key=contact_order)}
    names = {customer.id: customer.name}
    return usable_among(session, organisation, known, names, channel, purpose)[customer.id]


class Person(Reader, Protocol):
    """A contact's row, or a part of it."""

    @property
    def role(self) -> str:
        """What `ContactRole` says."""

    @property
    def active(self) -> bool:
        """Whether they still work there."""


One = TypeVar("One", bound=Person)


def usable_among(
    session: Session,
    organisation: Organisation,
    known: Mapping[str, Sequence[One]],
    names: Mapping[str, str],
    channel: str,
    purpose: Purpose,
) -> dict[str, list[One] | str]:
    """The same for many customers: their contacts, in their order, and their names, by the customer's id."""
    active = [contact for contacts in known.values() for contact in contacts if contact.active]
    wishes = hindrances(session, organisation, active, channel, purpose) if active else []
    against = {
        contact.id: _NO_ADDRESS
        if channel == Channel.EMAIL and not contact.email
        else wish.counted
        if wish
        else ""
        for contact, wish in zip(active, wishes, strict=True)
    }
    return {key: _usable(names[key], contacts, against, channel) for key, contacts in known.items()}


def _usable(customer: str, known: Sequence[One], against: Mapping[str, str], channel: str) -> list[One] | str:
    active = [contact for contact in known if contact.active]
    if not active:
        return f"{customer} has no {'active ' if known else ''}contact"
    if channel == Channel.SLACK:
        return "contacts cannot be reached by Slack"
    usable = [contact for contact in active if not against[contact.id]]
    return usable or _in_words(customer, [against[contact.id] for contact in active])


def contact_order(contact: Person) -> tuple[int, str, str]:
    """The order in which we write to contacts: by role, then by name."""
    return _RANK.get(contact.role, len(_RANK)), contact.name, contact.id


def _in_words(customer: str, against: Sequence[str]) -> str:
    """Why none of the contacts can be written to: "all 2 contacts at Acme withdrew consent"."""
    counts = Counter(against)
    if set(counts) == {_NO_ADDRESS}:
        return f"no contact at {customer} has an email address"
    parts = ", ".join(f"{number} {hindrance}" for hindrance, number in counts.items())
    if len(counts) > 1:
        return f"none of the {len(against)} contacts at {customer} can be written to: {parts}"
    verb = "is " if parts.partition(" ")[2].startswith("suppressed") else ""
    if len(against) == 1:
        return f"the only contact at {customer} {verb}{against[0]}"
    verb = "are " if verb else ""
    return f"all {len(against)} contacts at {customer} {verb}{against[0]}"


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
    return others_than(set(session.exec(query).all()), contacts)


def others_than(written: Collection[str], contacts: Sequence[One]) -> list[One]:
    """The contacts that are not among those written to; before the first email, not the first contact."""
    known = written or {contacts[0].id}
    return [contact for contact in contacts if contact.id not in known]


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
        wanted = _WANTED.get(audience, "a manager, a lead")
        return f"{organisation.name} has neither {wanted} nor an executive among its active staff"
    address = (person.slack or person.email) if channel == Channel.SLACK else person.email
    if not address and channel in (Channel.SLACK, Channel.EMAIL):
        return f"{person.name} has no address for {channel}"
    zone = first_zone(person.time_zone, organisation.time_zone)
    return (Recipient(id=person.id, kind="staff", name=person.name, address=address, time_zone=zone),)
