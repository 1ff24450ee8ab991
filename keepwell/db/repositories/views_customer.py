"""The read model of one customer: where it stands, why, how it got there, and what is being done."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select as core_select
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scorecards import scorecard_by_hash
from keepwell.db.repositories.scores_read import latest_values
from keepwell.db.repositories.views_customers import CustomerLine, customer_line
from keepwell.db.repositories.views_interventions import InterventionLine, interventions_of
from keepwell.db.repositories.views_work import TaskLine, tasks
from keepwell.db.tables import Contact, Customer, Health, Score, Transition
from scoring.factors import risk_factors
from scoring.levels import Level
from scoring.scorecard import Scorecard

TREND_DAYS = 30
STEADY = 3.0
"""Points of change within the trend's days that are still called steady."""
SHOWN_TRANSITIONS = 20


class CategoryScore(Frozen):
    """A category's points, 0 to 100, and its weight in percent; None where nothing of it was measured."""

    name: str
    title: str
    weight: float
    points: float | None


class Cost(Frozen):
    """A metric that costs points of the score, in words."""

    metric: str
    lost: float
    points: float
    words: str


class ScoreDetail(Frozen):
    """The last score and what it is made of."""

    score: float | None
    level: Level | None
    raw_level: Level | None
    band: str
    action: str
    scored_at: datetime
    since: datetime | None
    coverage: float
    insufficient: bool
    unusable: int
    baseline: bool
    scorecard: str
    categories: tuple[CategoryScore, ...]
    costs: tuple[Cost, ...]


class TrendPoint(Frozen):
    """The last score of a day."""

    day: date
    score: float
    level: Level | None


class Trend(Frozen):
    """The scores of the last 30 days; `change` is last minus first, None for fewer than two days."""

    days: int = TREND_DAYS
    points: tuple[TrendPoint, ...]
    change: float | None
    direction: str


class ContactLine(Frozen):
    """A person at the customer's."""

    id: str
    external_id: str
    name: str
    email: str
    phone: str
    role: str
    title: str
    time_zone: str
    consent: str
    suppressed: str
    active: bool


class TransitionLine(Frozen):
    """A change of level or an enrolment, and what it led to."""

    id: str
    kind: str
    at: datetime
    previous: Level | None
    level: Level
    score: float
    by: str
    decision: str | None
    code: str
    reason: str
    intervention: str | None


class CustomerDetail(Frozen):
    """Everything about one customer."""

    customer: CustomerLine
    industry: str
    country: str
    time_zone: str
    started_on: date | None
    renews_on: date | None
    facts: dict[str, Any]
    score: ScoreDetail | None
    trend: Trend
    contacts: tuple[ContactLine, ...]
    interventions: tuple[InterventionLine, ...]
    transitions: tuple[TransitionLine, ...]
    tasks: tuple[TaskLine, ...]


def customer_detail(session: Session, organisation: str, customer: str, now: datetime) -> CustomerDetail:
    """One customer; `customer` is our id of one that exists."""
    row = session.get_one(Customer, customer)
    return CustomerDetail(
        customer=customer_line(session, customer),
        industry=row.industry,
        country=row.country,
        time_zone=row.time_zone,
        started_on=row.started_on,
        renews_on=row.renews_on,
        facts=row.facts,
        score=_score(session, customer),
        trend=_trend(session, customer, now),
        contacts=_contacts(session, customer),
        interventions=interventions_of(session, customer, now),
        transitions=_transitions(session, customer),
        tasks=tasks(session, organisation, now, customer=customer).tasks,
    )


def _score(session: Session, customer: str) -> ScoreDetail | None:
    health = session.get(Health, customer)
    row = session.get(Score, health.score_id) if health else None
    if health is None or row is None:
        return None
    card = scorecard_by_hash(session, row.scorecard)
    band = card.band_of(row.score) if row.score is not None else None
    return ScoreDetail(
        score=row.score,
        level=Level(health.level) if health.level else None,
        raw_level=Level(row.raw_level) if row.raw_level else None,
        band=band.name if band else "",
        action=band.action if band else "",
        scored_at=row.scored_at,
        since=health.since,
        coverage=row.coverage,
        insufficient=row.insufficient,
        unusable=row.unusable,
        baseline=row.baseline,
        scorecard=f"{card.name}@{card.version}",
        categories=tuple(
            CategoryScore(
                name=one.name, title=one.title, weight=one.weight, points=row.categories.get(one.name)
            )
            for one in card.categories
        ),
        costs=_costs(session, row, card),
    )


def _costs(session: Session, row: Score, card: Scorecard) -> tuple[Cost, ...]:
    """The metrics that cost most, as the score has kept them, with the raw values of then in words."""
    kept = {one["metric"]: one for one in row.factors.get("top", [])}
    if not kept:
        return ()
    customer = table("customer")
    who = core_select(customer.c.id).where(customer.c.id == row.customer_id)
    before = row.scored_at - timedelta(days=TREND_DAYS)
    values = latest_values(session, who, card.metric_names, row.scored_at).values[0]
    earlier = latest_values(session, who, card.metric_names, before).values[0]
    # A value that was taken back since has no words any more.
    lost = [
        kept[name]["lost"] if name in kept and math.isfinite(values[at]) else 0.0
        for at, name in enumerate(card.metric_names)
    ]
    points = [kept[name]["points"] if name in kept else 0.0 for name in card.metric_names]
    factors = risk_factors(card, values, np.array(points), np.array(lost), earlier, top=len(kept))
    return tuple(
        Cost(metric=one.metric, lost=one.lost, points=one.points, words=one.words) for one in factors
    )


def _trend(session: Session, customer: str, now: datetime) -> Trend:
    query = (
        select(Score)
        .where(Score.customer_id == customer, col(Score.score).is_not(None))
        .where(col(Score.scored_at) > now - timedelta(days=TREND_DAYS), col(Score.scored_at) <= now)
        .order_by(col(Score.scored_at), col(Score.id))
    )
    by_day = {
        row.day: TrendPoint(day=row.day, score=row.score, level=Level(row.level) if row.level else None)
        for row in session.exec(query)
        if row.score is not None
    }
    points = tuple(by_day.values())
    change = points[-1].score - points[0].score if len(points) > 1 else None
    if change is None:
        direction = "unknown"
    else:
        direction = "steady" if abs(change) < STEADY else "improving" if change > 0 else "declining"
    return Trend(points=points, change=change, direction=direction)


def _contacts(session: Session, customer: str) -> tuple[ContactLine, ...]:
    query = select(Contact).where(Contact.customer_id == customer).order_by(col(Contact.name))
    rows = sorted(session.exec(query), key=lambda row: not row.active)
    fields = ContactLine.model_fields
    return tuple(ContactLine(**row.model_dump(include=set(fields))) for row in rows)


def _transitions(session: Session, customer: str) -> tuple[TransitionLine, ...]:
    query = (
        select(Transition)
        .where(Transition.customer_id == customer)
        .order_by(col(Transition.sequence).desc())
        .limit(SHOWN_TRANSITIONS)
    )
    return tuple(
        TransitionLine(
            id=row.id,
            kind=row.kind,
            at=row.at,
            previous=Level(row.previous) if row.previous else None,
            level=Level(row.level),
            score=row.score,
            by=row.by,
            decision=row.decision,
            code=row.code,
            reason=row.reason,
            intervention=row.intervention_id,
        )
        for row in session.exec(query)
    )
