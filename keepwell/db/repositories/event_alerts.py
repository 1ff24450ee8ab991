"""Alerts as event playbooks are started from them: who may begin, what was decided, what is over."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import LIVE_ALERTS, AlertDecision, AlertSeverity, AlertState, Trigger
from keepwell.contracts.events import AdmittedAlert, CauseGone, silent_words
from keepwell.contracts.intervention import AlertCause, Changes, Note, NotOpened, OpenRequest, StepState
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories import journal, modes
from keepwell.db.repositories.alerts import lock_customers, undecide
from keepwell.db.repositories.claims import cooldown
from keepwell.db.repositories.events_said import ask_owner, spare_owner, words_of
from keepwell.db.repositories.holding import open_of
from keepwell.db.repositories.silencing import loud, open_events
from keepwell.db.tables import Alert, Customer, Health, Intervention
from scoring.levels import Level

Refused = tuple[str, str]
"""A code, and the reason in words."""

TASK_FOR = ("risk_runs", "other_voice", "paused", "cooldown", "running")
"""The codes with which a grave alert becomes a task for the owner: nobody else acts on it."""


class EventAlertRepository:
    """Implements the port `EventAlerts`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def trigger_of(self, alert: str) -> Trigger | None:
        """What raised an alert that nobody has decided upon; None for one that is decided, or unknown."""
        with self._store.read() as session:
            row = session.get(Alert, alert)
            return Trigger(row.trigger) if row is not None and row.decision is None else None

    def admit(self, alert: str, playbook: Playbook | None, now: datetime) -> AdmittedAlert | None:
        """The alert, if the playbook may begin with it now. If not, the alert is decided with the reason.

        The run that begins asks again, with the customer locked: what changes in between counts.
        """
        with self._store.write() as session:
            row = lock_alert(session, alert)
            if row.decision is not None:
                return None
            if playbook is None:
                decide(session, row, "none", reason=f"No playbook goes with {row.trigger}", now=now)
                return None
            if row.trigger not in playbook.triggers:
                # It grew graver since its playbook was looked up: the next pass looks again.
                return None
            refused = refusal(session, row, playbook, now)
            if refused is not None:
                refuse(session, row, playbook, refused, now)
                return None
            customer = session.get_one(Customer, row.customer_id)
            level, score = _health(session, row.customer_id)
            return AdmittedAlert(
                organisation=row.organisation_id,
                customer=row.customer_id,
                customer_name=customer.name,
                cause=AlertCause(
                    id=row.id,
                    trigger=Trigger(row.trigger),
                    severity=AlertSeverity(row.severity),
                    words=row.words,
                    level=level,
                    score=score,
                    at=row.escalated_at or row.raised_at,
                    due_at=row.due_at,
                ),
            )

    def runs_already(self, alert: str, playbook: Playbook, now: datetime) -> None:
        """Decide that an alert starts nothing because its playbook runs for another alert already.

        A run that has not claimed its alert yet may be there for this very one: then nothing is decided. Nor
        where the cause of what runs is gone: it is about to end, and the next pass may begin anew.
        """
        with self._store.write() as session:
            row = lock_alert(session, alert)
            running = open_events(session, row.customer_id, playbook.name)
            if row.decision is not None or row.trigger not in playbook.triggers:
                return
            if running and not _is_ending(session, running[0]):
                label = f"{running[0].playbook}@{running[0].version}"
                refuse(session, row, playbook, ("running", f"{label} runs already"), now)

    def gone(self, organisation: str) -> tuple[CauseGone, ...]:
        """Event playbooks that still run though the cause of their alert is gone."""
        query = (
            select(Intervention, Alert.closed_why, Alert.trigger)
            .join(Alert, col(Alert.id) == col(Intervention.alert_id))
            .where(Intervention.organisation_id == organisation, Intervention.family == "event")
            .where(col(Intervention.outcome).is_(None), col(Alert.state).not_in(LIVE_ALERTS))
            .order_by(col(Intervention.id))
        )
        with self._store.read() as session:
            return tuple(
                CauseGone(
                    organisation=row.organisation_id,
                    customer=row.customer_id,
                    intervention=row.id,
                    workflow_id=row.workflow_id,
                    why=why or f"{trigger} is over",
                )
                for row, why, trigger in session.exec(query).all()
            )


def _is_ending(session: Session, running: Intervention) -> bool:
    """Whether the cause of an event playbook that runs is gone, so that it ends as soon as it hears of it."""
    own = session.get(Alert, running.alert_id) if running.alert_id is not None else None
    return own is not None and own.state not in LIVE_ALERTS


def lock_alert(session: Session, alert: str) -> Alert:
    """The alert's row, held until the transaction ends (SQLite holds the whole file anyway).

    Its customer is held, too, and first: whoever raises, closes or decides upon alerts takes the customer
    before them, or two of them would wait for each other.
    """
    lock_customers(session, session.exec(select(Alert.customer_id).where(Alert.id == alert)).all())
    query = select(Alert).where(Alert.id == alert).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def claimed_by(session: Session, request: OpenRequest, row: Alert) -> Intervention | NotOpened | None:
    """What an earlier call has decided: our own intervention again, a refusal, or nothing yet."""
    own = session.exec(
        select(Intervention).where(Intervention.alert_id == row.id, Intervention.start == request.start)
    ).first()
    if own is not None:
        ended = NotOpened(reason=f"Intervention {own.id} has ended: {own.outcome_why}")
        return own if own.outcome is None else ended
    if row.decision is None:
        return None
    if row.intervention_id is not None:
        return NotOpened(reason=f"Alert {row.id} has opened intervention {row.intervention_id} already")
    return NotOpened(reason=row.reason)


