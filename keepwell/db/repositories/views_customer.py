"""The read model of one customer: where it stands, why, how it got there, and what is being done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.people import Purpose
from keepwell.db.repositories.figures import Measured, measured_at
from keepwell.db.repositories.insight import Insight, insight
from keepwell.db.repositories.insight_benchmark import Comparison, comparison
from keepwell.db.repositories.scorecards import scorecard_by_hash
from keepwell.db.repositories.suppressing import same, suppressed
from keepwell.db.repositories.team import owner_away_words
from keepwell.db.repositories.views_customer_score import (
    ScoreDetail,
    Trend,
    score_detail,
    trend_of_scores,
)
from keepwell.db.repositories.views_interventions import InterventionLine, interventions_of
from keepwell.db.repositories.views_portfolio import customer_shown
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from keepwell.db.repositories.views_work import TaskLine, tasks
from keepwell.db.repositories.wishes import unwanted
from keepwell.db.tables import Contact, Customer, Health, Organisation, Score, Transition
from scoring.levels import Level

SHOWN_TRANSITIONS = 20
Standing = tuple[Health, Score, Measured]
"""Where a customer stands, its last score, and its metrics of that moment."""


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
    unwanted: tuple[Purpose, ...]
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
    """Everything about one customer; `owner_away` says who stands in while its owner is away."""

    customer: PortfolioLine
    owner_away: str = ""
    industry: str
    country: str
    time_zone: str
    started_on: date | None
    renews_on: date | None
    left_on: date | None
    facts: dict[str, Any]
    score: ScoreDetail | None
    trend: Trend
    insight: Insight
    contacts: tuple[ContactLine, ...]
    interventions: tuple[InterventionLine, ...]
    transitions: tuple[TransitionLine, ...]
    tasks: tuple[TaskLine, ...]


def customer_detail(
    session: Session, organisation: str, customer: str, now: datetime, *, compared: bool = True
) -> CustomerDetail:
    """One customer; `customer` is our id of one that exists. See `insight` for `compared`."""
    row = session.get_one(Customer, customer)
    owner = session.get_one(Organisation, organisation)
    return detail_of(session, owner, row, standing_of(session, owner, row), now, compared=compared)


def detail_of(
    session: Session,
    owner: Organisation,
    row: Customer,
    standing: Standing | None,
    now: datetime,
    *,
    compared: bool = True,
) -> CustomerDetail:
    """`customer_detail` for whoever has the rows, and where the customer stands, already."""
    organisation, customer = owner.id, row.id
    score = score_detail(*standing, now, (row.time_zone, owner.time_zone)) if standing else None
    return CustomerDetail(
        customer=customer_shown(session, organisation, customer, now),
        owner_away=owner_away_words(session, row.owner_id, now),
        industry=row.industry,
        country=row.country,
        time_zone=row.time_zone,
        started_on=row.started_on,
        renews_on=row.renews_on,
        left_on=row.left_on,
        facts=row.facts,
        score=score,
        trend=trend_of_scores(session, standing[1] if standing else None, now),
        insight=insight(session, owner, row, standing, score, now, compared=compared),
        contacts=_contacts(session, organisation, customer),
        interventions=interventions_of(session, customer, now),
        transitions=_transitions(session, customer),
        tasks=tasks(session, organisation, now, customer=customer, snoozed=True).tasks,
    )


def comparison_of(session: Session, organisation: str, customer: str) -> Comparison | None:
    """A customer among similar ones, by our id of one that exists; None where it was never scored."""
    row = session.get_one(Customer, customer)
    owner = session.get_one(Organisation, organisation)
    standing = standing_of(session, owner, row)
    return comparison(session, owner, row, *standing[1:]) if standing else None


def standing_of(session: Session, organisation: Organisation, customer: Customer) -> Standing | None:
    """Where a customer stands, its last score and its metrics of that moment; None if it was never scored."""
    query = select(Health, Score).join(Score, col(Score.id) == col(Health.score_id))
    found = session.exec(query.where(Health.customer_id == customer.id)).first()
    if found is None:
        return None
    health, score = found
    card = scorecard_by_hash(session, score.scorecard)
    currency = customer.currency or organisation.currency
    return health, score, measured_at(session, card, customer.id, score.scored_at, currency)


def _contacts(session: Session, organisation: str, customer: str) -> tuple[ContactLine, ...]:
    query = select(Contact).where(Contact.customer_id == customer).order_by(col(Contact.name))
    rows = sorted(session.exec(query), key=lambda row: not row.active)
    fields = set(ContactLine.model_fields)
    closed = suppressed(session, organisation, [row.email for row in rows])
    refused = unwanted(session, rows)
    return tuple(
        ContactLine(
            **row.model_dump(include=fields),
            suppressed=closed.get(same(row.email), ""),
            unwanted=refused.get(row.id, ()),
        )
        for row in rows
    )


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
