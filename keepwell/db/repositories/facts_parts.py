"""The parts of a template's context that are one row written for people."""

from __future__ import annotations

from typing import assert_never

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import Purpose
from keepwell.contracts.playbook import Assign, Document, Escalate, Offer, Send, Task
from keepwell.contracts.rendering import Notice, Person, PersonalLinks
from keepwell.contracts.rendering import Organisation as OrganisationFacts
from keepwell.db.repositories.wording import first_word
from keepwell.db.tables import Contact, Organisation, Staff
from keepwell.links import Links, preferences_url, unsubscribe_url

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


def staff_person(row: Staff) -> Person:
    """A member of staff."""
    return Person(
        name=row.name, first_name=first_word(row.name), email=row.email, phone=row.phone, title=row.title
    )


def contact_person(row: Contact) -> Person:
    """A contact."""
    first_name = row.first_name or first_word(row.name)
    return Person(name=row.name, first_name=first_name, email=row.email, phone=row.phone, title=row.title)


def personal_links(links: Links | None, recipient: Recipient | None, purpose: Purpose) -> PersonalLinks:
    """The pages of ours for a contact; none for anybody else."""
    if links is None or recipient is None or recipient.kind != "contact":
        return PersonalLinks()
    return PersonalLinks(
        unsubscribe=unsubscribe_url(links, recipient.id, purpose),
        preferences=preferences_url(links, recipient.id),
    )


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
            whom = "cover" if step.to == "cover" else "manager"
            what = f"tell the owner's {whom} that nobody has acknowledged it"
        case Offer():
            what = f"offer the customer {', '.join(option.kind.words for option in step.options)}"
        case _:
            assert_never(step)
    return Notice(step=step.name, what=what, reason=reason)
