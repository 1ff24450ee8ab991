"""The gate: every attempt asks it whether the message may go now."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.delivery import DoNotGo, GateAnswer, GoAt, GoNow, Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import Consent
from keepwell.db.engine import Store
from keepwell.db.repositories.holding import held_because
from keepwell.db.tables import Contact, Customer, Intervention, Organisation, Staff

ASK_AGAIN = timedelta(hours=4)
"""When a campaign's message that met a customer at risk is tried again."""


class StoreGate:
    """Implements the port `Gate`: consent and suppression, as they are at the moment of the attempt.

    Nothing goes out for an intervention that is over or a customer that is not active. A campaign's message
    to a customer at risk waits, also where its run has not been told to: the signal may be on its way.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """Now, at a moment, or not at all, with the reason."""
        with self._store.read() as session:
            intervention = session.get_one(Intervention, call.intervention)
            if intervention.outcome is not None:
                return DoNotGo(reason=f"The intervention has ended: {intervention.outcome_why}")
            if not session.get_one(Customer, call.customer).active:
                return DoNotGo(reason="The customer is not active any more")
            if recipient.kind == "staff":
                staff = session.get(Staff, recipient.id)
                if staff is None or not staff.active:
                    return DoNotGo(reason=f"{recipient.name} does not work here any more")
                return GoNow()
            if intervention.family == "expansion" and (why := held_because(session, call.customer)):
                return GoAt(at=call.now + ASK_AGAIN, reason=why)
            contact = session.get(Contact, recipient.id)
            organisation = session.get_one(Organisation, call.organisation)
        if contact is None or not contact.active:
            return DoNotGo(reason=f"{recipient.name} is not a contact any more")
        if contact.suppressed and channel == "email":
            return DoNotGo(reason=f"{recipient.name}'s address is suppressed: {contact.suppressed}")
        if contact.consent == Consent.DENIED:
            return DoNotGo(reason=f"{recipient.name} has withdrawn consent")
        if organisation.consent_required and contact.consent != Consent.GRANTED:
            return DoNotGo(
                reason=f"{recipient.name} has not given consent, and {organisation.name} asks for it"
            )
        return GoNow()
