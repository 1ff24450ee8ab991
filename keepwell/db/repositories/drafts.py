"""Drafts as the delivery of a message sees them: whether one is needed, and what has become of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, select

from keepwell.contracts.delivery import DeliveryState, DoNotGo, LedgerRow, WaitsFor
from keepwell.contracts.drafts import (
    LOOK_AGAIN,
    Approval,
    Approved,
    DraftState,
    NoApproval,
    Proposal,
    TooLate,
    Undrafted,
    Waits,
)
from keepwell.contracts.intervention import StepCall, StepResult, StepState
from keepwell.contracts.playbook import Audience
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories import journal, modes
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.drafts_ending import task_key
from keepwell.db.repositories.step_rows import write_step
from keepwell.db.repositories.team import given_to, staff_for
from keepwell.db.tables import Customer, Delivery, Draft, Intervention, Organisation, Staff, Task
from keepwell.keys import new_id
from keepwell.moments import minute_words
from keepwell.rendering.filters import possessive

UNDECIDED = timedelta(hours=24)
"""How long a draft of a step without `within` waits: as long as such a step is tried."""

DUE = 0.5
"""The task is due after this share of the time there is: who is late still has some."""

SOON = timedelta(minutes=1)


class DraftRepository:
    """Implements the port `Drafts`. Each method is one transaction and may be called again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def stand(self, call: StepCall, row: LedgerRow) -> Approval:
        """Whether the message may go without approval, needs a draft, or what has become of its draft.

        A draft that is there counts, however its playbook goes by now.
        """
        with self._store.read() as session:
            draft = session.exec(select(Draft).where(Draft.key == row.key)).first()
            if draft is not None:
                return _stand(session, draft, call)
            playbook = call.playbook.partition("@")[0]
            asked = modes.needs_approval(session, call.organisation, playbook)
            return Undrafted() if asked else NoApproval()

    def keep(self, call: StepCall, row: LedgerRow, proposal: Proposal) -> Waits:
        """Keep the draft, put the step off, and give its owner the task to decide, once each."""
        with self._store.write() as session:
            lock_customers(session, (call.customer,))
            intervention = session.get_one(Intervention, call.intervention)
            delivery = session.get_one(Delivery, row.key, with_for_update=True)
            if delivery.state != row.state or delivery.lease != row.lease or intervention.outcome is not None:
                return Waits(until=call.now + SOON, reason="Another attempt was faster")
            decide_by = call.now + (call.step.within or UNDECIDED)
            person = staff_for(session, intervention, Audience.OWNER, call.now)
            draft = _draft(delivery, proposal, call.now, decide_by)
            waits = _waits(session, draft, person, call.now)
            result = StepResult(state=StepState.DEFERRED, why=waits.reason, until=decide_by)
            if not write_step(session, call, result):
                # Somebody has done it by hand, or left it out.
                return Waits(until=call.now + SOON, reason="The step is over")
            delivery.state, delivery.reason = DeliveryState.DRAFT, waits.reason
            delivery.waits_for = WaitsFor.DRAFT
            delivery.deferred_until, delivery.subject = decide_by, draft.subject
            session.add_all([draft, delivery, _task(session, draft, person, call)])
            _tell(session, call, draft, waits.reason)
            return waits


def _stand(session: Session, draft: Draft, call: StepCall) -> Approval:
    match DraftState(draft.state):
        case DraftState.APPROVED:
            original = Rendered.model_validate(draft.original["text"])
            changed = {"subject": draft.subject, "text": draft.text, "html": draft.html}
            return Approved(text=original.model_copy(update=changed), by=draft.decided_by)
        case DraftState.REJECTED:
            return DoNotGo(reason=rejected_words(draft))
        case DraftState.WITHDRAWN:
            return DoNotGo(reason=draft.note)
        case DraftState.WAITING:
            intervention = session.get_one(Intervention, draft.intervention_id)
            person = staff_for(session, intervention, Audience.OWNER, call.now)
            if call.now < draft.decide_by:
                return _waits(session, draft, person, call.now)
            return TooLate(reason=f"Nobody had approved it by {_when(session, draft)}")


def rejected_words(draft: Draft) -> str:
    """Why a rejected message does not go."""
    return f"Rejected by {draft.decided_by}: {draft.note}"


def _waits(session: Session, draft: Draft, person: Staff | None, now: datetime) -> Waits:
    whose = f"{possessive(person.name)} approval" if person else "approval, and there is no owner and no lead"
    return Waits(
        until=min(draft.decide_by, now + LOOK_AGAIN),
        reason=f"It waits for {whose}, until {_when(session, draft)}",
    )


def _when(session: Session, draft: Draft) -> str:
    return minute_words(draft.decide_by, session.get_one(Organisation, draft.organisation_id).time_zone)


def _draft(delivery: Delivery, proposal: Proposal, now: datetime, decide_by: datetime) -> Draft:
    text, frame = proposal.text, proposal.frame
    original = {"text": text.model_dump(mode="json")}
    if frame is not None:
        original["frame"] = frame.model_dump(mode="json")
    return Draft(
        id=new_id(),
        organisation_id=delivery.organisation_id,
        customer_id=delivery.customer_id,
        intervention_id=delivery.intervention_id,
        step=delivery.step,
        key=delivery.key,
        channel=delivery.channel,
        recipient_id=delivery.recipient_id,
        recipient_name=delivery.recipient_name,
        subject=text.subject,
        text=text.text,
        html=text.html,
        original=original,
        created_at=now,
        decide_by=decide_by,
    )


def _task(session: Session, draft: Draft, person: Staff | None, call: StepCall) -> Task:
    customer = session.get_one(Customer, call.customer)
    what = "notification" if draft.channel == "in_app" else draft.channel
    given = given_to(session, person, call.now)
    about = f"{call.playbook} would send this {what} to {draft.recipient_name} of {customer.name}"
    return Task(
        id=new_id(),
        key=task_key(draft.id),
        organisation_id=call.organisation,
        customer_id=call.customer,
        intervention_id=call.intervention,
        kind="approval",
        title=f"Approve the {what} to {draft.recipient_name}: “{draft.subject}”",
        detail=f"{about}: {call.step.why}.\n\nRead it, change it if need be, and approve or reject it:\n"
        f"keepwell drafts show {draft.id[-8:]}\n\nWhat nobody has approved in time is not sent.",
        owner_id=given["owner_id"],
        for_id=given["for_id"],
        due_at=call.now + DUE * (draft.decide_by - call.now),
        created_at=call.now,
    )


def _tell(session: Session, call: StepCall, draft: Draft, why: str) -> None:
    journal.write(
        session,
        key=f"{draft.key}/draft.written",
        organisation=call.organisation,
        customer=call.customer,
        intervention=call.intervention,
        kind="draft.written",
        text=f"{call.step.name}: a draft for {draft.recipient_name} waits",
        why=why,
        at=call.now,
        data={"draft": draft.id, "step": call.step.name, "delivery": draft.key},
    )
