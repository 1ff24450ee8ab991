"""What the demo's latest daily run has brought about, read from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views_customers import Counts, counts
from keepwell.db.repositories.views_interventions import InterventionLine, interventions
from keepwell.db.repositories.views_messages import MessageLine, messages
from keepwell.db.tables import InAppNotification, OutboxMessage, ScoreRun, Task, Transition
from scoring.levels import Level


class Refused(Frozen):
    """Changes of level of the latest run that began nothing, and why."""

    previous: str
    level: Level
    number: int
    reason: str


class Happened(Frozen):
    """The numbers and lists of the opening words. `open` has the worst score first."""

    scored_at: datetime | None
    counts: Counts
    transitions: int
    waiting: int
    refused: tuple[Refused, ...]
    open: tuple[InterventionLine, ...]
    messages: int
    newest: MessageLine | None
    tasks: int


def happened(session: Session, organisation: str, now: datetime | None = None) -> Happened:
    """Read it. `waiting` are changes of level that nobody has decided yet."""
    now = now or datetime.now(UTC)
    run = session.exec(
        select(ScoreRun)
        .where(ScoreRun.organisation_id == organisation)
        .order_by(col(ScoreRun.as_of).desc(), col(ScoreRun.id).desc())
    ).first()
    changes = (
        session.exec(select(Transition).where(Transition.run_id == run.id)).all() if run is not None else ()
    )
    running = [line for line in interventions(session, organisation, now) if line.ended_at is None]
    return Happened(
        scored_at=run.as_of if run else None,
        counts=counts(session, organisation),
        transitions=len(changes),
        waiting=sum(change.decision is None for change in changes),
        refused=_refused(changes),
        open=tuple(sorted(running, key=lambda line: (line.score, line.customer))),
        messages=_count(session, OutboxMessage, organisation)
        + _count(session, InAppNotification, organisation),
        newest=_worth_reading(session, organisation, running),
        tasks=_open_tasks(session, organisation),
    )


def _refused(changes: Sequence[Transition]) -> tuple[Refused, ...]:
    found = Counter(
        (change.previous or "", change.level, change.reason)
        for change in changes
        if change.decision == "refused"
    )
    return tuple(
        Refused(previous=previous, level=Level(level), number=number, reason=reason)
        for (previous, level, reason), number in sorted(found.items())
    )


def _count(session: Session, model: type[OutboxMessage | InAppNotification], organisation: str) -> int:
    query = select(func.count()).select_from(model).where(col(model.organisation_id) == organisation)
    return session.exec(query).one()


def _worth_reading(
    session: Session, organisation: str, running: list[InterventionLine]
) -> MessageLine | None:
    """The newest email to a contact of the worst customer that has one, else the newest message."""
    for line in sorted(running, key=lambda line: (line.score, line.customer)):
        found = messages(session, organisation, customer=line.customer_id, channel="email", limit=1)
        if found:
            return found[0]
    return next(iter(messages(session, organisation, limit=1)), None)


def _open_tasks(session: Session, organisation: str) -> int:
    query = select(func.count()).select_from(Task).where(Task.organisation_id == organisation)
    return session.exec(query.where(Task.state == "open")).one()
