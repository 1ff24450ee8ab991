"""Interventions: open, refuse, record, end. Each is one transaction and may be called again."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import AlertState
from keepwell.contracts.intervention import (
    AlertCause,
    Ended,
    Ending,
    Note,
    NotOpened,
    Opened,
    OpenRequest,
    Opportunity,
    Record,
    Recorded,
    Refusal,
    StepState,
)
from keepwell.contracts.playbook import Playbook
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories import (
    claims,
    closing,
    event_alerts,
    holding,
    journal,
    noting,
    offer_refused,
    silencing,
)
from keepwell.db.repositories.alerts import lock_customers
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Customer, Intervention, InterventionStep, Organisation, Staff, Transition
from keepwell.keys import new_id


class InterventionRepository:
    """Implements the port `Interventions`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(self, request: OpenRequest) -> Opened | NotOpened:
        """Claim the transition and open the intervention, or decide that it opens none."""
        playbook = request.playbook
        if playbook is None:
            raise ValueError("open() needs the playbook; the activity resolves it")
        if request.opportunity is not None:
            return self._open_campaign(request, request.opportunity, playbook)
        if request.alert is not None:
            return self._open_event(request, request.alert, playbook)
        assert request.change is not None  # noqa: S101  (the workflow's input has one of them)
        with self._store.write() as session:
            # The customer first, here and everywhere: what waits for another in turn waits for ever.
            lock_customers(session, (request.customer,))
            row = claims.lock_transition(session, request.change.transition)
            earlier = claims.claimed_by(session, request, row)
            if isinstance(earlier, Intervention):
                return _opened(session, earlier)
            if earlier is not None:
                return earlier
            refused = claims.refusal(session, request, playbook)
            if refused is not None:
                code, reason = refused
                claims.decide(session, row, "refused", code=code, reason=reason, now=request.now)
                if code == "cooldown":
                    claims.ask_to_look(session, request, request.change, reason)
                return _not_opened(session, request.customer, reason)
            closing.close_others(session, request, playbook)
            intervention = _insert(session, request, playbook)
            reason = f"{playbook.label} began"
            claims.decide(
                session,
                row,
                "started",
                code="started",
                reason=reason,
                now=request.now,
                intervention=intervention.id,
            )
            return _opened(session, intervention)

    def _open_campaign(
        self, request: OpenRequest, opportunity: Opportunity, playbook: Playbook
    ) -> Opened | NotOpened:
        with self._store.write() as session:
            lock_customers(session, (request.customer,))
            row = claims.claim_opportunity(session, request, opportunity.id)
            if isinstance(row, NotOpened):
                return row
            if isinstance(row, Intervention):
                return _opened(session, row)
            refused = claims.refusal(session, request, playbook)
            if refused is not None:
                row.reason = refused[1]
                session.add(row)
                return NotOpened(reason=refused[1])
            closing.close_others(session, request, playbook)
            intervention = _insert(session, request, playbook)
            row.state, row.intervention_id, row.reason = "running", intervention.id, ""
            session.add(row)
            return _opened(session, intervention)

    def _open_event(self, request: OpenRequest, alert: AlertCause, playbook: Playbook) -> Opened | NotOpened:
        with self._store.write() as session:
            row = event_alerts.lock_alert(session, alert.id)
            earlier = event_alerts.claimed_by(session, request, row)
            if isinstance(earlier, Intervention):
                return _opened(session, earlier)
            if earlier is not None:
                return earlier
            if row.trigger not in playbook.triggers:
                # It has grown into what another playbook goes with: that one is to decide upon it.
                return NotOpened(reason=f"The alert is now {row.trigger}: not for {playbook.name}")
            closing.close_others(session, request, playbook)
            session.flush()
            refused = event_alerts.refusal(session, row, playbook, request.now)
            if refused is not None:
                event_alerts.refuse(session, row, playbook, refused, request.now)
                return NotOpened(reason=refused[1])
            intervention = _insert(session, request, playbook)
            event_alerts.decide(
                session,
                row,
                "started",
                reason=f"{playbook.label} began",
                now=request.now,
                intervention=intervention.id,
            )
            if row.state == AlertState.ACKNOWLEDGED:
                note = event_alerts.in_hand_before(row, playbook, request.now)
                self._note(session, _record(intervention, note), intervention, note)
            return _opened(session, intervention)

    def refuse(self, refusal: Refusal) -> NotOpened:
        """Decide that a transition opens nothing; whether the customer's campaign has to hear of it."""
        with self._store.write() as session:
            row = claims.lock_transition(session, refusal.transition)
            if row.decision is None:
                claims.decide(
                    session, row, "refused", code=refusal.code, reason=refusal.reason, now=refusal.now
                )
            return _not_opened(session, row.customer_id, refusal.reason)

    def record(self, record: Record) -> Recorded:
        """Write lines to the timeline with what follows from them."""
        unknown = ""
        with self._store.write() as session:
            # A line may change the owner or the plan, or take the alert in hand.
            lock_customers(session, (record.customer,))
            row = session.get(Intervention, record.intervention) if record.intervention else None
            if row is not None and row.alert_id is not None and _acknowledges(record):
                # Somebody may acknowledge the alert itself at this very moment.
                event_alerts.lock_alert(session, row.alert_id)
            for note in record.notes:
                unknown = self._note(session, record, row, note) or unknown
            session.flush()
            owner = session.get(Staff, row.owner_id) if row is not None and row.owner_id else None
            return Recorded(
                owner=owner.id if owner else None,
                owner_name=owner.name if owner else "",
                unknown=unknown,
                shift=row.shift if row is not None else None,
                paused_at=row.paused_at if row is not None else None,
                held_at=row.held_at if row is not None else None,
            )

    def _note(self, session: Session, record: Record, row: Intervention | None, note: Note) -> str:
        changes, kind, why, unknown = note.changes, note.kind, note.why, ""
        if changes is not None and changes.owner is not None:
            staff = find_staff(session, record.organisation, changes.owner)
            if staff is None:
                unknown = changes.owner
                kind, why = "command.refused", f"nobody on the staff is called {unknown!r}"
                changes = None
            else:
                changes = changes.model_copy(update={"owner": staff.id})
        written = journal.write(
            session,
            key=f"{record.intervention or record.customer}/{note.key}",
            organisation=record.organisation,
            customer=record.customer,
            intervention=record.intervention,
            kind=kind,
            by=note.by,
            text=note.text,
            why=why,
            at=note.at,
        )
        if written and row is not None and changes is not None:
            noting.apply(session, row, note, changes)
        if written and kind == "command.refused":
            offer_refused.by_run(session, note.key, why, note.at)
        return unknown

    def end(self, ending: Ending, review: Rendered | None) -> Ended:
        """Close the intervention: cancel what is planned, withdraw open tasks, write the outcome."""
        with self._store.write() as session:
            lock_customers(session, (ending.customer,))
            row = session.get_one(Intervention, ending.intervention, with_for_update=True)
            if row.outcome is None:
                closing.close(session, row, ending.outcome, ending.why, ending.by, ending.now)
                if row.family == "event":
                    event_alerts.look_again(session, row)
            if review is not None:
                closing.ask_for_review(session, row, ending.now, review)
            if ending.transition is not None:
                transition = claims.lock_transition(session, ending.transition)
                if transition.decision is None:
                    claims.decide(
                        session,
                        transition,
                        "refused",
                        code=ending.outcome.value,
                        reason=f"No playbook is needed: {ending.why}; intervention {row.id} ended",
                        now=ending.now,
                    )
            session.flush()
            return Ended(releases=row.family == "risk" and holding.may_go_on(session, row.customer_id))


