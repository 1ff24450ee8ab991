"""What the demo's latest daily run has brought about, read from the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import StepState
from keepwell.contracts.offers import OPEN_OFFER
from keepwell.db.repositories.views_counts import Counts, counts
from keepwell.db.repositories.views_interventions import InterventionLine, interventions
from keepwell.db.repositories.views_messages import MessageLine, messages
from keepwell.db.repositories.views_offers import OfferLine, offers
from keepwell.db.repositories.views_opportunities import opportunities
from keepwell.db.tables import (
    Customer,
    Health,
    InAppNotification,
    Intervention,
    InterventionStep,
    OutboxMessage,
    ScoreRun,
    Task,
    Transition,
)
from scoring.levels import Level

IN_TROUBLE = (Level.CRITICAL, Level.HIGH_RISK, Level.AT_RISK)
"""The levels with a playbook, the worst first."""


class Refused(Frozen):
    """Changes of level of the latest run that began nothing, and why."""

    previous: str
    level: Level
    number: int
    reason: str


class Growing(Frozen):
    """A campaign that runs: what the signal said, what it may bring in a year, and what is offered.

    `offer` is None where the campaign offers nothing; one that was decided upon counts no more.
    """

    line: InterventionLine
    words: str
    value: float | None
    currency: str
    offer: OfferLine | None


class Happened(Frozen):
    """The numbers and lists of the opening words.

    `open` are the playbooks for customers at risk, the worst score first; `growing` the campaigns, the most
    urgent and valuable first; `coming` how many offers are due at once and not made yet. `before` is how many
    are held at each level with a playbook, the worst first, without one having ever begun for them.
    """

    scored_at: datetime | None
    counts: Counts
    transitions: int
    waiting: int
    refused: tuple[Refused, ...]
    before: dict[Level, int]
    open: tuple[InterventionLine, ...]
    growing: tuple[Growing, ...]
    coming: int
    messages: int
    newest: MessageLine | None
    tasks: int

    @property
    def offers(self) -> int:
        """How many campaigns have an offer that waits for an answer."""
        return sum(one.offer is not None for one in self.growing)


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
    lines = {line.id: line for line in interventions(session, organisation, now) if line.ended_at is None}
    growing = _growing(session, organisation, lines)
    campaigns = {one.line.id for one in growing}
    running = [line for line in lines.values() if line.id not in campaigns]
    return Happened(
        scored_at=run.as_of if run else None,
        counts=counts(session, organisation),
        transitions=len(changes),
        waiting=sum(change.decision is None for change in changes),
        refused=_refused(changes),
        before=_before(session, organisation),
        open=tuple(sorted(running, key=_worst_first)),
        growing=growing,
        coming=_coming(session, campaigns),
        messages=_count(session, OutboxMessage, organisation)
        + _count(session, InAppNotification, organisation),
        newest=_worth_reading(session, organisation, running),
        tasks=_open_tasks(session, organisation),
    )


def _worst_first(line: InterventionLine) -> tuple[bool, float, str]:
    """Who was never scored comes last."""
    return line.score is None, line.score or 0.0, line.customer


def _growing(session: Session, organisation: str, lines: dict[str, InterventionLine]) -> tuple[Growing, ...]:
    offered = {one.intervention_id: one for one in offers(session, organisation, states=OPEN_OFFER)}
    found = opportunities(session, organisation, states=("running",)).opportunities
    return tuple(
        Growing(
            line=lines[one.intervention],
            words=one.words,
            value=one.value,
            currency=one.currency,
            offer=offered.get(one.intervention),
        )
        for one in found
        if one.intervention in lines
    )


def _coming(session: Session, campaigns: set[str]) -> int:
    query = (
        select(func.count())
        .select_from(InterventionStep)
        .where(col(InterventionStep.intervention_id).in_(campaigns), InterventionStep.kind == "offer")
        .where(InterventionStep.state == StepState.PLANNED.value, InterventionStep.offset == timedelta())
    )
    return session.exec(query).one()


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


def _before(session: Session, organisation: str) -> dict[Level, int]:
    begun = select(Intervention.customer_id).where(Intervention.family == "risk")
    query = (
        select(Health.level, func.count())
        .select_from(Customer)
        .join(Health, col(Health.customer_id) == col(Customer.id))
        .where(Customer.organisation_id == organisation, col(Customer.active))
        .where(col(Customer.id).not_in(begun))
        .group_by(col(Health.level))
    )
    found = dict(session.exec(query).all())
    return {level: found[level] for level in IN_TROUBLE if level in found}


def _count(session: Session, model: type[OutboxMessage | InAppNotification], organisation: str) -> int:
    query = select(func.count()).select_from(model).where(col(model.organisation_id) == organisation)
    return session.exec(query).one()


def _worth_reading(
    session: Session, organisation: str, running: list[InterventionLine]
) -> MessageLine | None:
    """The newest email to a contact of the worst customer that has one, else the newest message."""
    for line in sorted(running, key=_worst_first):
        found = messages(session, organisation, customer=line.customer_id, channel="email", limit=1)
        if found:
            return found[0]
    return next(iter(messages(session, organisation, limit=1)), None)


def _open_tasks(session: Session, organisation: str) -> int:
    query = select(func.count()).select_from(Task).where(Task.organisation_id == organisation)
    return session.exec(query.where(Task.state == "open")).one()
