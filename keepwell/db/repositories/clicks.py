"""Clicks in Slack: who clicked, what came of it, and which answers are due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from keepwell.db.repositories.pending import line_key
from keepwell.db.repositories.taking import alerts_of, take
from keepwell.db.tables import Event, Intervention, PendingCommand, Staff

SOURCE = "slack"
AT_ONCE = 50
LASTING = ("user", "team", "enterprise", "channel", "ts")
"""What stays known of a click: who and where."""
LEASE = timedelta(seconds=60)
"""Longer than all calls of Slack for one answer."""


@dataclass(frozen=True)
class Effect:
    """What came of a command, in words: who, what, when. `line` is in the journal."""

    by: str
    text: str
    why: str
    at: datetime
    refused: bool = False


def staff_by_slack(session: Session, organisation: str, user: str) -> Staff | None:
    """The active member of staff with this Slack id; None where there is none, or more than one."""
    return _only(session, organisation, col(Staff.slack) == user)


def staff_by_email(session: Session, organisation: str, email: str) -> Staff | None:
    """The same by email address."""
    return _only(session, organisation, func.lower(col(Staff.email)) == email.lower()) if email else None


def due_answers(session: Session, now: datetime) -> list[PendingCommand]:
    """Clicks whose sender has not heard yet what came of them, and is to hear now."""
    query = (
        select(PendingCommand)
        .where(PendingCommand.source == SOURCE, col(PendingCommand.answer_at) <= now)
        .order_by(col(PendingCommand.answer_at), col(PendingCommand.id))
        .limit(AT_ONCE)
    )
    return list(session.exec(query))


def claim(session: Session, row: PendingCommand, now: datetime) -> bool:
    """Take an answer in hand; False where somebody else was faster. It is due again if they never end."""
    statement = (
        update(PendingCommand)
        .where(col(PendingCommand.id) == row.id, col(PendingCommand.answer_at) == row.answer_at)
        .values(answer_at=now + LEASE)
    )
    return session.connection().execute(statement).rowcount == 1


def answer_again(session: Session, key: str, at: datetime | None, *, tried: bool = False) -> None:
    """When to look at an answer again; None: it is done, and the message's text need not be kept any more."""
    row = session.get_one(PendingCommand, key, with_for_update=True)
    row.answer_at, row.answer_tries = at, row.answer_tries + tried
    if at is None:
        row.back = {name: value for name, value in row.back.items() if name in LASTING}
    session.add(row)


def mark(session: Session, key: str, **values: Any) -> None:
    """Note something in what is kept for the answer."""
    row = session.get_one(PendingCommand, key, with_for_update=True)
    row.back = {**row.back, **values}
    session.add(row)


def identify(session: Session, key: str, person: Staff, now: datetime) -> None:
    """Now it is known who clicked: the command may be told; alerts are in their hand at once."""
    row = session.get_one(PendingCommand, key, with_for_update=True)
    if row.state == "asking" and row.intervention_id is None:
        take(session, row, person, now)
    elif row.state == "asking":
        row.state, row.by = "waiting", person.name
        row.command = {**row.command, "by": person.name}
        session.add(row)


def turn_away(session: Session, key: str, why: str, now: datetime) -> None:
    """Whoever clicked may not: nothing is told to anybody."""
    row = session.get_one(PendingCommand, key, with_for_update=True)
    if row.state == "asking":
        row.state, row.why, row.told_at = "refused", why, now
        session.add(row)


def effect_of(session: Session, row: PendingCommand) -> Effect | None:
    """What came of a command by the journal; by the intervention's row where it said nothing new."""
    if row.intervention_id is None and row.state == "told":
        return _taken(session, row)
    line = session.exec(select(Event).where(Event.key == line_key(row))).first() or _by_another(session, row)
    if line is not None:
        refused = line.kind == "command.refused"
        return Effect(by=line.by, text=line.text, why=line.why, at=line.at, refused=refused)
    if row.state == "refused":
        return Effect(
            row.by,
            f"{row.command.get('kind', 'it')} was refused",
            row.why,
            row.told_at or row.received_at,
            True,
        )
    return None


def already(session: Session, row: PendingCommand) -> Effect | None:
    """Who has done before what a command asks for, so that the run wrote no line of its own."""
    if row.intervention_id is None:
        return None
    run = session.get_one(Intervention, row.intervention_id)
    match row.command.get("kind"):
        case "acknowledge" if run.acknowledged_by and run.acknowledged_at:
            return Effect(run.acknowledged_by, "has acknowledged it already", "", run.acknowledged_at)
        case "respond" if run.response and run.responded_at:
            return Effect(
                run.acknowledged_by or "somebody", "has noted an answer already", "", run.responded_at
            )
        case "pause" if run.paused and run.paused_at:
            return Effect("", "It is paused already", "", run.paused_at)
    return None


def beside(session: Session, row: PendingCommand) -> list[PendingCommand]:
    """All clicks on the same message, in the order in which they came."""
    query = (
        select(PendingCommand)
        .where(PendingCommand.customer_id == row.customer_id, PendingCommand.source == SOURCE)
        .order_by(col(PendingCommand.received_at), col(PendingCommand.id))
    )
    same = ("channel", "ts")
    return [
        one for one in session.exec(query) if all(one.back.get(part) == row.back.get(part) for part in same)
    ]


def _taken(session: Session, row: PendingCommand) -> Effect:
    """What came of a button about alerts."""
    alerts, at = alerts_of(session, row), row.told_at or row.received_at
    if count := int(row.command.get("taken", 0)):
        return Effect(row.by, "Acknowledged" if len(alerts) == 1 else f"Acknowledged {count} alerts", "", at)
    for one in alerts:
        if one.acknowledged_at is not None and one.acknowledged_by:
            return Effect(one.acknowledged_by, "has acknowledged it already", "", one.acknowledged_at)
    why = next((one.closed_why for one in alerts if one.closed_why), "")
    return Effect(row.by, "There is nothing left to take in hand", why, at, refused=True)


def _by_another(session: Session, row: PendingCommand) -> Event | None:
    """The line of a run that another intervention has by now: it refused the command."""
    query = select(Event).where(
        Event.customer_id == row.customer_id,
        col(Event.kind) == "command.refused",
        col(Event.key).endswith(f"/{row.command.get('id', row.id)}", autoescape=True),
    )
    return session.exec(query).first()


def _only(session: Session, organisation: str, condition: Any) -> Staff | None:
    query = (
        select(Staff).where(col(Staff.organisation_id) == organisation, col(Staff.active), condition).limit(2)
    )
    rows = session.exec(query).all()
    return rows[0] if len(rows) == 1 else None
