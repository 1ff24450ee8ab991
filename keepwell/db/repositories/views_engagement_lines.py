"""What is told of how customers are spoken with, and of who may leave."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.views_at_risk_lines import RiskReason
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from keepwell.db.repositories.views_stats_lines import Period
from scoring.priority import InterventionPriority


class EngagementType(StrEnum):
    """A way in which we and a customer meet."""

    MEETING = "meeting"
    CALL = "call"
    EMAIL = "email"
    DEMO = "demo"
    TRAINING = "training"
    IN_APP = "in_app"
    OTHER = "other"


class EngagementOutcome(StrEnum):
    """What came of it; NONE: nothing is known yet."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    ACTION_REQUIRED = "action_required"
    NONE = "none"


class TypeOutcome(Frozen):
    """How often a type had an outcome, and by how many points those customers' scores changed in 30 days.

    `average_change` goes by the changes as they stand today; None where none is known. It says what came
    together, not what caused what.
    """

    type: EngagementType
    outcome: EngagementOutcome
    count: int
    customers: int
    average_change: float | None


class EngagementAnalytics(Frozen):
    """Engagements of a period.

    `customers` had at least one; `frequency` is engagements per active customer and 30 days, `participation`
    the share (0 to 1) of active customers with one. `average_response_seconds` is from a message's sending to
    the customer's answer, of those that were answered; `answered` is how many were.
    """

    period: Period
    total: int
    by_type: dict[EngagementType, int]
    by_outcome: dict[EngagementOutcome, int]
    correlation: tuple[TypeOutcome, ...]
    customers: int
    frequency: float | None
    participation: float | None
    answered: int
    average_response_seconds: float | None


class FactorCount(Frozen):
    """A metric that is among the costliest of this many of the customers looked at, with its mean cost."""

    metric: str
    title: str
    category: str
    customers: int
    average_lost: float


class ChurnRiskLine(Frozen):
    """A customer with a prediction that counts."""

    customer: PortfolioLine
    probability: float
    low: float
    high: float
    category: str
    months: float | None
    priority: InterventionPriority | None
    reasons: tuple[RiskReason, ...]


class RiskBand(Frozen):
    """How many predictions lie above `above` and up to `up_to`, and those customers' monthly revenue."""

    category: str
    above: float
    up_to: float
    customers: int
    monthly_revenue: float


class ChurnRiskAnalytics(Frozen):
    """Who may leave: those whose probability (0 to 1) is `threshold` or more, the likeliest first.

    `trend` is a day's mean of the predictions that counted at the end of its run, and of how many customers,
    for the days of the period. `factors` is empty unless asked for; it goes by the `examined` likeliest at
    most. `revenue_at_risk` is the monthly revenue of all who are above, in the organisation's currency.
    """

    period: Period
    threshold: float
    predicted: int
    average: float | None
    above: int
    revenue_at_risk: float
    bands: tuple[RiskBand, ...]
    trend: tuple[tuple[date, float, int], ...]
    customers: tuple[ChurnRiskLine, ...]
    factors: tuple[FactorCount, ...] = ()
    examined: int = 0