def _record(row: Intervention, note: Note) -> Record:
    return Record(
        organisation=row.organisation_id, customer=row.customer_id, intervention=row.id, notes=(note,)
    )


def _acknowledges(record: Record) -> bool:
    """Whether a line says that somebody has the customer in hand."""
    return any(note.changes and note.changes.acknowledged_by is not None for note in record.notes)


def find_staff(session: Session, organisation: str, who: str) -> Staff | None:
    """A member of staff by our id, their own id or their email address."""
    staff = session.get(Staff, who)
    if staff is not None and staff.organisation_id == organisation:
        return staff if staff.active else None
    query = select(Staff).where(
        Staff.organisation_id == organisation,
        col(Staff.active).is_(True),
        (col(Staff.external_id) == who) | (col(Staff.email) == who),
    )
    return session.exec(query).first()


def _insert(session: Session, request: OpenRequest, playbook: Playbook) -> Intervention:
    customer = session.get_one(Customer, request.customer)
    cause = request.change or request.opportunity or request.alert
    assert cause is not None  # noqa: S101  (the workflow's input has one of them)
    held = holding.held_because(session, customer.id) if playbook.family == "expansion" else ""
    row = Intervention(
        id=new_id(),
        organisation_id=request.organisation,
        customer_id=request.customer,
        family=playbook.family,
        transition_id=request.change.transition if request.change else None,
        opportunity_id=request.opportunity.id if request.opportunity else None,
        alert_id=request.alert.id if request.alert else None,
        start=request.start,
        workflow_id=request.workflow_id,
        playbook=playbook.name,
        version=playbook.version,
        definition=playbook.model_dump(mode="json"),
        level=cause.level.value if cause.level is not None else None,
        score=cause.score,
        owner_id=customer.owner_id,
        supersedes=request.supersedes,
        started_at=request.now,
        **_pause(session, request, playbook),
        held_why=held,
        held_at=request.now if held else None,
    )
    session.add(row)
    session.flush()
    _insert_steps(session, row, playbook)
    journal.write(
        session,
        key=f"{row.id}/began",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=row.id,
        kind="intervention.began",
        text=f"{playbook.label} began for {customer.name}",
        why=_began_because(session, request),
        at=request.now,
    )
    return row


