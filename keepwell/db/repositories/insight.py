"""What the figures of a customer mean: how urgent it is and why, what speaks for leaving, what to do."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.churn import HOLDS
from keepwell.db.repositories import churn_models
from keepwell.db.repositories.figures import Measured
from keepwell.db.repositories.insight_benchmark import Comparison, comparison
from keepwell.db.repositories.insight_churn import churn_signs
from keepwell.db.repositories.scorecards_beside import OtherScore, other_scores
from keepwell.db.repositories.views_customer_score import ScoreDetail
from keepwell.db.repositories.wording import named
from keepwell.db.tables import ChurnModel, ChurnPrediction, Customer, Health, Organisation, Score
from scoring.churn_risk import ChurnRisk
from scoring.priority import InterventionPriority, intervention_priority
from scoring.recommend import Recommendation, recommendations
from scoring.scorecard import Scorecard


class Prediction(Frozen):
    """What a churn model says of a customer: the probability of leaving (0 to 1) with its interval, and when.

    `months` is the time until half of such customers have left, with its interval; None where the model
    cannot say. `old` says that it does not count for the priority any more.
    """

    probability: float
    low: float
    high: float
    category: str
    months: float | None
    months_low: float | None
    months_high: float | None
    model: str
    at: datetime
    old: bool


class Insight(Frozen):
    """All of it; `priority` is None where neither a score nor a prediction is known.

    `churn_risk` is a rule of thumb with a reason for each part, and no probability: that is `prediction`'s,
    where a churn model is in use. `comparison` is None where there is no score, or it was not asked for.
    """

    priority: InterventionPriority | None
    prediction: Prediction | None
    churn_risk: ChurnRisk
    recommendations: tuple[Recommendation, ...]
    comparison: Comparison | None
    others: tuple[OtherScore, ...]


def insight(
    session: Session,
    organisation: Organisation,
    customer: Customer,
    standing: tuple[Health, Score, Measured] | None,
    detail: ScoreDetail | None,
    now: datetime,
    *,
    compared: bool = True,
) -> Insight:
    """What is known of one customer as of now.

    standing: where it stands, its last score and its metrics of that moment; None where it was never scored.
    detail: that score's read model.
    compared: with the comparison, which reads up to a thousand others and takes longer than the rest.
    """
    health = standing[0] if standing else None
    card = standing[2].card if standing else None
    prediction = prediction_of(session, customer.id, now)
    counts = prediction is not None and not prediction.old
    return Insight(
        priority=intervention_priority(
            health.score if health else None, prediction.probability if prediction and counts else None
        ),
        prediction=prediction,
        churn_risk=churn_signs(session, organisation, customer, card, now),
        recommendations=recommended(card, detail, customer.name),
        comparison=comparison(session, organisation, customer, *standing[1:])
        if standing and compared
        else None,
        others=other_scores(session, customer.id),
    )


def prediction_of(session: Session, customer: str, now: datetime) -> Prediction | None:
    """The newest prediction of a customer, None where there is none."""
    query = (
        select(ChurnPrediction, ChurnModel)
        .outerjoin(ChurnModel, col(ChurnModel.id) == col(ChurnPrediction.model_id))
        .where(ChurnPrediction.customer_id == customer)
        .order_by(col(ChurnPrediction.at).desc())
        .options(churn_models.LABEL_ALONE)
        .limit(1)
    )
    found = session.exec(query).first()
    if found is None:
        return None
    row, model = found
    return Prediction(
        **row.model_dump(
            include={"probability", "low", "high", "category", "months", "months_low", "months_high", "at"}
        ),
        model=churn_models.label(model) if model else "",
        old=now - row.at > HOLDS,
    )


def recommended(card: Scorecard | None, detail: ScoreDetail | None, name: str) -> tuple[Recommendation, ...]:
    """The actions for what costs most, in sentences about the customer by its name."""
    if card is None or detail is None or not detail.costs:
        return ()
    return tuple(
        one.model_copy(update={"action": named(one.action, name), "success": named(one.success, name)})
        for one in recommendations(card, detail.costs)
    )
