"""Calls of health. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.v1.health import Health
from keepwell.client.core import Call, Group, Sender, endpoint
from keepwell.db.repositories.views_stats_lines import Period


class HealthCalls(Group[Sender]):
    """Calls of health."""

    @endpoint
    def health(
        self,
        *,
        account_id: str | None = None,
        period: Period | None = None,
        at_risk: bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Call[Health]:
        """Scores by day, segments by score, and early signs."""
        return Call(
            "GET",
            "/api/v1/health",
            Health,
            query={
                "account_id": account_id,
                "period": period,
                "at_risk": at_risk,
                "cursor": cursor,
                "limit": limit,
            },
        )
