"""Health over time: one customer's, or everybody's, with those at risk where asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.etags import answer
from keepwell.api.problems import problems
from keepwell.api.shapes import Camel, counted_churn, percent, rounded
from keepwell.api.v1.asked import Cursor, Limit
from keepwell.api.v1.asked_stats import UNCHANGED, InPeriod
from keepwell.api.v1.dashboard_shapes import HealthDay, HealthSegments, health_day, health_segments
from keepwell.api.v1.resolving import customer_of
from keepwell.db.repositories.views_at_risk_lines import AtRiskLine
from keepwell.db.repositories.views_health import customer_health, health_trends
from keepwell.db.repositories.views_health_lines import CustomerHealth, HealthTrends
from keepwell.db.repositories.views_stats_lines import Period
from scoring.levels import Level
from scoring.trend import Direction

router = APIRouter(prefix="/api/v1/health", tags=["figures"], responses=problems(404) | UNCHANGED)


class HealthFactor(Camel):
    """A category of the score: its weight (a share of 1), points, where it heads, and its metrics' values.

    `score` is null where nothing was measured; `metrics` has those with a usable value, by name.
    """

    weight: float
    score: float | None
    trend: Direction
    metrics: dict[str, float]


class HealthPoint(Camel):
    """The last score of a day, with its points by category."""

    date: date
    health_score: float
    level: Level | None
    factors: dict[str, float]


class AccountHealth(Camel):
    """One customer's health. `change` is over the period; the probability of leaving is in percent.

    Names of factors and metrics are the scorecard's. `history` holds scores by the scorecard in `scorecard`
    alone; `otherScorecards` says that the period has others, too, which do not compare.
    """

    account_id: str
    external_id: str
    account_name: str
    health_score: float | None
    level: Level | None
    scored_at: datetime | None
    scorecard: str
    trend: Direction
    change: float | None
    churn_risk: float | None
    intervention_priority: str | None
    factors: dict[str, HealthFactor]
    history: tuple[HealthPoint, ...]
    other_scorecards: bool
    risk_factors: tuple[str, ...]
    recommendations: tuple[str, ...]


class RiskyAccount(Camel):
    """A customer at risk: why, how urgent, and what to do."""

    account_id: str
    account_name: str
    health_score: float | None
    level: Level | None
    trend: Direction
    churn_risk: float | None
    intervention_priority: str | None
    risk_factors: tuple[str, ...]
    recommendations: tuple[str, ...]


class RiskyAccounts(Camel):
    """A page of them, the most urgent first; `next` is the cursor of the page after, null on the last one."""

    accounts: tuple[RiskyAccount, ...]
    total: int
    next: str | None


class Health(Camel):
    """Health over a period. With `account_id` only `account` is filled, without it is null.

    `trend` has a point for each day on which all were scored. `atRisk` is null unless asked for.
    """

    period: Period
    account: AccountHealth | None = None
    average_health_score: float | None = None
    segments: HealthSegments | None = None
    trend: tuple[HealthDay, ...] = ()
    at_risk: RiskyAccounts | None = None


@router.get("", response_model=Health, summary="Health over a period")
def health(
    request: Request,
    door: AtDoor,
    who: Reader,
    account_id: Annotated[
        str | None, Query(max_length=200, description="One customer: our id, or its external id.")
    ] = None,
    period: InPeriod = Period.MONTH,
    at_risk: Annotated[bool, Query(description="With a page of the customers at risk.")] = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Scores by day, segments by score, and early signs."""
    now, own = datetime.now(UTC), who.organisation_id
    with door.store.look(), door.store.read() as session:
        customer = customer_of(session, who, account_id)
        if customer is not None:
            one = customer_health(session, own, customer, now=now, period=period)
            return answer(request, Health(period=period, account=_account(one)))
        found = health_trends(
            session, own, now=now, period=period, risky=at_risk, cursor=cursor or None, limit=limit
        )
    return answer(request, _everybody(found))


def _everybody(found: HealthTrends) -> Health:
    risky = found.at_risk
    return Health(
        period=found.period,
        average_health_score=rounded(found.average_score),
        segments=health_segments(found.segments),
        trend=tuple(health_day(one) for one in found.days),
        at_risk=None
        if risky is None
        else RiskyAccounts(
            accounts=tuple(_risky(one) for one in risky.lines), total=risky.total, next=risky.next
        ),
    )


def _risky(line: AtRiskLine) -> RiskyAccount:
    return RiskyAccount(
        account_id=line.customer.id,
        account_name=line.customer.name,
        health_score=rounded(line.customer.score),
        level=line.customer.level,
        trend=line.customer.trend,
        churn_risk=percent(counted_churn(line.customer)),
        intervention_priority=line.priority.priority.value if line.priority else None,
        risk_factors=tuple(one.words for one in line.reasons),
        recommendations=tuple(one.action for one in line.recommendations),
    )


def _account(one: CustomerHealth) -> AccountHealth:
    counts = one.prediction is not None and not one.prediction.old
    return AccountHealth(
        account_id=one.customer_id,
        external_id=one.external_id,
        account_name=one.name,
        health_score=rounded(one.score),
        level=one.level,
        scored_at=one.scored_at,
        scorecard=one.scorecard,
        trend=one.trend,
        change=rounded(one.change),
        churn_risk=percent(one.prediction.probability) if one.prediction and counts else None,
        intervention_priority=one.priority.priority.value if one.priority else None,
        factors={
            part.name: HealthFactor(
                weight=round(part.weight / 100, 4),
                score=rounded(part.points),
                trend=part.trend,
                metrics={
                    metric.name: metric.value for metric in one.key_metrics if metric.category == part.name
                },
            )
            for part in one.components
        },
        history=tuple(
            HealthPoint(
                date=point.day,
                health_score=round(point.score, 1),
                level=point.level,
                factors={name: round(value, 1) for name, value in point.categories.items()},
            )
            for point in one.points
        ),
        other_scorecards=one.other_scorecards,
        risk_factors=one.risk_factors,
        recommendations=tuple(recommendation.action for recommendation in one.recommendations),
    )
