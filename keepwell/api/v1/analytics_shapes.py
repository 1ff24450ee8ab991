"""Engagement and churn figures as programs read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from keepwell.api.shapes import OUTCOMES, Camel, percent, rounded
from keepwell.db.repositories.views_engagement_lines import (
    ChurnRiskAnalytics,
    ChurnRiskLine,
    EngagementAnalytics,
    EngagementOutcome,
    EngagementType,
)
from keepwell.db.repositories.views_stats_lines import Period
from scoring.churn_risk import ChurnRisk
from scoring.churn_signs import FACTORS


class ByType(Camel):
    """Engagements by how we met; `other` are those of which the way is not known."""

    meeting: int
    call: int
    email: int
    demo: int
    training: int
    in_app: int
    other: int


class ByOutcome(Camel):
    """Engagements by what came of them; of the `unknown` nothing is known yet."""

    positive: int
    neutral: int
    negative: int
    action_required: int
    unknown: int


class Together(Camel):
    """How often a type had an outcome. `averageHealthChange`: by how many points those customers' scores
    changed in 30 days, as they stand today. It says what came together, and not what caused what."""

    type: EngagementType
    outcome: str | None
    count: int
    accounts: int
    average_health_change: float | None


class EngagementFigures(Camel):
    """Engagements of a period. Null: there were none to count.

    `averageResponseTime` is in hours, from a message to the customer's answer, of those that were answered;
    `engagementFrequency` engagements per active customer and 30 days, `stakeholderParticipation` the
    percentage of active customers with one.
    """

    period: Period
    total_engagements: int
    engagements_by_type: ByType
    outcome_distribution: ByOutcome
    average_response_time: float | None
    answered: int
    engagement_frequency: float | None
    stakeholder_participation: float | None
    outcome_correlation: tuple[Together, ...]


class RiskFactor(Camel):
    """A group of signs: its weight (a share of 1), its three indicators, and of how many of the customers
    listed it speaks for leaving."""

    weight: float
    indicators: tuple[str, ...]
    accounts: int


class ChurnRiskFactors(Camel):
    """The four groups of signs. They are a rule of thumb; probabilities are the churn model's."""

    health_decline: RiskFactor
    engagement_reduction: RiskFactor
    business_risk: RiskFactor
    competitive_threats: RiskFactor


class CostlyMetric(Camel):
    """A metric that is among the costliest of so many of those looked at, with its mean cost in points."""

    metric: str
    title: str
    accounts: int
    average_lost: float


class ChurnBand(Camel):
    """Predictions above `above` and up to `upTo`, in percent, and those customers' monthly revenue."""

    category: str
    above: float
    up_to: float
    accounts: int
    monthly_revenue: float


class ChurnDay(Camel):
    """A day's mean of the predictions that counted then, in percent."""

    date: date
    average_churn_risk: float
    accounts: int


class ChurnAccount(Camel):
    """A customer who may leave. `confidenceInterval` is in percent; `timeToChurn` in months, null where the
    model cannot say. `signs` are the indicators that speak for leaving; null unless factors are asked for."""

    account_id: str
    account_name: str
    health_score: float | None
    churn_risk: float
    confidence_interval: tuple[float, float]
    risk_category: str
    time_to_churn: float | None
    intervention_priority: str | None
    risk_factors: tuple[str, ...]
    signs: tuple[str, ...] | None


class ChurnAnalytics(Camel):
    """Who may leave, by the predictions that count; risks in percent. Null: nothing is predicted.

    `accountsAtRisk` are at or above the threshold, `revenueAtRisk` their monthly revenue; `accounts` lists
    the likeliest. `factors` and `costliestMetrics` are null unless asked for.
    """

    period: Period
    risk_threshold: float
    predicted_accounts: int
    average_churn_risk: float | None
    accounts_at_risk: int
    revenue_at_risk: float
    bands: tuple[ChurnBand, ...]
    trend: tuple[ChurnDay, ...]
    accounts: tuple[ChurnAccount, ...]
    factors: ChurnRiskFactors | None
    costliest_metrics: tuple[CostlyMetric, ...] | None


