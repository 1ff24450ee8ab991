"""What steps leave behind: an owner, tasks, documents, and the fallback when a step was not done."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.delivery import Attachment
from keepwell.contracts.intervention import Miss, StepCall, StepResult, StepState
from keepwell.contracts.offers import OfferMade
from keepwell.contracts.people import StaffRole
from keepwell.contracts.playbook import Audience, Offer
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories import drafts_ending, journal
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.closing import cancel_messages
from keepwell.db.repositories.deadlines import missed_step
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.offers import make_offer
from keepwell.db.repositories.step_rows import write_step
from keepwell.db.repositories.team import given_to, is_there, owner_or_lead, staff_for, standing_words
from keepwell.db.tables import Customer, Document, Intervention, Organisation, Staff, Task
from keepwell.keys import new_id, step_key
from keepwell.moments import minute_words

FALLBACK = "fallback"
FALLBACK_DUE = timedelta(hours=4)


class StepRepository:
    """Implements the port `Steps`. Each method is one transaction and may be called again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def assign(self, call: StepCall) -> StepResult:
        """Make sure that somebody owns the customer; who has no owner gets the least loaded CSM."""
        with self._store.write() as session:
            lock_customers(session, (call.customer,))
            row = session.get_one(Intervention, call.intervention, with_for_update=True)
            customer = session.get_one(Customer, call.customer)
            owner = session.get(Staff, row.owner_id) if row.owner_id else None
            if owner is not None and owner.active:
                why = f"{owner.name} owns {customer.name}"
            else:
                owner = _least_loaded(session, call.organisation, call.now)
                if owner is None:
                    return _nobody(session, call, customer)
                row.owner_id = customer.owner_id = owner.id
                session.add_all([row, customer])
                why = f"{owner.name} has the fewest open tasks of the CSMs and owns {customer.name} now"
            result = StepResult(state=StepState.DONE, why=why, owner=owner.id, owner_name=owner.name)
            if write_step(session, call, result):
                _tell(session, call, "step.assigned", why, call.step.why)
            return result

    def add_task(
        self, call: StepCall, kind: str, audience: Audience, due: datetime, text: Rendered
    ) -> StepResult:
        """Create the step's task, once."""
        with self._store.write() as session:
            owner = _insert_task(session, call, kind, audience, due, text)
            whom = owner.name if owner else "nobody yet: there is no owner and no lead"
            # When it is due stands in the task itself, wherever it is shown.
            result = StepResult(state=StepState.DONE, why=f"task for {whom}")
            if write_step(session, call, result):
                _tell(session, call, f"task.{kind}", f"{text.subject} ({whom})", call.step.why)
            return result

    def add_document(self, call: StepCall, text: Rendered) -> StepResult:
        """Keep the step's document, once."""
        values = {
            "id": new_id(),
            "organisation_id": call.organisation,
            "customer_id": call.customer,
            "intervention_id": call.intervention,
            "step": call.step.name,
            "title": text.subject,
            "html": text.html,
            "text": text.text,
            "created_at": call.now,
        }
        with self._store.write() as session:
            insert_if_absent(session, "document", values)
            result = StepResult(state=StepState.DONE, why=f"wrote “{text.subject}”")
            if write_step(session, call, result):
                _tell(session, call, "step.document", text.subject, call.step.why)
            return result

    def add_offer(self, call: StepCall, offer: Offer) -> StepResult:
        """Keep the offer, once; it may be accepted from now on."""
        with self._store.write() as session:
            row = make_offer(session, call, offer)
            kinds = ", ".join(option.kind.words for option in offer.options)
            zone = session.get_one(Organisation, call.organisation).time_zone
            result = StepResult(
                state=StepState.DONE,
                why=f"offered until {minute_words(row.valid_until, zone)}: {kinds}",
                offer=OfferMade(step=offer.name, until=row.valid_until),
            )
            if write_step(session, call, result):
                _tell(session, call, "offer.made", f"Offered: {kinds}", call.step.why)
            return result

    def document(self, intervention: str, step: str) -> Attachment | None:
        """A document that an earlier step wrote, as an attachment."""
        query = select(Document).where(Document.intervention_id == intervention, Document.step == step)
        with self._store.read() as session:
            row = session.exec(query).first()
        if row is None:
            return None
        return Attachment(filename=f"{step}.html", media_type="text/html", content=row.html)

    def add_fallback(self, call: StepCall, text: Rendered, reason: str) -> None:
        """Give a person the task to look after a step that was done in another way than meant, once."""
        with self._store.write() as session:
            due = call.now + FALLBACK_DUE
            owner = _insert_task(session, call, FALLBACK, Audience.OWNER, due, text)
            whom = owner.name if owner else "nobody yet: there is no owner and no lead"
            _tell(session, call, f"task.{FALLBACK}", f"{text.subject} ({whom})", reason)

    def fall_back(self, miss: Miss, text: Rendered) -> StepResult:
        """Write why a step was not done, raise the alert, and give a person the task to do it by hand."""
        call = miss.call
        result = StepResult(state=miss.state, why=miss.reason)
        with self._store.write() as session:
            # The miss may raise an alert, and whoever does so holds the customer's lock.
            lock_customers(session, (call.customer,))
            if not write_step(session, call, result):
                return result
            steps = (call.step.name,)
            drafts_ending.withdraw(
                session, call.intervention, miss.reason, journal.ENGINE, call.now, steps=steps
            )
            _insert_task(session, call, FALLBACK, Audience.OWNER, call.now + FALLBACK_DUE, text)
            if miss.state is StepState.MISSED:
                # A person has the task now: an attempt that comes late must not send beside them.
                cancel_messages(session, call.intervention, miss.reason, call.now, step=call.step.name)
            if miss.state in (StepState.MISSED, StepState.HELD):
                missed_step(session, miss, _task_key(call, FALLBACK))
            kind = "alert.missed" if miss.state is StepState.MISSED else f"step.{miss.state.value}"
            _tell(session, call, kind, f"{call.step.name} was {miss.state.value}", miss.reason)
        return result


