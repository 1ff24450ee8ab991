"""A customer's score and metrics as figures for templates: those for staff, those for the customer."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.rendering import CategoryFigure, HealthFigures, Person
from keepwell.contracts.shown import ShownFigures
from keepwell.db.repositories.facts_case import Case, doers
from keepwell.db.repositories.figures import Measured, advice, choose, metric_figures
from keepwell.db.repositories.shown import choose_shown, shown_figures
from keepwell.db.tables import Score
from scoring.levels import Level

MONTH = timedelta(days=30)
SLACK_IN_TIME = timedelta(days=30)
"""How much older than 30 days the score of "30 days earlier" may be."""


def health_at_the_start(case: Case) -> HealthFigures:
    """The score and the level that the intervention began with, and nothing else."""
    return HealthFigures(score=case.intervention.score, level=_level(case.intervention.level))


def health_of(
    session: Session,
    case: Case,
    score: Score | None,
    measured: Measured,
    contact: Person | None,
    history: bool,
) -> HealthFigures:
    """The figures for staff; metrics come with their history where that is asked for."""
    chosen = choose(measured)
    figures = metric_figures(session, measured, case.customer.id, chosen.all, case.zone, history=history)
    who, today, name = doers(session, case, contact), case.day, case.customer.name
    known = score.categories if score else {}
    return HealthFigures(
        score=_known(score.score if score else None, case.intervention.score),
        level=_level((score.level or score.raw_level if score else None) or case.intervention.level),
        before=_score_before(session, score) if score else None,
        coverage=score.coverage if score else measured.coverage,
        categories=tuple(
            CategoryFigure(title=category.title, score=known.get(category.name), weight=category.weight)
            for category in measured.card.categories
        ),
        costly=tuple(advice(measured, c, figures[c], who, today, name) for c in chosen.costly),
        strengths=tuple(figures[c] for c in chosen.strengths),
        improved=tuple(figures[c] for c in chosen.improved),
    )


def shown_of(
    session: Session, case: Case, measured: Measured, contact: Person | None, history: bool
) -> ShownFigures:
    """The figures for the customer; metrics come with their history where that is asked for."""
    chosen = choose_shown(measured)
    figures = metric_figures(session, measured, case.customer.id, chosen.all, case.zone, history=history)
    return shown_figures(measured, chosen, figures, doers(session, case, contact), case.day)


def _known(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value


def _level(name: str | None) -> Level | None:
    return Level(name) if name else None


def _score_before(session: Session, score: Score) -> float | None:
    """The last score of the same scorecard that is 30 to 60 days older."""
    latest = score.scored_at - MONTH
    query = (
        select(Score.score)
        .where(col(Score.customer_id) == score.customer_id, col(Score.score).is_not(None))
        .where(col(Score.scorecard) == score.scorecard)
        .where(col(Score.scored_at).between(latest - SLACK_IN_TIME, latest))
        .order_by(col(Score.scored_at).desc(), col(Score.id).desc())
    )
    return session.exec(query.limit(1)).first()
