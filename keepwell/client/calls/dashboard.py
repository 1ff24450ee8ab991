"""Calls of dashboard. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from keepwell.api.shapes import DashboardStats
from keepwell.api.v1.dashboard_shapes import PortfolioStats
from keepwell.client.core import Call, Group, Sender, endpoint
from keepwell.db.repositories.views_stats_lines import Period


class DashboardCalls(Group[Sender]):
    """Calls of dashboard."""

    @endpoint
    def stats(self) -> Call[DashboardStats]:
        """How many customers there are, how they do, and what they pay."""
        return Call("GET", "/api/dashboard/stats", DashboardStats)

    @endpoint
    def stats_over_time(
        self, *, period: Period | None = None, segment: str | None = None, compare: Period | None = None
    ) -> Call[PortfolioStats]:
        """Counts, levels, segments and a point a day; what changed; revenue and key figures."""
        return Call(
            "GET",
            "/api/v1/dashboard/stats",
            PortfolioStats,
            query={"period": period, "segment": segment, "compare": compare},
        )
