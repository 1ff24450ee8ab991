"""Read models of customers: the portfolio, line by line."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from keepwell.contracts.base import Frozen
from keepwell.db.tables import Customer, Health, Intervention, Organisation, Score, Staff
from scoring.levels import Level
from scoring.trend import Direction


class CustomerLine(Frozen):
    """A customer in a list. `score` and `level` are the last known; `coverage` is 0 to 1.

    `trend` is where the scores of the 30 days head that end with the last scoring.
    `insufficient`: the last scoring found too little data; `unusable` counts the values it could not use.
    """

    id: str
    external_id: str
    name: str
    active: bool
    plan: str
    segment: str
    owner_id: str | None
    owner: str
    monthly_revenue: float | None
    currency: str
    score: float | None
    level: Level | None
    trend: Direction
    since: datetime | None
    scored_at: datetime | None
    coverage: float | None
    insufficient: bool
    unusable: int
    intervention: str | None = None
    playbook: str | None = None
    paused: bool = False


class Customers(Frozen):
    """The first lines, and how many there are in all."""

    customers: tuple[CustomerLine, ...]
    total: int


def customers(
    session: Session,
    organisation: str,
    *,
    level: Level | None = None,
    owner: str | None = None,
    insufficient: bool = False,
    search: str = "",
    limit: int | None = None,
) -> Customers:
    """Active customers, the worst score first, those without one last. `owner` is a staff id."""
    query = _lines().where(col(Customer.organisation_id) == organisation, col(Customer.active))
    if level is not None:
        query = query.where(col(Health.level) == level.value)
    if owner is not None:
        query = query.where(col(Customer.owner_id) == owner)
    if insufficient:
        query = query.where(col(Score.insufficient))
    if search:
        query = query.where(
            col(Customer.name).icontains(search, autoescape=True)
            | col(Customer.external_id).icontains(search, autoescape=True)
        )
    total = session.connection().execute(select(func.count()).select_from(query.subquery())).scalar_one()
    ordered = query.order_by(col(Health.score).is_(None), col(Health.score), col(Customer.name))
    return Customers(customers=_read(session, ordered, limit), total=total)


def customer_line(session: Session, customer: str) -> CustomerLine:
    """One customer, active or not; `customer` is our id of one that exists."""
    return _read(session, _lines().where(col(Customer.id) == customer), 1)[0]


class Counts(Frozen):
    """How many active customers there are, by level and without one."""

    customers: int
    levels: dict[Level, int]
    insufficient: int
    rejected: int
    unscored: int


def counts(session: Session, organisation: str) -> Counts:
    """The portfolio in numbers. `rejected` have a last scoring without a score, with unusable values."""
    bad = col(Score.unusable) > 0
    # Grouped by the label: PostgreSQL takes two parameters of one value for two expressions.
    query = (
        select(Health.level, Score.insufficient, bad.label("bad"), func.count())
        .select_from(Customer)
        .outerjoin(Health, col(Health.customer_id) == col(Customer.id))
        .outerjoin(Score, col(Score.id) == col(Health.score_id))
        .where(col(Customer.organisation_id) == organisation, col(Customer.active))
        .group_by(col(Health.level), col(Score.insufficient), "bad")
    )
    levels = dict.fromkeys(Level, 0)
    total = insufficient = rejected = unscored = 0
    for row in session.exec(query).all():
        level, number = row[0], row[3]
        # Outer joins: who was never scored has neither.
        little: bool | None = row[1]
        unusable: bool | None = row[2]
        total += number
        if level is not None:
            levels[Level(level)] += number
        if little is None:
            unscored += number
        elif little and unusable:
            rejected += number
        elif little:
            insufficient += number
    return Counts(
        customers=total, levels=levels, insufficient=insufficient, rejected=rejected, unscored=unscored
    )


Row = tuple[Customer, Health | None, Score | None, Staff | None]


def _lines() -> Select[Customer, Health, Score, Staff]:
    return (
        select(Customer, Health, Score, Staff)
        .outerjoin(Health, col(Health.customer_id) == col(Customer.id))
        .outerjoin(Score, col(Score.id) == col(Health.score_id))
        .outerjoin(Staff, col(Staff.id) == col(Customer.owner_id))
    )


def _read(
    session: Session, query: Select[Customer, Health, Score, Staff], limit: int | None
) -> tuple[CustomerLine, ...]:
    rows = session.exec(query.limit(limit)).all()
    running = _running(session, [row[0].id for row in rows])
    currency = _currency(session, rows[0][0].organisation_id) if rows else ""
    # Each outer join leaves None where it found nothing.
    found: list[Row] = [(row[0], row[1], row[2], row[3]) for row in rows]
    return tuple(_line(row, running.get(row[0].id), currency) for row in found)


def _line(row: Row, running: Intervention | None, currency: str) -> CustomerLine:
    customer, health, score, owner = row
    return CustomerLine(
        id=customer.id,
        external_id=customer.external_id,
        name=customer.name,
        active=customer.active,
        plan=customer.plan,
        segment=customer.segment,
        owner_id=customer.owner_id,
        owner=owner.name if owner else "",
        monthly_revenue=customer.monthly_revenue,
        currency=customer.currency or currency,
        score=health.score if health else None,
        level=Level(health.level) if health and health.level else None,
        trend=Direction((score and score.trend_direction) or Direction.UNKNOWN),
        since=health.since if health else None,
        scored_at=health.scored_at if health else None,
        coverage=health.coverage if health else None,
        insufficient=score.insufficient if score else False,
        unusable=score.unusable if score else 0,
        intervention=running.id if running else None,
        playbook=f"{running.playbook}@{running.version}" if running else None,
        paused=running.paused if running else False,
    )


def _currency(session: Session, organisation: str) -> str:
    return session.get_one(Organisation, organisation).currency


def _running(session: Session, customers: list[str]) -> dict[str, Intervention]:
    """The open intervention of each customer that has one."""
    found: dict[str, Intervention] = {}
    for start in range(0, len(customers), 500):
        query = (
            select(Intervention)
            .where(col(Intervention.customer_id).in_(customers[start : start + 500]))
            .where(col(Intervention.outcome).is_(None))
            # The last one counts: a risk playbook before a campaign ("expansion" sorts before "risk").
            .order_by(col(Intervention.family), col(Intervention.started_at))
        )
        found.update({row.customer_id: row for row in session.exec(query)})
    return found
