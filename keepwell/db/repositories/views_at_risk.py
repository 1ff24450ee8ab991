"""Read model of the customers at risk: the most urgent first, each with its reasons and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.scorecards import scorecard_by_hash
from keepwell.db.repositories.views_at_risk_lines import AtRiskLine, AtRiskPage, CategoryPoints, RiskReason
from keepwell.db.repositories.views_portfolio import page_of
from keepwell.db.repositories.views_portfolio_beside import lines_of
from keepwell.db.repositories.views_portfolio_lines import PortfolioFilter, PortfolioLine
from keepwell.db.repositories.views_portfolio_query import by_urgency
from keepwell.db.repositories.wording import named
from scoring.factors import success_words
from scoring.priority import InterventionPriority, intervention_priority
from scoring.recommend import Recommendation
from scoring.scorecard import Scorecard

_CERTAIN = PortfolioFilter(at_risk=True)


def at_risk(
    session: Session,
    organisation: str,
    wanted: PortfolioFilter | None = None,
    *,
    now: datetime,
    cursor: str | None = None,
    limit: int = 50,
) -> AtRiskPage:
    """Customers at level AT_RISK or worse that the filter leaves, the most urgent and worst score first.

    A filter of your own decides itself: with `at_risk=True` it stays to those levels, without (and with
    `churn_above`, say) others come too.

    Raises:
        InputError: as `portfolio`.
    """
    page = page_of(session, organisation, wanted or _CERTAIN, by_urgency(now), now, cursor, limit)
    lines = lines_of(session, organisation, page.rows, now)
    explained = explained_by(session, [line.id for line in lines])
    return AtRiskPage(
        lines=tuple(_line(line, explained.get(line.id)) for line in lines), total=page.total, next=page.next
    )


@dataclass(frozen=True, slots=True)
class Explained:
    """What a customer's last score has kept of its reasons, and the scorecard it is by."""

    card: Scorecard
    reasons: tuple[RiskReason, ...]
    categories: tuple[CategoryPoints, ...]


def explained_by(session: Session, customers: Sequence[str]) -> dict[str, Explained]:
    """The reasons of each customer's last score, by the customer's id; those never scored are missing."""
    health, score = table("health").c, table("score").c
    query = (
        select(health.customer_id, score.scorecard, score.factors, score.categories)
        .join_from(table("health"), table("score"), score.id == health.score_id)
        .where(health.customer_id.in_(customers))
    )
    cards: dict[str, Scorecard] = {}
    found = {}
    for customer, fingerprint, factors, categories in session.connection().execute(query):
        if fingerprint not in cards:
            cards[fingerprint] = scorecard_by_hash(session, fingerprint)
        card = cards[fingerprint]
        found[customer] = Explained(card, _reasons(card, factors), _categories(card, categories))
    return found


def priority_of(line: PortfolioLine) -> InterventionPriority | None:
    """The priority of a customer by its line: a prediction that is too old does not count."""
    return intervention_priority(line.score, None if line.churn_old else line.churn)


def _line(line: PortfolioLine, explained: Explained | None) -> AtRiskLine:
    return AtRiskLine(
        customer=line,
        priority=priority_of(line),
        reasons=explained.reasons if explained else (),
        categories=explained.categories if explained else (),
        recommendations=_recommendations(explained, line.name) if explained else (),
    )


def _reasons(card: Scorecard, factors: dict[str, Any]) -> tuple[RiskReason, ...]:
    titles = {one.name: one.title for one in card.categories}
    reasons = []
    for kept in factors.get("top", []):
        metric, lost = card.metric(kept["metric"]), float(kept["lost"])
        cost = f"{lost:.1f}" if lost >= 0.05 else "less than 0.1"
        reasons.append(
            RiskReason(
                metric=metric.name,
                title=metric.title,
                category=metric.category,
                category_title=titles[metric.category],
                points=float(kept["points"]),
                lost=lost,
                words=f"{metric.title} costs {cost} {'point' if cost == '1.0' else 'points'}",
            )
        )
    return tuple(reasons)


def _categories(card: Scorecard, points: dict[str, float]) -> tuple[CategoryPoints, ...]:
    known = [
        CategoryPoints(name=one.name, title=one.title, points=points[one.name])
        for one in card.categories
        if one.name in points
    ]
    return tuple(sorted(known, key=lambda one: one.points))


def _recommendations(explained: Explained, customer: str) -> tuple[Recommendation, ...]:
    """The scorecard's actions for what costs most, in sentences about the customer by its name."""
    card = explained.card
    return tuple(
        Recommendation(
            metric=metric.name,
            action=named(metric.action, customer),
            owner=metric.owner,
            due_days=metric.due_days,
            success=named(success_words(card, metric.name), customer),
            reason=reason.words,
        )
        for reason in explained.reasons
        for metric in (card.metric(reason.metric),)
    )