def _began_because(session: Session, request: OpenRequest) -> str:
    """What opened it: a sign that the customer could use more, an alert, or where the level was and is."""
    change = request.change
    if change is None:
        sign = request.opportunity or request.alert
        return sign.words if sign is not None else ""
    points = f"score {change.score:.1f}"
    row = session.get(Transition, change.transition)
    if row is not None and row.kind == "enrolment":
        return f"Enrolled at {change.level.value}, {points}"
    if change.previous in (None, change.level):
        return f"The level is {change.level.value}, {points}"
    return f"The level went from {change.previous.value} to {change.level.value}, {points}"


def _insert_steps(session: Session, row: Intervention, playbook: Playbook) -> None:
    for position, step in enumerate(playbook.steps):
        session.add(
            InterventionStep(
                intervention_id=row.id,
                name=step.name,
                position=position,
                kind=step.kind,
                offset=step.at,
                state=StepState.PLANNED,
                planned_at=row.started_at + step.at,
                why=step.why,
            )
        )


def _pause(session: Session, request: OpenRequest, playbook: Playbook) -> dict[str, Any]:
    """A pause that goes on: the one of the run before, or one on another of the customer's playbooks."""
    until, reason, paused = request.paused_until, request.pause_reason, request.paused
    other = holding.paused_elsewhere(session, request.customer, playbook.family)
    if not paused and other is not None:
        paused, until = True, other.paused_until
        reason = other.pause_reason or f"{other.playbook}@{other.version} is paused"
    return {
        "paused": paused,
        "paused_until": until if paused else None,
        "pause_reason": reason if paused else "",
        "paused_at": request.now if paused else None,
    }


def _not_opened(session: Session, customer: str, reason: str) -> NotOpened:
    return NotOpened(
        reason=reason,
        holds=holding.must_hold(session, customer),
        releases=holding.may_go_on(session, customer),
    )


def _opened(session: Session, row: Intervention) -> Opened:
    customer = session.get_one(Customer, row.customer_id)
    organisation = session.get_one(Organisation, row.organisation_id)
    owner = session.get(Staff, row.owner_id) if row.owner_id else None
    return Opened(
        intervention=row.id,
        customer_name=customer.name,
        owner=row.owner_id,
        owner_name=owner.name if owner else "",
        started_at=row.started_at,
        shift=row.shift,
        paused_at=row.paused_at,
        paused_until=row.paused_until,
        pause_reason=row.pause_reason,
        held=row.held_why,
        held_at=row.held_at,
        holds=row.family == "risk" and holding.must_hold(session, row.customer_id),
        zone=first_zone(organisation.time_zone),
        silences=silencing.to_silence(session, row),
        acknowledged_by=row.acknowledged_by if row.family == "event" else "",
    )
