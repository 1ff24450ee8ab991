"""How things stand at this moment, for whoever watches the installation: a few counts by index."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from keepwell.contracts.base import Frozen
from keepwell.db.tables import Alert, Delivery, Intervention, Organisation, PendingCommand

DELIVERIES_OF = timedelta(hours=24)
"""How far back deliveries are counted, by when they were planned."""


class Counted(Frozen):
    """A number of something, of one organisation; `what` is a playbook or a state."""

    organisation: str
    what: str
    number: int


class FiguresNow(Frozen):
    """`waiting` counts commands that no run has heard of yet; `oldest_waiting` is when the first one came."""

    interventions: tuple[Counted, ...]
    deliveries: tuple[Counted, ...]
    waiting: tuple[Counted, ...]
    oldest_waiting: dict[str, datetime]
    alerts: tuple[Counted, ...]


def figures_now(session: Session, now: datetime, organisations: Collection[str] | None = None) -> FiguresNow:
    """The counts of some organisations, or of all."""
    ours = tuple(organisations) if organisations is not None else _everybody(session)
    interventions = session.exec(
        select(Intervention.organisation_id, Intervention.playbook, func.count())
        .where(col(Intervention.organisation_id).in_(ours), col(Intervention.outcome).is_(None))
        .group_by(col(Intervention.organisation_id), col(Intervention.playbook))
    ).all()
    deliveries = session.exec(
        select(Delivery.organisation_id, Delivery.state, func.count())
        .where(col(Delivery.organisation_id).in_(ours), col(Delivery.planned_at) >= now - DELIVERIES_OF)
        .group_by(col(Delivery.organisation_id), col(Delivery.state))
    ).all()
    waiting = session.exec(
        select(
            PendingCommand.organisation_id,
            PendingCommand.state,
            func.count(),
            func.min(PendingCommand.received_at),
        )
        .where(
            col(PendingCommand.state).in_(("waiting", "asking")),
            col(PendingCommand.organisation_id).in_(ours),
        )
        .group_by(col(PendingCommand.organisation_id), col(PendingCommand.state))
    ).all()
    alerts = session.exec(
        select(Alert.organisation_id, Alert.severity, func.count())
        .where(col(Alert.organisation_id).in_(ours), Alert.state == "open")
        .group_by(col(Alert.organisation_id), col(Alert.severity))
    ).all()
    oldest: dict[str, datetime] = {}
    for organisation, _, _, since in waiting:
        oldest[organisation] = min(since, oldest.get(organisation, since))
    return FiguresNow(
        interventions=_counted(interventions),
        deliveries=_counted(deliveries),
        waiting=_counted([row[:3] for row in waiting]),
        oldest_waiting=oldest,
        alerts=_counted(alerts),
    )


def _counted(rows: Collection[tuple[str, str, int]]) -> tuple[Counted, ...]:
    found = (Counted(organisation=own, what=what, number=number) for own, what, number in rows)
    return tuple(sorted(found, key=lambda one: (one.organisation, one.what)))


def _everybody(session: Session) -> tuple[str, ...]:
    return tuple(session.exec(select(Organisation.id)).all())
