"""The claim of a transition: the one place that decides whether it opens an intervention."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.intervention import NotOpened, OpenRequest, Outcome, ScoreChange
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories import journal, modes
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.team import given_to, responsible_for
from keepwell.db.tables import Customer, Intervention, Opportunity, Transition
from keepwell.keys import new_id


def lock_transition(session: Session, transition: str) -> Transition:
    """The transition's row, held until the transaction ends (SQLite holds the whole file anyway)."""
    query = select(Transition).where(Transition.id == transition).with_for_update()
    return session.exec(query).one()


def decide(
    session: Session,
    row: Transition,
    decision: str,
    *,
    code: str,
    reason: str,
    now: datetime,
    intervention: str | None = None,
) -> None:
    """Write the decision and its line in the journal."""
    row.decision, row.code, row.reason, row.decided_at = decision, code, reason, now
    row.intervention_id = intervention
    session.add(row)
    change = f"{row.previous or 'new'} → {row.level}"
    if row.kind == "enrolment":
        change = f"enrolment at {row.level}"
    journal.write(
        session,
        key=f"transition/{row.id}/{decision}",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=intervention,
        kind=f"transition.{decision}",
        text=f"{change}: {'an intervention began' if decision == 'started' else 'nothing was started'}",
        why=reason,
        at=now,
        data={"transition": row.id, "score": row.score, "code": code},
    )


def refusal(session: Session, request: OpenRequest, playbook: Playbook) -> tuple[str, str] | None:
    """Why the playbook may not begin now, as a code and in words; None if it may."""
    if request.change is not None and _is_older(session, request.customer, request.change.sequence):
        return "older", "A newer transition of this customer came first"
    customer = session.get(Customer, request.customer)
    if customer is None or not customer.active:
        return "not_active", "The customer is not active any more"
    if (off := modes.switched_off(session, request.organisation, playbook.name)) is not None:
        return off
    return cooldown(session, request.customer, playbook, request.now)


def _is_older(session: Session, customer: str, sequence: int) -> bool:
    newest = session.exec(
        select(col(Transition.sequence))
        .where(Transition.customer_id == customer)
        .order_by(col(Transition.sequence).desc())
    ).first()
    return newest is not None and sequence < newest


def cooldown(session: Session, customer: str, playbook: Playbook, now: datetime) -> tuple[str, str] | None:
    """Why the playbook may not begin again so soon, as a code and in words; None if it may.

    What only the staff hear of counts as if it had not been where its cause went by itself: the next cause,
    another payment that fails, is news to them.
    """
    uncounted = [Outcome.SUPERSEDED, Outcome.FAILED]
    if playbook.beside_risk:
        uncounted.append(Outcome.RECOVERED)
    last = session.exec(
        select(Intervention)
        .where(
            Intervention.customer_id == customer,
            Intervention.playbook == playbook.name,
            col(Intervention.ended_at).is_not(None),
            col(Intervention.outcome).not_in(uncounted),
        )
        .order_by(col(Intervention.ended_at).desc())
    ).first()
    if last is not None and last.ended_at is not None and last.ended_at + playbook.cooldown > now:
        free = last.ended_at + playbook.cooldown
        return "cooldown", (
            f"{playbook.name} ended on {last.ended_at:%d %b %Y} ({last.outcome}) and may begin again on "
            f"{free:%d %b %Y}"
        )
    return None


def ask_to_look(session: Session, request: OpenRequest, change: ScoreChange, reason: str) -> None:
    """A customer that is at risk during a cooldown gets a person's eyes instead of the playbook."""
    customer = session.get_one(Customer, request.customer)
    task = {
        "id": new_id(),
        "key": f"cooldown/{change.transition}",
        "organisation_id": request.organisation,
        "customer_id": request.customer,
        "kind": "review",
        "title": f"{customer.name} is {change.level.value}: look at it by hand",
        "detail": f"The playbook does not start: {reason}.",
        **given_to(session, responsible_for(session, customer), request.now),
        "due_at": request.now + timedelta(days=1),
        "created_at": request.now,
        "state": "open",
        "step": "",
        "closed_by": "",
        "note": "",
    }
    insert_if_absent(session, "task", task)


def claim_opportunity(
    session: Session, request: OpenRequest, opportunity: str
) -> Opportunity | Intervention | NotOpened:
    """The opportunity's row if it is free to claim; else what an earlier call has made of it."""
    query = select(Opportunity).where(Opportunity.id == opportunity).with_for_update()
    row = session.exec(query).one()
    if row.intervention_id is None:
        return row if row.state == "open" else NotOpened(reason=f"The opportunity is {row.state}")
    opened = session.get_one(Intervention, row.intervention_id)
    if opened.start == request.start and opened.outcome is None:
        return opened
    if opened.start == request.start:
        return NotOpened(reason=f"Intervention {opened.id} has ended: {opened.outcome_why}")
    return NotOpened(reason=f"Opportunity {row.id} has opened intervention {opened.id} already")


def claimed_by(session: Session, request: OpenRequest, row: Transition) -> Intervention | NotOpened | None:
    """What an earlier call has decided: our own intervention again, a refusal, or nothing yet."""
    if row.decision is None:
        return None
    if row.decision == "started" and row.intervention_id is not None:
        opened = session.get_one(Intervention, row.intervention_id)
        if opened.start == request.start and opened.outcome is None:
            return opened
        if opened.start == request.start:
            # A `workflow reset` of a run whose intervention is over: it must not be played again.
            return NotOpened(reason=f"Intervention {opened.id} has ended: {opened.outcome_why}")
        return NotOpened(reason=f"Transition {row.id} has opened intervention {opened.id} already")
    return NotOpened(reason=row.reason)
