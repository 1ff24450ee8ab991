"""How customers are spoken with, and who may leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.etags import answer
from keepwell.api.problems import problems
from keepwell.api.v1.analytics_shapes import (
    ChurnAnalytics,
    EngagementFigures,
    churn_figures,
    engagement_figures,
)
from keepwell.api.v1.asked import OwnerFilter
from keepwell.api.v1.asked_stats import UNCHANGED, InPeriod
from keepwell.api.v1.resolving import owner_of
from keepwell.db.repositories.views_churn_factors import churn_factors
from keepwell.db.repositories.views_churn_risk import churn_risk_analytics
from keepwell.db.repositories.views_engagement import engagement_analytics
from keepwell.db.repositories.views_engagement_lines import EngagementOutcome, EngagementType
from keepwell.db.repositories.views_stats_lines import Period

router = APIRouter(prefix="/api/analytics", tags=["figures"], responses=problems(404) | UNCHANGED)

LISTED = 25
"""Customers who are listed: the likeliest to leave."""


@router.get("/engagement", response_model=EngagementFigures, summary="How customers are spoken with")
def engagement(
    request: Request,
    door: AtDoor,
    who: Reader,
    type: Annotated[
        list[EngagementType], Query(description="Only these ways of meeting.", max_length=10)
    ] = [],  # noqa: B006
    outcome: Annotated[
        list[EngagementOutcome], Query(description="Only with these outcomes.", max_length=10)
    ] = [],  # noqa: B006
    period: InPeriod = Period.MONTH,
    team_member: OwnerFilter = None,
) -> Response:
    """Messages that reached somebody, talks noted with tasks, and meetings that were reported."""
    with door.store.read() as session:
        found = engagement_analytics(
            session,
            who.organisation_id,
            now=datetime.now(UTC),
            period=period,
            types=type,
            outcomes=outcome,
            team_member=owner_of(session, who, team_member),
        )
    return answer(request, engagement_figures(found))


@router.get("/churn-risk", response_model=ChurnAnalytics, summary="Who may leave")
def churn_risk(
    request: Request,
    door: AtDoor,
    who: Reader,
    risk_threshold: Annotated[
        float, Query(ge=0, le=100, description="The least probability, in percent.")
    ] = 50.0,
    period: InPeriod = Period.MONTH,
    factors: Annotated[bool, Query(description="With what speaks for leaving, of those listed.")] = False,
) -> Response:
    """Who is likely to leave, by the churn model in use; its bands, its mean by day, and the reasons."""
    now, own = datetime.now(UTC), who.organisation_id
    with door.store.read() as session:
        found = churn_risk_analytics(
            session,
            own,
            now=now,
            threshold=risk_threshold / 100,
            period=period,
            factors=factors,
            limit=LISTED,
        )
        signs = (
            churn_factors(session, own, [one.customer.id for one in found.customers], now)
            if factors
            else None
        )
    return answer(request, churn_figures(found, signs))
