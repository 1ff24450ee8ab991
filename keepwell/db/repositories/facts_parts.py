"""The parts of a template's context that are one row written for people."""

from __future__ import annotations

from typing import assert_never

from sqlmodel import Session

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Assign, Document, Escalate, Offer, Send, Task
from keepwell.contracts.rendering import Notice, Person
from keepwell.contracts.rendering import Organisation as OrganisationFacts
from keepwell.db.repositories.wording import first_word
from keepwell.db.tables import Contact, Organisation, Staff

NOBODY = Person(name="", first_name="")


def organisation_facts(row: Organisation) -> OrganisationFacts:
    """The company that writes."""
    return OrganisationFacts(
        name=row.name,
        product=row.product,
        sender_name=row.sender_name,
        sender_address=row.sender_address,
        postal_address=row.postal_address,
        booking_url=row.booking_url,
        app_url=row.app_url,
        demo=row.demo,
    )


def recipient_person(session: Session, recipient: Recipient | None) -> Person | None:
    """The recipient as a person; None without one, or where their row is gone."""
    if recipient is None:
        return None
    if recipient.kind == "staff":
        staff = session.get(Staff, recipient.id)
        return staff_person(staff) if staff else None
    contact = session.get(Contact, recipient.id)
    return contact_person(contact) if contact else None


def staff_person(row: Staff) -> Person:
    """A member of staff."""
    return Person(
        name=row.name, first_name=first_word(row.name), email=row.email, phone=row.phone, title=row.title
    )


def contact_person(row: Contact) -> Person:
    """A contact."""
    first_name = row.first_name or first_word(row.name)
    return Person(name=row.name, first_name=first_name, email=row.email, phone=row.phone, title=row.title)


def notice_of(call: StepCall, recipient: Recipient | None, reason: str) -> Notice:
    """What did not happen, said for the person who must see to it."""
    step = call.step
    match step:
        case Send():
            kind = {"email": "email", "slack": "Slack message", "in_app": "in-app message"}[step.channel]
            to = recipient.name if recipient else f"the {step.to.replace('_', ' ')}"
            what = f"send the {kind} to {to}, in the {step.sender.value}'s name"
        case Task():
            what = f"give the {step.to.replace('_', ' ')} a task"
        case Assign():
            what = "make sure that somebody owns the customer"
        case Document():
            what = "write the document for the customer"
        case Escalate():
            what = "tell the owner's manager that nobody has acknowledged it"
        case Offer():
            what = f"offer the customer {', '.join(option.kind.words for option in step.options)}"
        case _:
            assert_never(step)
    return Notice(step=step.name, what=what, reason=reason)
