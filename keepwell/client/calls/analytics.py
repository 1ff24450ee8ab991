"""Calls of analytics. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from collections.abc import Sequence

from keepwell.api.v1.analytics_shapes import ChurnAnalytics, EngagementFigures
from keepwell.client.core import Call, Group, Sender, endpoint
from keepwell.db.repositories.views_engagement_lines import EngagementOutcome, EngagementType
from keepwell.db.repositories.views_stats_lines import Period


class AnalyticsCalls(Group[Sender]):
    """Calls of analytics."""

    @endpoint
    def churn_risk(
        self,
        *,
        risk_threshold: float | None = None,
        period: Period | None = None,
        factors: bool | None = None,
    ) -> Call[ChurnAnalytics]:
        """Who is likely to leave, by the churn model in use; its bands, its mean by day, and the reasons."""
        return Call(
            "GET",
            "/api/analytics/churn-risk",
            ChurnAnalytics,
            query={"risk_threshold": risk_threshold, "period": period, "factors": factors},
        )

    @endpoint
    def engagement(
        self,
        *,
        type: Sequence[EngagementType] | None = None,
        outcome: Sequence[EngagementOutcome] | None = None,
        period: Period | None = None,
        team_member: str | None = None,
    ) -> Call[EngagementFigures]:
        """Messages that reached somebody, talks noted with tasks, and meetings that were reported."""
        return Call(
            "GET",
            "/api/analytics/engagement",
            EngagementFigures,
            query={"type": type, "outcome": outcome, "period": period, "team_member": team_member},
        )
