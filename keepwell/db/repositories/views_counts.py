"""The portfolio in numbers: how many customers are at each level, and why others have none."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.tables import Customer, Health, Score
from scoring.levels import Level


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