def _least_loaded(session: Session, organisation: str, now: datetime) -> Staff | None:
    """The CSM with the fewest open tasks; who is away gets none as long as somebody is there."""
    load = (
        select(col(Task.owner_id), func.count().label("open"))
        .where(Task.state == "open")
        .group_by(col(Task.owner_id))
        .subquery()
    )
    query = (
        select(Staff)
        .outerjoin(load, load.c.owner_id == Staff.id)
        .where(
            Staff.organisation_id == organisation,
            Staff.role == StaffRole.CSM.value,
            col(Staff.active).is_(True),
        )
        .order_by(func.coalesce(load.c.open, 0), col(Staff.id))
    )
    found = session.exec(query).all()
    return next((one for one in found if is_there(session, one, now)), next(iter(found), None))


def _person(session: Session, call: StepCall, audience: Audience) -> Staff | None:
    """For whom a task is meant: the owner also while they are away, of others whoever is there."""
    intervention = session.get_one(Intervention, call.intervention)
    if audience is not Audience.OWNER:
        return staff_for(session, intervention, audience, call.now)
    customer = session.get_one(Customer, call.customer)
    return owner_or_lead(session, call.organisation, intervention.owner_id or customer.owner_id)


def _nobody(session: Session, call: StepCall, customer: Customer) -> StepResult:
    why = f"{customer.name} has no owner, and the organisation has no active CSM: import staff"
    result = StepResult(state=StepState.SKIPPED, why=why)
    if write_step(session, call, result):
        text = Rendered(subject=f"Find a CSM for {customer.name}", text=why)
        _insert_task(session, call, FALLBACK, Audience.LEAD, call.now, text)
        _tell(session, call, "step.skipped", "assign_csm was skipped", why)
    return result


def _insert_task(
    session: Session, call: StepCall, kind: str, audience: Audience, due: datetime, text: Rendered
) -> Staff | None:
    """Create a task, once; whoever has it now."""
    given = given_to(session, _person(session, call, audience), call.now)
    owner = session.get(Staff, given["owner_id"]) if given["owner_id"] else None
    intervention = session.get_one(Intervention, call.intervention)
    words = standing_words(session, intervention, owner, call.now) if owner is not None else ""
    values = {
        "id": new_id(),
        **given,
        "key": _task_key(call, kind),
        "organisation_id": call.organisation,
        "customer_id": call.customer,
        "intervention_id": call.intervention,
        "step": call.step.name,
        "kind": kind,
        "title": text.subject,
        "detail": f"{words[:1].upper()}{words[1:]}.\n\n{text.text}" if words else text.text,
        "due_at": due,
        "created_at": call.now,
        "state": "open",
        "closed_by": "",
        "note": "",
    }
    insert_if_absent(session, "task", values)
    return owner


def _task_key(call: StepCall, kind: str) -> str:
    return step_key(call.intervention, call.step.name) + ("/fallback" if kind == FALLBACK else "")


def _tell(session: Session, call: StepCall, kind: str, text: str, why: str) -> None:
    journal.write(
        session,
        key=f"{step_key(call.intervention, call.step.name)}/{kind}",
        organisation=call.organisation,
        customer=call.customer,
        intervention=call.intervention,
        kind=kind,
        text=text,
        why=why,
        at=call.now,
        data={"step": call.step.name},
    )
