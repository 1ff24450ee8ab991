"""An offer as its customer sees it, and what the customer says to it on its page.

An answer is kept as a command for the intervention's run in the same transaction: the page needs no run that
answers at once. All answers to one offer share a key, so that of two at the same moment the first counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from keepwell.business_time import end_of_next_business_day
from keepwell.contracts.base import Frozen
from keepwell.contracts.commands import COMMAND, Accept, Decline, Seen
from keepwell.contracts.offers import OPEN_OFFER, OfferOption, OfferState, Terms
from keepwell.db.repositories import journal, pending
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.manners import DaysOff
from keepwell.db.repositories.offer_refused import SOURCE
from keepwell.db.repositories.offer_words import in_order, moment_words
from keepwell.db.repositories.team import given_to, responsible_for
from keepwell.db.repositories.wording import first_word
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Contact, Customer, Intervention, Offer, Organisation, PendingCommand, Task
from keepwell.errors import NotFoundError

CUSTOMER = "customer"


class PageState(StrEnum):
    """What the page has to say. `unsettled`: an answer came, but not in time for the run."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    UNSETTLED = "unsettled"


class OfferPage(Frozen):
    """Everything the page of an offer shows. `agreed` is there once something was accepted."""

    company: str
    product: str
    customer: str
    first_name: str
    owner: str
    state: PageState
    options: tuple[OfferOption, ...]
    until: str
    agreed: Terms | None = None
    call_asked: bool = False


@dataclass(frozen=True, slots=True)
class Addressed:
    """An offer, and the contact whose link led to it."""

    offer: Offer
    intervention: Intervention
    customer: Customer
    contact: Contact
    organisation: Organisation

    @property
    def zone(self) -> str:
        """The clock on which the contact reads moments."""
        zones = (self.contact.time_zone, self.customer.time_zone, self.organisation.time_zone)
        return first_zone(*zones)


def addressed(session: Session, offer: str, contact: str, *, lock: bool = False) -> Addressed:
    """The offer and the contact that a link names; with `lock` held until the transaction ends.

    Raises NotFoundError where either is gone, the contact is not active or is another customer's.
    """
    if lock:
        # The customer first, like the run that ends meanwhile: each would wait for the other for ever.
        lock_customers(session, session.exec(select(Offer.customer_id).where(Offer.id == offer)).all())
    row = session.get(Offer, offer, with_for_update=lock or None)
    person = session.get(Contact, contact)
    if row is None or person is None or not person.active or person.customer_id != row.customer_id:
        raise NotFoundError("This link does not lead to an offer any more.")
    return Addressed(
        offer=row,
        intervention=session.get_one(Intervention, row.intervention_id),
        customer=session.get_one(Customer, row.customer_id),
        contact=person,
        organisation=session.get_one(Organisation, row.organisation_id),
    )


def page_of(session: Session, found: Addressed, now: datetime) -> OfferPage:
    """What the page shows now."""
    row, person = found.offer, found.contact
    owner = responsible_for(session, found.customer)
    state, agreed = _standing(session, found, now)
    return OfferPage(
        company=found.organisation.name,
        product=found.organisation.product,
        customer=found.customer.name,
        first_name=person.first_name or first_word(person.name),
        owner=owner.name if owner else "",
        state=state,
        options=options_of(row),
        until=moment_words(row.valid_until, found.zone),
        agreed=agreed,
        call_asked=row.call_asked_at is not None,
    )


def state_of(session: Session, found: Addressed, now: datetime) -> PageState:
    """How the offer stands for whoever comes now."""
    return _standing(session, found, now)[0]


def options_of(row: Offer) -> tuple[OfferOption, ...]:
    """What an offer's row offers, in the order of the kinds."""
    return tuple(OfferOption.model_validate(option) for option in in_order(row.options))


def answer(session: Session, found: Addressed, said: Accept | Decline, now: datetime) -> bool:
    """Keep an answer for the run; False where the offer is not open (any more), or was answered already.

    `said` is checked against what is offered already. Its id is set here.
    """
    if _standing(session, found, now)[0] is not PageState.OPEN:
        return False
    key = f"offer/{found.offer.id}/{len(_refused(session, found.offer))}"
    command = said.model_copy(update={"id": key, "intervention": found.intervention.id})
    kept = pending.put(
        session, found.intervention, key=key, source=SOURCE, by=command.by, command=command, now=now
    )
    if kept:
        words = _terms(said).words if isinstance(said, Accept) else ""
        _say(session, found, "answered", f"accepts: {words}" if words else "declines", key, now, said.note)
    return kept


