"""Stops for sending that people throw and lift: for everything, for a playbook, for a customer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from keepwell.contracts.delivery import DeliveryState, WaitsFor
from keepwell.db.repositories import journal, pending
from keepwell.db.repositories.lookup import found
from keepwell.db.tables import Customer, Delivery, Intervention, KillSwitch
from keepwell.errors import NotFoundError
from keepwell.keys import new_id

Scope = Literal["all", "playbook", "customer"]


@dataclass(frozen=True)
class Stop:
    """What is stopped: `subject` is a playbook's name, a customer's id, or empty for everything."""

    organisation: str
    scope: Scope = "all"
    subject: str = ""


def thrown(session: Session, organisation: str) -> list[KillSwitch]:
    """The stops in force, the oldest first."""
    query = select(KillSwitch).where(
        KillSwitch.organisation_id == organisation, col(KillSwitch.lifted_at).is_(None)
    )
    return list(session.exec(query.order_by(col(KillSwitch.thrown_at), col(KillSwitch.id))))


def stopped_because(session: Session, row: Intervention) -> str:
    """Why nothing goes out for an intervention now; "" where nobody has stopped it."""
    return stopped_by(thrown(session, row.organisation_id), row)


def stopped_by(switches: Iterable[KillSwitch], row: Intervention) -> str:
    """The same, with the stops that are in force."""
    for switch in switches:
        if switch.scope == "all" or switch.subject in (row.playbook, row.customer_id):
            what = {"all": "Sending", "playbook": f"Sending of {switch.subject}"}.get(
                switch.scope, "Sending to this customer"
            )
            why = f": {switch.reason}" if switch.reason else ""
            return f"{what} was stopped by {switch.thrown_by}{why}"
    return ""


def stop_of(switches: Iterable[KillSwitch], customer: str) -> KillSwitch | None:
    """The customer's own stop of those that are in force; None where there is none."""
    return next((one for one in switches if (one.scope, one.subject) == ("customer", customer)), None)


def throw(session: Session, stop: Stop, *, reason: str, by: str, now: datetime) -> bool:
    """Stop sending from the next attempt on; False where it is stopped already.

    Raises NotFoundError for a customer that is unknown.
    """
    words = _words(session, stop)
    if _of(session, stop):
        return False
    row = KillSwitch(
        id=new_id(),
        organisation_id=stop.organisation,
        scope=stop.scope,
        subject=stop.subject,
        reason=reason,
        thrown_by=by,
        thrown_at=now,
    )
    session.add(row)
    _tell(session, stop, row.id, "sending.stopped", f"Sending {words} was stopped", by, reason, now)
    return True


def lift(session: Session, stop: Stop, *, reason: str, by: str, now: datetime) -> int:
    """Let what was stopped go on, and ask the runs that wait for it to look again; how many they are.

    Raises NotFoundError where it is not stopped.
    """
    words = _words(session, stop)
    rows = _of(session, stop)
    if not rows:
        raise NotFoundError(
            f"Sending {words} is not stopped.", hint="See what is.", command="keepwell sending"
        )
    for row in rows:
        row.lifted_by, row.lifted_at = by, now
        session.add(row)
    _tell(session, stop, row.id, "sending.resumed", f"Sending {words} goes on", by, reason, now)
    return look_again(session, stop, WaitsFor.SWITCH, key=f"sending/{row.id}", by=by, now=now)


def look_again(session: Session, stop: Stop, waits_for: WaitsFor, *, key: str, by: str, now: datetime) -> int:
    """Ask the open runs whose messages wait for this to try them at once; how many they are."""
    query = (
        select(Intervention)
        .join(Delivery, col(Delivery.intervention_id) == Intervention.id)
        .where(
            Intervention.organisation_id == stop.organisation,
            col(Intervention.outcome).is_(None),
            Delivery.state == DeliveryState.DEFERRED,
            Delivery.waits_for == waits_for.value,
        )
        .distinct()
    )
    if stop.scope == "playbook":
        query = query.where(Intervention.playbook == stop.subject)
    if stop.scope == "customer":
        query = query.where(Intervention.customer_id == stop.subject)
    rows = session.exec(query.order_by(col(Intervention.id))).all()
    return sum(
        pending.put(session, row, key=f"{key}/{row.id}", source="sending", by=by, command=None, now=now)
        for row in rows
    )


def _of(session: Session, stop: Stop) -> list[KillSwitch]:
    """The same stop in force: one, or one from each of several people who threw it at the same moment."""
    every = thrown(session, stop.organisation)
    return [one for one in every if (one.scope, one.subject) == (stop.scope, stop.subject)]


def _words(session: Session, stop: Stop) -> str:
    """What is stopped, as the object of a sentence."""
    match stop.scope:
        case "all":
            return "of all messages"
        case "playbook":
            return f"of {stop.subject}"
        case "customer":
            return f"to {found(session, Customer, stop.subject, 'customer').name}"


def _tell(
    session: Session, stop: Stop, key: str, kind: str, text: str, by: str, why: str, now: datetime
) -> None:
    journal.write(
        session,
        key=f"{kind}/{key}",
        organisation=stop.organisation,
        customer=stop.subject if stop.scope == "customer" else None,
        kind=kind,
        text=text,
        why=why,
        by=by,
        at=now,
        data={"scope": stop.scope, "subject": stop.subject},
    )
