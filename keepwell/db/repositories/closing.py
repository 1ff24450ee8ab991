"""The end of an intervention: nothing of it stays planned, open or waiting."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.intervention import OpenRequest, Outcome, StepState
from keepwell.contracts.offers import OPEN_OFFER, OfferState
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories import drafts_ending, journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.team import given_to, responsible_for
from keepwell.db.tables import (
    Customer,
    Delivery,
    Intervention,
    InterventionStep,
    Offer,
    Opportunity,
    Task,
)
from keepwell.keys import new_id

OPEN_STATES = (StepState.PLANNED, StepState.DEFERRED)
ABOUT = timedelta(minutes=1)
"""An offer may hold until its playbook closes: then milliseconds must not decide whether it had its time."""


def close(session: Session, row: Intervention, outcome: Outcome, why: str, by: str, now: datetime) -> None:
    """Write the outcome; nothing of the intervention stays planned, open or waiting."""
    row.outcome, row.outcome_why, row.ended_at = outcome.value, why, now
    row.paused, row.paused_until, row.paused_at = False, None, None
    row.held_why, row.held_at = "", None
    session.add(row)
    for step in _open_steps(session, row.id):
        step.state, step.why, step.at = StepState.CANCELLED, f"{outcome.value}: {why}", now
        session.add(step)
    tasks = select(Task).where(Task.intervention_id == row.id, Task.state == "open")
    # What a recovery, an answer or a take-over has made needless is withdrawn; a playbook that simply
    # came to its end leaves its tasks to be done, and what a customer accepted was promised to them.
    if outcome is not Outcome.COMPLETED:
        promised = follow_up_steps(row)
        for task in session.exec(tasks):
            if task.step in promised:
                continue
            task.state, task.closed_at, task.closed_by = "withdrawn", now, by
            task.note = f"{outcome.value}: {why}"
            session.add(task)
    _end_offer(session, row, now)
    _end_opportunity(session, row, outcome, why, now)
    drafts_ending.withdraw(session, row.id, f"{outcome.value}: {why}", by, now)
    cancel_messages(session, row.id, why, now)
    journal.write(
        session,
        key=f"{row.id}/ended",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.id,
        kind=f"intervention.{outcome.value}",
        by=by,
        text=f"{row.playbook}@{row.version} ended: {outcome.value}",
        why=why,
        at=now,
    )


def cancel_messages(session: Session, intervention: str, why: str, now: datetime, step: str = "") -> None:
    """Let no message go any more that waits, of all steps or of one; what is under way is left alone."""
    waiting = (DeliveryState.PLANNED, DeliveryState.DEFERRED)
    query = select(Delivery).where(Delivery.intervention_id == intervention, col(Delivery.state).in_(waiting))
    for row in session.exec(query.where(Delivery.step == step) if step else query):
        row.state, row.reason, row.updated_at = DeliveryState.CANCELLED, why, now
        session.add(row)


def _open_steps(session: Session, intervention: str) -> list[InterventionStep]:
    query = select(InterventionStep).where(
        InterventionStep.intervention_id == intervention, col(InterventionStep.state).in_(OPEN_STATES)
    )
    return list(session.exec(query))


def follow_up_steps(row: Intervention) -> set[str]:
    """The names of the steps that an accepted offer has added."""
    playbook = Playbook.model_validate(row.definition)
    return {step.name for follow_up in playbook.follow_ups for step in follow_up.steps}


def _end_offer(session: Session, row: Intervention, now: datetime) -> None:
    query = select(Offer).where(Offer.intervention_id == row.id, col(Offer.state).in_(OPEN_OFFER))
    for offer in session.exec(query):
        expired = offer.valid_until <= now + ABOUT
        offer.state = OfferState.EXPIRED if expired else OfferState.WITHDRAWN
        offer.decided_at, offer.decided_by = now, journal.ENGINE
        session.add(offer)


def _end_opportunity(session: Session, row: Intervention, outcome: Outcome, why: str, now: datetime) -> None:
    if row.opportunity_id is None:
        return
    opportunity = session.get_one(Opportunity, row.opportunity_id)
    opportunity.state = "converted" if outcome is Outcome.CONVERTED else "lost"
    opportunity.reason, opportunity.closed_at = f"{outcome.value}: {why}", now
    session.add(opportunity)
    customer = session.get_one(Customer, row.customer_id)
    # What was foretold beside what came: the customer's own row will have changed when they are compared.
    journal.write(
        session,
        key=closed_key(opportunity.id),
        organisation=row.organisation_id,
        customer=row.customer_id,
        kind=f"opportunity.{opportunity.state}",
        by=journal.ENGINE,
        text=f"{opportunity.signal} was {opportunity.state}",
        why=opportunity.reason,
        at=now,
        data={
            "opportunity": opportunity.id,
            "value": opportunity.value,
            "currency": opportunity.currency,
            "detected_at": opportunity.detected_at.isoformat(),
            "began_at": row.started_at.isoformat(),
            "plan_before": opportunity.plan,
            "plan_at_close": customer.plan,
            "revenue_before": opportunity.monthly_revenue,
            "revenue_at_close": customer.monthly_revenue,
        },
    )


def closed_key(opportunity: str) -> str:
    """The key of the journal's line about the end of an opportunity's campaign."""
    return f"opportunity/{opportunity}/closed"


def close_others(session: Session, request: OpenRequest, playbook: Playbook) -> None:
    """One voice per customer: what is open of the same family ends as superseded, or was left open.

    Event playbooks have a chain each, so of them it is what is open of the same chain.
    """
    query = select(Intervention).where(
        Intervention.customer_id == request.customer,
        Intervention.family == playbook.family,
        col(Intervention.outcome).is_(None),
    )
    if playbook.family == "event":
        query = query.where(Intervention.workflow_id == request.workflow_id)
    for other in session.exec(query):
        if other.id == request.supersedes:
            why = (
                f"{playbook.label} took over: the level is {request.change.level.value}"
                if request.change
                else ""
            )
            close(session, other, Outcome.SUPERSEDED, why, journal.ENGINE, request.now)
        else:
            why = "Its run in Temporal ended without an outcome (terminated, or failed)"
            close(session, other, Outcome.FAILED, why, journal.ENGINE, request.now)


def ask_for_review(session: Session, row: Intervention, now: datetime, text: Rendered) -> None:
    customer = session.get_one(Customer, row.customer_id)
    task = {
        "id": new_id(),
        "key": f"{row.id}/review",
        "organisation_id": row.organisation_id,
        "customer_id": row.customer_id,
        "intervention_id": row.id,
        "step": "",
        "kind": "review",
        "title": text.subject,
        "detail": text.text,
        **given_to(session, responsible_for(session, customer), now),
        "due_at": now + timedelta(days=2),
        "created_at": now,
        "state": "open",
        "closed_by": "",
        "note": "",
    }
    insert_if_absent(session, "task", task)
