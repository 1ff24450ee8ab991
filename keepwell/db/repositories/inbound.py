"""Letters that come in: whose answer it is, and what follows. Each once, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from keepwell.contracts.commands import Respond
from keepwell.contracts.people import SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import journal, pending, suppressing, wishes
from keepwell.db.repositories.asking import ask_somebody
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.replies import delivery_of, unsubscribe_by_mail
from keepwell.db.tables import Contact, Customer, Delivery, InboundMessage, Intervention, Staff
from keepwell.keys import new_id, reply_key
from keepwell.letter_words import means_stop, note_of, written_by_a_program
from keepwell.letters import Letter, Proof, proof_of
from keepwell.message_ids import keys_in
from keepwell.replies import Way, meant_by

SOURCE = "email"
MANY_KEYS = 50
"""Message ids of a letter that are looked up; conversations name the latest last."""


@dataclass(frozen=True)
class Match:
    """Whom a letter is from, as far as we know, and which message and intervention it answers.

    `way` says what the address of ours means that it came to; None where it came to none.
    """

    contact: Contact | None = None
    customer: Customer | None = None
    delivery: Delivery | None = None
    intervention: Intervention | None = None
    way: Way | None = None


def take_letter(store: Store, letter: Letter, domain: str) -> str:
    """Keep a letter and do what follows from it; what that was, in a word. `domain` is the reply domain.

    The same letter again changes nothing.
    """
    with store.write() as session:
        match = _matched(session, letter, domain)
        program = written_by_a_program(letter)
        row = _row(letter, match, bool(program))
        if not insert_if_absent(session, "inbound_message", row):
            return "known already"
        effect = _effect(session, letter, match, program, str(row["id"]))
        kept = session.get_one(InboundMessage, row["id"])
        kept.effect = effect
        session.add(kept)
        return effect


def _effect(session: Session, letter: Letter, match: Match, program: str, identity: str) -> str:
    if match.way is Way.UNSUBSCRIBE and match.delivery is not None:
        # A mail program writes this letter for its user, so it may look like a program's.
        changed = unsubscribe_by_mail(session, match.delivery, letter.received_at)
        return "unsubscribed" if changed else "unsubscribed already"
    if program:
        _note_program(session, letter, match, program)
        return f"automatic ({program})"
    if match.customer is None:
        return "from nobody we know"
    if _is_staff(session, match.customer.organisation_id, letter.from_address):
        return "from our own staff"
    doubt = _doubt(letter, match)
    if doubt:
        _ask(session, letter, match, doubt)
        return f"not counted: {doubt}"
    return _answered(session, letter, match, identity)


def _doubt(letter: Letter, match: Match) -> str:
    """Why a letter is not believed to be from whom it says; "" where it is.

    Who has the address for replies got it with our message. Who names our message has read it; who does
    neither has to prove the address.
    """
    proof = proof_of(letter)
    if match.way is Way.REPLY:
        return ""
    if proof is Proof.FORGED:
        return "the sender's domain says that it is forged"
    if proof is Proof.UNPROVEN and match.delivery is None:
        return "nobody vouches for the sender's address"
    return ""


def _answered(session: Session, letter: Letter, match: Match, identity: str) -> str:
    assert match.customer is not None  # noqa: S101  (asked before)
    name, note = _name(letter, match), note_of(letter.text)
    key, done = reply_key(letter.message_id), ["answer"]
    row = match.intervention
    if row is not None and row.outcome is None:
        command = Respond(id=key, intervention=row.id, by=name[:200], note=note)
        now = letter.received_at
        pending.put(session, row, key=key, source=SOURCE, by=name[:200], command=command, now=now)
    journal.write(
        session,
        key=key,
        organisation=match.customer.organisation_id,
        customer=match.customer.id,
        intervention=row.id if row is not None else None,
        kind="contact.replied",
        by=wishes.CUSTOMER,
        text=f"{name} answered by email: “{letter.subject}”",
        why=note,
        at=letter.received_at,
        data={"contact": match.contact.id if match.contact else "", "letter": identity},
    )
    _ask(session, letter, match, "")
    address = match.delivery.address if match.way and match.delivery else letter.from_address
    if means_stop(letter.text) and suppressing.suppress(
        session,
        match.customer.organisation_id,
        address,
        SuppressionReason.UNSUBSCRIBED,
        detail=f"wrote “{note}”",
        source=SOURCE,
        by=wishes.CUSTOMER,
        now=letter.received_at,
    ):
        done.append("no more emails")
    return ", ".join(done)


def _ask(session: Session, letter: Letter, match: Match, doubt: str) -> None:
    """Somebody reads it. The task outlives the intervention, which an answer may end at once."""
    assert match.customer is not None  # noqa: S101  (asked before)
    name = _name(letter, match)
    whom = f"{name} at {match.customer.name}"
    title = f"Read the answer of {whom}: {letter.subject}"
    lines = [note_of(letter.text) or "The letter has no words of its own."]
    if doubt:
        title = f"Was this letter written by {whom}? {letter.subject}"
        lines += [
            f"It is not counted as an answer: {doubt}.",
            *(["If it is theirs, log that they answered."] if match.intervention is not None else []),
        ]
    ask_somebody(
        session,
        match.customer,
        key=reply_key(letter.message_id),
        kind="reply",
        title=title,
        detail="\n".join([*lines, "Read the whole letter before you answer."]),
        now=letter.received_at,
    )


def _note_program(session: Session, letter: Letter, match: Match, program: str) -> None:
    if match.customer is None or match.delivery is None:
        return
    journal.write(
        session,
        key=reply_key(letter.message_id),
        organisation=match.customer.organisation_id,
        customer=match.customer.id,
        intervention=match.delivery.intervention_id,
        kind="contact.automatic_reply",
        by=SOURCE,
        text=f"A program answered for {match.delivery.recipient_name}: “{letter.subject}”",
        why=program,
        at=letter.received_at,
        data={"contact": match.contact.id if match.contact else ""},
    )


def _name(letter: Letter, match: Match) -> str:
    known = match.contact
    if known is not None and suppressing.same(known.email) == suppressing.same(letter.from_address):
        return known.name
    return letter.from_name or letter.from_address or (known.name if known is not None else "somebody")


def _matched(session: Session, letter: Letter, domain: str) -> Match:
    """By the address that it came to, else by the message that it names, else by who sent it."""
    for address in letter.to:
        meant, delivery = meant_by(address, domain), delivery_of(session, address, domain)
        if meant is not None and delivery is not None:
            return _of_delivery(session, letter, delivery, meant.way)
    for key in reversed(keys_in(letter.names)[-MANY_KEYS:]):
        delivery = session.get(Delivery, key) if key.isprintable() else None
        if delivery is not None:
            return _of_delivery(session, letter, delivery, None)
    return _of_sender(session, letter.from_address)


def _of_delivery(session: Session, letter: Letter, row: Delivery, way: Way | None) -> Match:
    customer = session.get_one(Customer, row.customer_id)
    there = [
        one
        for one in suppressing.with_address(session, row.organisation_id, letter.from_address)
        if one.customer_id == customer.id
    ]
    written = session.get(Contact, row.recipient_id) if row.recipient_kind == "contact" else None
    return Match(
        contact=there[0] if there else written,
        customer=customer,
        delivery=row,
        intervention=_continued(session, session.get_one(Intervention, row.intervention_id)),
        way=way,
    )


def _continued(session: Session, row: Intervention) -> Intervention:
    """The intervention that has the customer in hand now: one that was taken over goes on as another."""
    if row.outcome is None:
        return row
    query = select(Intervention).where(
        Intervention.workflow_id == row.workflow_id, col(Intervention.outcome).is_(None)
    )
    return session.exec(query.order_by(col(Intervention.id).desc())).first() or row


def _of_sender(session: Session, address: str) -> Match:
    """The contact with that address, and the customer's open intervention, where there is just one each."""
    key = suppressing.same(address)
    if not key:
        return Match()
    query = (
        select(Contact).where(func.lower(Contact.email) == key, col(Contact.active)).order_by(col(Contact.id))
    )
    contacts = session.exec(query).all()
    if len({one.customer_id for one in contacts}) != 1:
        return Match()
    customer = session.get_one(Customer, contacts[0].customer_id)
    open_ones = session.exec(
        select(Intervention).where(
            Intervention.customer_id == customer.id, col(Intervention.outcome).is_(None)
        )
    ).all()
    alone = open_ones[0] if len(open_ones) == 1 else None
    return Match(contact=contacts[0], customer=customer, intervention=alone)


def _is_staff(session: Session, organisation: str, address: str) -> bool:
    query = select(Staff.id).where(
        Staff.organisation_id == organisation, func.lower(Staff.email) == suppressing.same(address)
    )
    return session.exec(query.limit(1)).first() is not None


def _row(letter: Letter, match: Match, automatic: bool) -> dict[str, str | bool | datetime | None]:
    customer = match.customer
    return {
        "id": new_id(),
        "organisation_id": customer.organisation_id if customer is not None else None,
        "customer_id": customer.id if customer is not None else None,
        "contact_id": match.contact.id if match.contact is not None else None,
        "intervention_id": match.intervention.id if match.intervention is not None else None,
        "message_id": letter.message_id,
        "delivery": match.delivery.key if match.delivery is not None else "",
        "from_address": letter.from_address,
        "from_name": letter.from_name,
        "subject": letter.subject,
        "text": letter.text,
        "automatic": automatic,
        "effect": "",
        "received_at": letter.received_at,
    }