def refusal(session: Session, row: Alert, playbook: Playbook, now: datetime) -> Refused | None:
    """Why the playbook may not begin with this alert now; None if it may."""
    if row.state == AlertState.CLOSED:
        return "gone", f"Its cause was gone before: {row.closed_why}"
    return hindrance(session, row.customer_id, playbook, now, row)


def hindrance(
    session: Session, customer: str, playbook: Playbook, now: datetime, row: Alert | None = None
) -> Refused | None:
    """Why an event playbook may not begin for a customer now, with this alert or with any; None if it may."""
    who = session.get_one(Customer, customer)
    if not who.active:
        return "not_active", "The customer is not active any more"
    if (off := modes.switched_off(session, who.organisation_id, playbook.name)) is not None:
        return off
    if (rests := cooldown(session, customer, playbook, now)) is not None:
        return rests
    return _silenced(session, customer, playbook, row) if playbook.speaks else None


def _silenced(session: Session, customer: str, playbook: Playbook, row: Alert | None) -> Refused | None:
    """Why nothing else may be written to the customer now; None if it may.

    Whether the playbook itself runs already is for Temporal to say: its run may be gone, its row still open.
    """
    risk = open_of(session, customer, "risk")
    if risk is not None:
        return "risk_runs", silent_words(f"{risk.playbook}@{risk.version}")
    campaign = open_of(session, customer, "expansion")
    if campaign is not None and campaign.paused:
        why = f": {campaign.pause_reason}" if campaign.pause_reason else ""
        return "paused", f"{campaign.playbook}@{campaign.version} was paused by a person{why}"
    for other in loud(session, customer):
        if other.playbook != playbook.name and (row is None or not graver(session, row, other)):
            return "other_voice", silent_words(f"{other.playbook}@{other.version}")
    return None


def graver(session: Session, row: Alert, other: Intervention) -> bool:
    """Whether an alert is graver than the one that opened an intervention, or is the same grown graver."""
    if other.alert_id is None or other.alert_id == row.id:
        return True
    before = session.get_one(Alert, other.alert_id)
    return AlertSeverity(row.severity).rank < AlertSeverity(before.severity).rank


def refuse(session: Session, row: Alert, playbook: Playbook, refused: Refused, now: datetime) -> None:
    """Decide that the alert starts nothing. What nobody else acts on becomes a task for the owner."""
    code, reason = refused
    decide(session, row, "refused", reason=reason, now=now)
    if code in TASK_FOR and row.severity == AlertSeverity.CRITICAL:
        ask_owner(session, row, playbook, reason, now)


def decide(
    session: Session,
    row: Alert,
    decision: AlertDecision,
    *,
    reason: str,
    now: datetime,
    intervention: str | None = None,
) -> None:
    """Write the decision and, where there is a playbook, its line in the journal."""
    row.decision, row.reason, row.decided_at, row.intervention_id = decision, reason, now, intervention
    session.add(row)
    if decision == "none":
        return
    if decision == "started":
        spare_owner(session, row, reason, now)
    began = "an intervention began" if decision == "started" else "nothing was started"
    journal.write(
        session,
        key=f"alert/{row.id}/{row.trigger}/{decision}",
        organisation=row.organisation_id,
        customer=row.customer_id,
        intervention=intervention,
        kind=f"alert.{decision}",
        text=f"{words_of(row)}: {began}",
        why=reason,
        at=now,
        data={"alert": row.id, "trigger": row.trigger, "severity": row.severity},
    )


def in_hand_before(row: Alert, playbook: Playbook, now: datetime) -> Note:
    """The line of an intervention whose alert somebody had in hand before it began: nobody escalates it."""
    needless = [step.name for step in playbook.steps if step.unless == "acknowledged"]
    return Note(
        key="acknowledged_before",
        kind="command.acknowledge",
        by=row.acknowledged_by,
        text="Acknowledged",
        why="The alert was acknowledged before this began",
        at=now,
        changes=Changes(
            acknowledged_by=row.acknowledged_by, steps=dict.fromkeys(needless, StepState.CANCELLED)
        ),
    )


def look_again(session: Session, ended: Intervention) -> None:
    """Let alerts be decided anew that a playbook for the staff was refused for, now that it has ended.

    What is for the customer is not made up for: a nudge that comes days late would be absurd.
    """
    playbook = Playbook.model_validate(ended.definition)
    if not playbook.beside_risk:
        return
    query = select(Alert).where(
        Alert.customer_id == ended.customer_id,
        col(Alert.trigger).in_([one.value for one in playbook.triggers]),
        col(Alert.state).in_(LIVE_ALERTS),
        Alert.decision == "refused",
    )
    for row in session.exec(query).all():
        undecide(row)
        session.add(row)


def _health(session: Session, customer: str) -> tuple[Level | None, float | None]:
    """The level and score a customer stands at; None and None for one that was never scored."""
    health = session.get(Health, customer)
    if health is None or health.level is None or health.score is None:
        return None, None
    return Level(health.level), health.score
