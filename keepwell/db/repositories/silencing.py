"""One voice per customer: which of its event playbooks write to it, and which have to give way."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.contracts.events import silent_words
from keepwell.contracts.intervention import Silenced
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.holding import open_of
from keepwell.db.tables import Intervention


def open_events(session: Session, customer: str, playbook: str = "") -> list[Intervention]:
    """The customer's open event interventions, oldest first; all, or those of one playbook."""
    query = select(Intervention).where(
        Intervention.customer_id == customer,
        Intervention.family == "event",
        col(Intervention.outcome).is_(None),
    )
    if playbook:
        query = query.where(Intervention.playbook == playbook)
    return list(session.exec(query.order_by(col(Intervention.id))).all())


def loud(session: Session, customer: str) -> list[Intervention]:
    """The open event interventions that are there to write to the customer, oldest first."""
    return [row for row in open_events(session, customer) if speaks(row)]


def to_silence(session: Session, row: Intervention) -> tuple[Silenced, ...]:
    """The event playbooks that give way to an intervention that has just been opened.

    A risk playbook silences all that write to the customer, and so does a graver one of them.
    """
    others = loud(session, row.customer_id) if row.family == "risk" or speaks(row) else []
    return tuple(
        Silenced(intervention=one.id, workflow_id=one.workflow_id)
        for one in others
        if row.family == "risk" or one.id < row.id
    )


def silent_because(session: Session, row: Intervention) -> str:
    """Why an event playbook must not write to its customer now; empty if it may."""
    risk = open_of(session, row.customer_id, "risk")
    newer = [other for other in loud(session, row.customer_id) if other.id > row.id] if speaks(row) else []
    found = risk or next(iter(newer), None)
    return silent_words(f"{found.playbook}@{found.version}") if found is not None else ""


def speaks(row: Intervention) -> bool:
    """Whether an intervention's playbook is there to write to its customer because of an alert."""
    return row.family == "event" and Playbook.model_validate(row.definition).speaks
