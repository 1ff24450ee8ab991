"""What to do about the metrics that cost a customer most."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from scoring.factors import RiskFactor, success_words
from scoring.scorecard import Owner, Scorecard


class Recommendation(BaseModel):
    """A scorecard's action for one metric: who does it, within how many days, what success is, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    metric: str
    action: str
    owner: Owner
    due_days: int
    success: str
    reason: str


def recommendations(
    card: Scorecard, factors: Sequence[RiskFactor], top: int = 3
) -> tuple[Recommendation, ...]:
    """The actions for the first `top` of these factors, in their order; the reason is the factor's words.

    Raises ValueError if top is below 1, KeyError for a metric that the scorecard has not.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1, not {top}")
    found = []
    for factor in factors[:top]:
        metric = card.metric(factor.metric)
        found.append(
            Recommendation(
                metric=metric.name,
                action=metric.action,
                owner=metric.owner,
                due_days=metric.due_days,
                success=success_words(card, metric.name),
                reason=factor.words,
            )
        )
    return tuple(found)
