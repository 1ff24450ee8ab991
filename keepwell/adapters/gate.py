"""The gate: every attempt asks it whether the message may go now."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from keepwell.contracts.delivery import (
    DeliveryState,
    DoNotGo,
    GateAnswer,
    GoAt,
    GoNow,
    Recipient,
    WaitsFor,
)
from keepwell.contracts.events import silent_words
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Channel, Escalate, Send
from keepwell.db.engine import Store
from keepwell.db.repositories.caps import no_room
from keepwell.db.repositories.holding import held_because
from keepwell.db.repositories.manners import contact_manners, staff_manners
from keepwell.db.repositories.silencing import open_events, silent_because, speaks
from keepwell.db.repositories.switches import stopped_because
from keepwell.db.repositories.wishes import hindrances, purpose_of
from keepwell.db.tables import Contact, Customer, Delivery, Intervention, Organisation, Staff
from keepwell.gate.decide import At, Manners
from keepwell.keys import delivery_key

ASK_AGAIN = timedelta(hours=4)
"""When a campaign's message that met a customer at risk is tried again."""

STOPPED = timedelta(hours=12)
"""When what a person has stopped is tried again, if nobody lets it go on before: then it is told at once."""


class StoreGate:
    """Implements the port `Gate`: everything that speaks against a message, at the moment of the attempt.

    First what speaks against it for good: the intervention is over, the customer or the recipient is not
    active, the contact does not want it. Then what puts it off: another voice, a stop that a person has
    thrown, the hour, the caps.

    A campaign's message to a customer at risk waits, also where its run has not been told to: the signal may
    be on its way. It waits too while an event playbook is at work: who is asked what went wrong is not asked
    for more.

    An in-app notification makes no noise and is read when the customer comes: no hour and no day is wrong
    for it. An urgent message to staff goes at any hour; to a contact none does.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """Now, at a moment, or not at all, with the reason."""
        with self._store.read() as session:
            row = session.get_one(Intervention, call.intervention)
            if row.outcome is not None:
                return DoNotGo(reason=f"The intervention has ended: {row.outcome_why}")
            customer = session.get_one(Customer, call.customer)
            if not customer.active:
                return DoNotGo(reason="The customer is not active any more")
            organisation = session.get_one(Organisation, call.organisation)
            if recipient.kind == "staff":
                return _to_staff(session, call, row, organisation, recipient, channel)
            return _to_contact(session, call, row, organisation, customer, recipient, channel)


def _to_staff(
    session: Session,
    call: StepCall,
    row: Intervention,
    organisation: Organisation,
    recipient: Recipient,
    channel: str,
) -> GateAnswer:
    staff = session.get(Staff, recipient.id)
    if staff is None or not staff.active:
        return DoNotGo(reason=f"{recipient.name} does not work here any more")
    stopped = _stopped(session, row, call.now)
    if stopped is not None:
        return stopped
    urgent = isinstance(call.step, Send | Escalate) and call.step.urgent
    if urgent or channel == Channel.IN_APP:
        return GoNow()
    return _at_a_decent_hour(staff_manners(session, organisation, staff), call.now) or GoNow()


def _to_contact(
    session: Session,
    call: StepCall,
    row: Intervention,
    organisation: Organisation,
    customer: Customer,
    recipient: Recipient,
    channel: str,
) -> GateAnswer:
    other = _other_voice(session, call, row)
    if other is not None:
        return other
    contact = session.get(Contact, recipient.id)
    if contact is None or not contact.active:
        return DoNotGo(reason=f"{recipient.name} is not a contact any more")
    purpose = purpose_of(row)
    (hindrance,) = hindrances(session, organisation, [contact], channel, purpose, recipient.address)
    if hindrance:
        return DoNotGo(reason=hindrance.reason)
    stopped = _stopped(session, row, call.now)
    if stopped is not None:
        return stopped
    manners = None
    if channel != Channel.IN_APP:
        manners = contact_manners(session, organisation, customer, contact)
        wait = _at_a_decent_hour(manners, call.now)
        if wait is not None:
            return wait
    capped = (organisation.customer_cap_day, organisation.customer_cap_week, organisation.daily_cap)
    if capped == (None, None, None):
        return GoNow()
    full = no_room(session, _delivery(session, call, recipient, channel), call.now)
    if full is None:
        return GoNow()
    # Where the room comes at night, the message goes in the morning; and so the timeline says.
    later = _at_a_decent_hour(manners, full.at) if manners is not None else None
    return full if later is None else full.model_copy(update={"at": later.at})


def _stopped(session: Session, row: Intervention, now: datetime) -> GoAt | None:
    """What to answer where a person has stopped sending; else None."""
    why = stopped_because(session, row)
    return GoAt(at=now + STOPPED, reason=why, waits_for=WaitsFor.SWITCH) if why else None


def _at_a_decent_hour(manners: Manners, moment: datetime) -> GoAt | None:
    """The next decent moment where this one is not; else None."""
    decision = manners.decide(moment)
    if not isinstance(decision, At):
        return None
    return GoAt(at=decision.moment, reason=decision.reason, waits_for=WaitsFor.HOURS)


def _delivery(session: Session, call: StepCall, recipient: Recipient, channel: str) -> Delivery:
    """The message's row in the ledger; where there is none yet, what it would be."""
    key = delivery_key(
        call.organisation, call.intervention, call.playbook, call.step.name, recipient.id, channel
    )
    return session.get(Delivery, key) or Delivery(
        key=key,
        organisation_id=call.organisation,
        customer_id=call.customer,
        intervention_id=call.intervention,
        step=call.step.name,
        channel=channel,
        recipient_id=recipient.id,
        recipient_kind=recipient.kind,
        state=DeliveryState.PLANNED,
        planned_at=call.now,
        updated_at=call.now,
    )


def _other_voice(session: Session, call: StepCall, row: Intervention) -> GateAnswer | None:
    """What to answer where something else speaks with the customer, or must not be disturbed; else None."""
    if row.family == "expansion" and (why := _waits(session, call.customer)):
        return GoAt(at=call.now + ASK_AGAIN, reason=why, waits_for=WaitsFor.VOICE)
    if row.family == "event" and (why := silent_because(session, row)):
        # One that is there to write is about to end; the others leave it to people.
        if not speaks(row):
            return DoNotGo(reason=why)
        return GoAt(at=call.now + ASK_AGAIN, reason=why, waits_for=WaitsFor.VOICE)
    return None


def _waits(session: Session, customer: str) -> str:
    """Why a campaign's message has to wait now; empty if it need not."""
    events = open_events(session, customer)
    busy = silent_words(f"{events[0].playbook}@{events[0].version}") if events else ""
    return held_because(session, customer) or busy