def engagement_figures(found: EngagementAnalytics) -> EngagementFigures:
    """Engagements in these words."""
    seconds, outcomes = found.average_response_seconds, found.by_outcome
    return EngagementFigures(
        period=found.period,
        total_engagements=found.total,
        engagements_by_type=ByType(**{kind.value: found.by_type[kind] for kind in EngagementType}),
        outcome_distribution=ByOutcome(
            positive=outcomes[EngagementOutcome.POSITIVE],
            neutral=outcomes[EngagementOutcome.NEUTRAL],
            negative=outcomes[EngagementOutcome.NEGATIVE],
            action_required=outcomes[EngagementOutcome.ACTION_REQUIRED],
            unknown=outcomes[EngagementOutcome.NONE],
        ),
        average_response_time=None if seconds is None else round(seconds / 3600, 2),
        answered=found.answered,
        engagement_frequency=None if found.frequency is None else round(found.frequency, 2),
        stakeholder_participation=percent(found.participation),
        outcome_correlation=tuple(
            Together(
                type=one.type,
                outcome=OUTCOMES[one.outcome],
                count=one.count,
                accounts=one.customers,
                average_health_change=rounded(one.average_change),
            )
            for one in found.correlation
        ),
    )


def churn_figures(found: ChurnRiskAnalytics, signs: Mapping[str, ChurnRisk] | None) -> ChurnAnalytics:
    """Predictions in these words; `signs` by customer, None where they were not asked for."""
    asked = signs is not None
    return ChurnAnalytics(
        period=found.period,
        risk_threshold=round(found.threshold * 100, 4),
        predicted_accounts=found.predicted,
        average_churn_risk=percent(found.average),
        accounts_at_risk=found.above,
        revenue_at_risk=round(found.revenue_at_risk, 2),
        bands=tuple(
            ChurnBand(
                category=one.category,
                above=round(one.above * 100, 1),
                up_to=round(one.up_to * 100, 1),
                accounts=one.customers,
                monthly_revenue=round(one.monthly_revenue, 2),
            )
            for one in found.bands
        ),
        trend=tuple(
            ChurnDay(date=day, average_churn_risk=round(mean * 100, 1), accounts=number)
            for day, mean, number in found.trend
        ),
        accounts=tuple(_account(one, signs) for one in found.customers),
        factors=_factors(signs) if signs is not None else None,
        costliest_metrics=tuple(
            CostlyMetric(
                metric=one.metric,
                title=one.title,
                accounts=one.customers,
                average_lost=round(one.average_lost, 1),
            )
            for one in found.factors
        )
        if asked
        else None,
    )


def _account(one: ChurnRiskLine, signs: Mapping[str, ChurnRisk] | None) -> ChurnAccount:
    return ChurnAccount(
        account_id=one.customer.id,
        account_name=one.customer.name,
        health_score=rounded(one.customer.score),
        churn_risk=round(one.probability * 100, 1),
        confidence_interval=(round(one.low * 100, 1), round(one.high * 100, 1)),
        risk_category=one.category,
        time_to_churn=rounded(one.months),
        intervention_priority=one.priority.priority.value if one.priority else None,
        risk_factors=tuple(reason.words for reason in one.reasons),
        signs=None if signs is None else tuple(_speaking(signs[one.customer.id])),
    )


def _speaking(risk: ChurnRisk) -> list[str]:
    """The indicators that speak for leaving."""
    return [sign.name for factor in risk.factors for sign in factor.indicators if sign.sign]


def _factors(signs: Mapping[str, ChurnRisk]) -> ChurnRiskFactors:
    speaking = [{*_speaking(risk)} for risk in signs.values()]
    found = {}
    for factor in FACTORS:
        names = tuple(one.name for one in factor.indicators)
        number = sum(1 for one in speaking if one & {*names})
        found[factor.name] = RiskFactor(weight=factor.weight, indicators=names, accounts=number)
    return ChurnRiskFactors.model_validate(found)