def see(session: Session, found: Addressed, now: datetime) -> None:
    """The contact has looked at an open offer: the run hears of it, once."""
    if found.offer.state != OfferState.OFFERED or _standing(session, found, now)[0] is not PageState.OPEN:
        return
    key = f"offer/{found.offer.id}/seen"
    command = Seen(id=key, intervention=found.intervention.id, by=by_of(found))
    pending.put(session, found.intervention, key=key, source=SOURCE, by=command.by, command=command, now=now)


def ask_for_call(session: Session, found: Addressed, phone: str, when: str, note: str, now: datetime) -> bool:
    """A task for whoever looks after the customer; the offer stays open. False where there is one already.

    It belongs to no intervention: what ends that one does not take back that somebody waits for a call.
    """
    person = responsible_for(session, found.customer)
    zone = first_zone(person.time_zone if person else "", found.organisation.time_zone)
    lines = [
        f"{found.contact.name} asks on the offer's page to be called.",
        f"Phone: {phone}",
        f"Best time: {when or 'not said'} ({found.zone})",
        *([f"They say: {note}"] if note else []),
        f"The offer stays open until {moment_words(found.offer.valid_until, zone)}.",
    ]
    task = Task(
        key=f"offer/{found.offer.id}/call",
        organisation_id=found.organisation.id,
        customer_id=found.customer.id,
        kind="call",
        title=f"Call {found.contact.name} of {found.customer.name} about the offer",
        detail="\n".join(lines),
        due_at=end_of_next_business_day(now, zone, DaysOff(session, found.organisation).ours()),
        created_at=now,
    )
    if not insert_if_absent(session, "task", {**task.model_dump(), **given_to(session, person, now)}):
        return False
    found.offer.call_asked_at = now
    session.add(found.offer)
    _say(session, found, "call_asked", "asks for a call", f"{task.key}/asked", now, note)
    return True


def by_of(found: Addressed) -> str:
    """Who answers: the contact to whom the link was sent."""
    return (found.contact.name.strip() or CUSTOMER)[:200]


def _standing(session: Session, found: Addressed, now: datetime) -> tuple[PageState, Terms | None]:
    row = found.offer
    if row.state == OfferState.ACCEPTED:
        return PageState.ACCEPTED, Terms.model_validate(row.terms)
    if row.state == OfferState.DECLINED:
        return PageState.DECLINED, None
    # An answer under way counts from the moment it was given, whatever has become of the offer since.
    kept = [one for one in _answers(session, row) if one.state != "refused"]
    if kept:
        command = COMMAND.validate_python(kept[-1].command)
        if isinstance(command, Accept):
            return PageState.ACCEPTED, _terms(command)
        return PageState.DECLINED, None
    over = row.state not in OPEN_OFFER or row.valid_until <= now or found.intervention.outcome is not None
    if over and _refused(session, row):
        return PageState.UNSETTLED, None
    if row.state == OfferState.EXPIRED or (row.state in OPEN_OFFER and row.valid_until <= now):
        return PageState.EXPIRED, None
    return (PageState.WITHDRAWN if over else PageState.OPEN), None


def _terms(said: Accept) -> Terms:
    return Terms(kind=said.option, months=said.months, plan=said.plan, note=said.note)


def _answers(session: Session, row: Offer) -> list[PendingCommand]:
    seen = f"offer/{row.id}/seen"
    query = (
        select(PendingCommand)
        .where(PendingCommand.intervention_id == row.intervention_id, PendingCommand.source == SOURCE)
        .where(col(PendingCommand.id).startswith(f"offer/{row.id}/"), col(PendingCommand.id) != seen)
        .order_by(col(PendingCommand.id))
    )
    return list(session.exec(query))


def _refused(session: Session, row: Offer) -> list[PendingCommand]:
    return [one for one in _answers(session, row) if one.state == "refused"]


def _say(
    session: Session, found: Addressed, kind: str, words: str, key: str, now: datetime, note: str
) -> None:
    journal.write(
        session,
        key=f"{kind}/{key}",
        organisation=found.organisation.id,
        kind=f"offer.{kind}",
        by=CUSTOMER,
        text=f"{found.contact.name} {words} (on the offer's page)",
        why=note,
        at=now,
        customer=found.customer.id,
        intervention=found.intervention.id,
        data={"contact": found.contact.id, "offer": found.offer.id},
    )
