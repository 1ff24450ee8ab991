"""Read model of engagements: how often we and customers met in a period, and what came of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    Subquery,
    and_,
    case,
    cast,
    distinct,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlmodel import Session

from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.intervention import Outcome
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.directory import NOT_REACHED
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.views_engagement_lines import (
    EngagementAnalytics,
    EngagementOutcome,
    EngagementType,
    TypeOutcome,
)
from keepwell.db.repositories.views_portfolio_query import COLUMNS
from keepwell.db.repositories.views_stats_lines import Period

_Type, _Came = EngagementType, EngagementOutcome
OF_EVENTS: dict[str, tuple[EngagementType, EngagementOutcome]] = {
    "meeting_held": (_Type.MEETING, _Came.NONE),
    "meeting_missed": (_Type.MEETING, _Came.NEGATIVE),
    "call_held": (_Type.CALL, _Came.NONE),
    "demo_held": (_Type.DEMO, _Came.NONE),
    "training_held": (_Type.TRAINING, _Came.NONE),
    "training_completed": (_Type.TRAINING, _Came.POSITIVE),
    "response_received": (_Type.EMAIL, _Came.POSITIVE),
    "late_response": (_Type.EMAIL, _Came.NEUTRAL),
    "positive_outcome": (_Type.OTHER, _Came.POSITIVE),
    "neutral_outcome": (_Type.OTHER, _Came.NEUTRAL),
    "negative_outcome": (_Type.OTHER, _Came.NEGATIVE),
}
"""Kinds of engagement events in which people met; the others are about the product."""
OF_TASKS: dict[str, tuple[EngagementType, EngagementOutcome]] = {
    TaskOutcome.REACHED: (_Type.CALL, _Came.POSITIVE),
    TaskOutcome.LEFT_MESSAGE: (_Type.CALL, _Came.ACTION_REQUIRED),
    TaskOutcome.NO_ANSWER: (_Type.CALL, _Came.NEGATIVE),
    TaskOutcome.MEETING_BOOKED: (_Type.MEETING, _Came.POSITIVE),
}
"""What was tried by the outcome of a task; the other outcomes say nothing of a talk."""
OF_CHANNELS = {"email": _Type.EMAIL, "in_app": _Type.IN_APP}
OF_INTERVENTIONS: dict[str, EngagementOutcome] = {
    Outcome.RESPONDED: _Came.POSITIVE,
    Outcome.ACCEPTED: _Came.POSITIVE,
    Outcome.CONVERTED: _Came.POSITIVE,
    Outcome.RECOVERED: _Came.POSITIVE,
    Outcome.COMPLETED: _Came.NEUTRAL,
}
"""What came of a message, by how the intervention it belongs to has ended."""


def engagement_analytics(
    session: Session,
    organisation: str,
    *,
    now: datetime,
    period: Period = Period.MONTH,
    types: Collection[EngagementType] = (),
    outcomes: Collection[EngagementOutcome] = (),
    team_member: str | None = None,
) -> EngagementAnalytics:
    """Engagements of a period: messages that reached a contact, talks noted with tasks, events of talks.

    `types` and `outcomes` narrow to some of them, `team_member` (a staff id) to customers whom they own. The
    cost grows with what happened in the period, and not with what happened before.
    """
    since = now - period.length
    rows, customers = _counted(session, organisation, (since, now), types, outcomes, team_member)
    lines = tuple(
        TypeOutcome(
            type=EngagementType(kind),
            outcome=EngagementOutcome(outcome),
            count=int(number),
            customers=people,
            average_change=None if change is None else float(change),
        )
        for kind, outcome, number, people, change in rows
    )
    lines = tuple(sorted(lines, key=lambda one: (-one.count, one.type, one.outcome)))
    total, active = sum(one.count for one in lines), _active(session, organisation, team_member)
    waits = _answers(session, organisation, since, now, team_member)
    return EngagementAnalytics(
        period=period,
        total=total,
        by_type={kind: sum(one.count for one in lines if one.type is kind) for kind in EngagementType},
        by_outcome={
            outcome: sum(one.count for one in lines if one.outcome is outcome)
            for outcome in EngagementOutcome
        },
        correlation=lines,
        customers=customers,
        frequency=total / active * 30 / period.days if active else None,
        participation=customers / active if active else None,
        answered=len(waits),
        average_response_seconds=sum(waits) / len(waits) if waits else None,
    )


def _counted(
    session: Session,
    organisation: str,
    span: tuple[datetime, datetime],
    types: Collection[EngagementType],
    outcomes: Collection[EngagementOutcome],
    team_member: str | None,
) -> tuple[list[Any], int]:
    """By type and outcome: how many, of how many customers, their mean change; and customers in all.

    One statement, so that what happened is read once.
    """
    sources = union_all(
        *(source(organisation, *span) for source in (_events, _messages, _tasks)),
    ).subquery("sources")
    keys = (sources.c.type, sources.c.outcome, sources.c.customer_id)
    grouped = select(*keys, func.count().label("number")).group_by(*keys).subquery("grouped")
    same = and_(COLUMNS.organisation_id == organisation, COLUMNS.customer_id == grouped.c.customer_id)
    met = (
        select(grouped, COLUMNS.change_30)
        .join_from(grouped, table("portfolio"), same)
        .where(_narrowed(grouped, types, outcomes, team_member))
        .cte("met")
    )
    by_both = select(
        met.c.type, met.c.outcome, func.sum(met.c.number), func.count(), func.avg(met.c.change_30)
    ).group_by(met.c.type, met.c.outcome)
    # Read a second time, the table is kept by both engines and not made anew.
    whole = select(
        *(literal("").label("type"), literal("").label("outcome"), literal(0)),
        *(func.count(distinct(met.c.customer_id)), cast(null(), Float)),
    ).select_from(met)
    found = session.connection().execute(union_all(by_both, whole)).all()
    return [row for row in found if row[0]], next(row[3] for row in found if not row[0])


def _events(organisation: str, since: datetime, until: datetime) -> Select[Any]:
    rows = table("engagement_event").c
    return _told(rows.customer_id, rows.kind, OF_EVENTS).where(
        rows.organisation_id == organisation, rows.at > since, rows.at <= until, rows.kind.in_(OF_EVENTS)
    )


def _tasks(organisation: str, since: datetime, until: datetime) -> Select[Any]:
    rows = table("task").c
    return _told(rows.customer_id, rows.outcome, OF_TASKS).where(
        rows.organisation_id == organisation,
        *(rows.closed_at.is_not(None), rows.closed_at > since, rows.closed_at <= until),
        rows.outcome.in_([str(one) for one in OF_TASKS]),
    )


def _told(
    customer: ColumnElement[str],
    what: ColumnElement[str],
    words: dict[str, tuple[EngagementType, EngagementOutcome]],
) -> Select[Any]:
    kinds = {str(key): kind.value for key, (kind, _) in words.items()}
    outcomes = {str(key): outcome.value for key, (_, outcome) in words.items()}
    return select(
        customer.label("customer_id"),
        case(kinds, value=what).label("type"),
        case(outcomes, value=what).label("outcome"),
    )


def _messages(organisation: str, since: datetime, until: datetime) -> Select[Any]:
    rows, intervention = table("delivery").c, table("intervention").c
    came = case(
        {str(key): outcome.value for key, outcome in OF_INTERVENTIONS.items()},
        value=func.coalesce(intervention.outcome, ""),
        else_=_Came.NONE.value,
    )
    kinds = {key: kind.value for key, kind in OF_CHANNELS.items()}
    return (
        select(rows.customer_id, case(kinds, value=rows.channel).label("type"), came.label("outcome"))
        .join_from(table("delivery"), table("intervention"), intervention.id == rows.intervention_id)
        .where(rows.organisation_id == organisation, rows.begun_at > since, rows.begun_at <= until)
        .where(rows.recipient_kind == "contact", rows.channel.in_(OF_CHANNELS), _reached(rows))
    )


def _reached(rows: Any) -> ColumnElement[bool]:
    reached: ColumnElement[bool] = rows.state.not_in(
        [*(state.value for state in NOT_REACHED), DeliveryState.SENDING.value]
    )
    return reached


def _narrowed(
    met: Subquery,
    types: Collection[EngagementType],
    outcomes: Collection[EngagementOutcome],
    team_member: str | None,
) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [literal(True)]
    if types:
        parts.append(met.c.type.in_([one.value for one in types]))
    if outcomes:
        parts.append(met.c.outcome.in_([one.value for one in outcomes]))
    if team_member is not None:
        parts.append(COLUMNS.owner_id == team_member)
    return and_(*parts)


def _active(session: Session, organisation: str, team_member: str | None) -> int:
    query = select(func.count()).select_from(table("portfolio"))
    query = query.where(COLUMNS.organisation_id == organisation, COLUMNS.active)
    if team_member is not None:
        query = query.where(COLUMNS.owner_id == team_member)
    return session.connection().execute(query).scalar_one()


def _answers(
    session: Session, organisation: str, since: datetime, until: datetime, team_member: str | None
) -> list[float]:
    """Seconds from the last message before an answer to the answer, of the answers of the period."""
    rows, message = table("intervention").c, table("delivery").c
    sent = (
        select(func.max(message.accepted_at))
        .where(message.intervention_id == rows.id, message.recipient_kind == "contact")
        .where(message.accepted_at <= rows.responded_at)
        .scalar_subquery()
    )
    query = select(rows.responded_at, sent.label("sent")).where(
        rows.organisation_id == organisation,
        *(rows.responded_at.is_not(None), rows.responded_at > since, rows.responded_at <= until),
    )
    if team_member is not None:
        query = query.join_from(
            table("intervention"), table("portfolio"), COLUMNS.customer_id == rows.customer_id
        ).where(COLUMNS.organisation_id == organisation, COLUMNS.owner_id == team_member)
    found = session.connection().execute(query).all()
    return [(answered - asked).total_seconds() for answered, asked in found if asked is not None]
