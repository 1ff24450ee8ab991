"""What stands beside the list of a day: who fell lately, and which playbooks run for somebody's customers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.tables import Customer, Intervention, Staff, Transition
from scoring.levels import Level

SHOWN = 8


class Fell(Frozen):
    """A customer whose level has become worse; `at` is the last time."""

    customer_id: str
    customer: str
    previous: Level
    level: Level
    score: float
    at: datetime
    intervention: str | None


class Running(Frozen):
    """How many interventions of a playbook are open, and how many of them stand still (paused or held)."""

    playbook: str
    open: int
    still: int


def fell_since(
    session: Session,
    organisation: str,
    since: datetime,
    *,
    owners: Collection[str] | None = None,
    limit: int = SHOWN,
) -> tuple[Fell, ...]:
    """Active customers whose level is worse than before their first change since a moment, worst first."""
    query = (
        select(Transition, Customer.name)
        .join(Customer, col(Customer.id) == col(Transition.customer_id))
        .where(Transition.organisation_id == organisation, col(Transition.at) >= since)
        .where(Transition.kind == "change", col(Transition.previous).is_not(None), col(Customer.active))
        .order_by(col(Transition.sequence))
    )
    if owners is not None:
        query = query.where(col(Customer.owner_id).in_(owners))
    before: dict[str, Level] = {}
    now: dict[str, tuple[Transition, str]] = {}
    for row, name in session.exec(query):
        before.setdefault(row.customer_id, Level(row.previous or row.level))
        now[row.customer_id] = row, name
    fell = [
        Fell(
            customer_id=key,
            customer=name,
            previous=before[key],
            level=Level(row.level),
            score=row.score,
            at=row.at,
            intervention=row.intervention_id,
        )
        for key, (row, name) in now.items()
        if Level(row.level).severity > before[key].severity
    ]
    return tuple(sorted(fell, key=lambda one: (-one.level.severity, one.score, one.customer)))[:limit]


def running_playbooks(
    session: Session, organisation: str, *, owners: Collection[str] | None = None
) -> tuple[Running, ...]:
    """The playbooks with open interventions, the most frequent first."""
    stands = case((col(Intervention.paused) | (col(Intervention.held_why) != ""), 1), else_=0)
    query = (
        select(Intervention.playbook, Intervention.version, func.count(), func.sum(stands))
        .where(Intervention.organisation_id == organisation, col(Intervention.outcome).is_(None))
        .group_by(col(Intervention.playbook), col(Intervention.version))
    )
    if owners is not None:
        query = query.where(col(Intervention.owner_id).in_(owners))
    found = [
        Running(playbook=f"{name}@{version}", open=number, still=still or 0)
        for name, version, number, still in session.exec(query).all()
    ]
    return tuple(sorted(found, key=lambda one: (-one.open, one.playbook)))


def team_of(session: Session, staff: str) -> tuple[str, ...]:
    """Whoever has the same manager as a member of staff, and whom they lead; themselves first."""
    own = session.get_one(Staff, staff)
    query = select(Staff.id).where(
        Staff.organisation_id == own.organisation_id, col(Staff.active), Staff.id != own.id
    )
    led = col(Staff.manager_id) == own.id
    beside = col(Staff.manager_id) == own.manager_id if own.manager_id else led
    return (own.id, *session.exec(query.where(led | beside).order_by(col(Staff.name))).all())
