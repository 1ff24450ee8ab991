"""A portfolio's figures: the short ones, and those over a period."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator
from sqlmodel import Session

from keepwell.api.access import Reader
from keepwell.api.door import AtDoor
from keepwell.api.etags import answer
from keepwell.api.problems import problems
from keepwell.api.shapes import DashboardStats, dashboard_stats
from keepwell.api.v1.asked import storable
from keepwell.api.v1.asked_stats import UNCHANGED, InPeriod
from keepwell.api.v1.dashboard_shapes import PortfolioStats, portfolio_stats
from keepwell.db.repositories import views_stats
from keepwell.db.repositories.views_health import health_trends
from keepwell.db.repositories.views_kpis import kpis
from keepwell.db.repositories.views_stats_groups import groups_of
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Organisation

router = APIRouter(tags=["figures"], responses=problems() | UNCHANGED)


@router.get("/api/dashboard/stats", response_model=DashboardStats, summary="The portfolio in eight figures")
def stats(request: Request, door: AtDoor, who: Reader) -> Response:
    """How many customers there are, how they do, and what they pay. At most three seconds old."""
    now, own = datetime.now(UTC), who.organisation_id
    with door.store.read() as session:
        totals = door.kept.of(session, own, "totals", lambda: views_stats.totals(session, own, now=now))
    return answer(request, dashboard_stats(totals))


@router.get(
    "/api/v1/dashboard/stats", response_model=PortfolioStats, summary="The portfolio's figures over a period"
)
def stats_over_time(
    request: Request,
    door: AtDoor,
    who: Reader,
    period: InPeriod = Period.MONTH,
    segment: Annotated[
        str | None,
        Query(max_length=200, description="Only customers of this segment; empty: those without one."),
        AfterValidator(lambda text: None if text is None else storable(text)),
    ] = None,
    compare: Annotated[
        Period | None, Query(description="With the day that lies so far back; else with the period's first.")
    ] = None,
) -> Response:
    """Counts, levels, segments and a point a day; what changed; revenue and key figures.

    At most three seconds old.
    """
    own, asked = who.organisation_id, ("over time", period, segment, compare)
    with door.store.read() as session:
        return answer(
            request,
            door.kept.of(session, own, asked, lambda: _over_time(session, own, period, segment, compare)),
        )


def _over_time(
    session: Session, own: str, period: Period, segment: str | None, compare: Period | None
) -> PortfolioStats:
    now = datetime.now(UTC)
    if segment is not None:
        # What else there is is of everybody, and would say something else beside a segment's figures.
        found = views_stats.dashboard_stats(
            session, own, now=now, period=period, segment=segment, compare=compare
        )
        return portfolio_stats(found, None, None)
    zone = session.get_one(Organisation, own).time_zone
    groups = groups_of(session, own, now, local_day(now, zone))
    found = views_stats.dashboard_stats(session, own, now=now, period=period, compare=compare, groups=groups)
    month = found if period is Period.MONTH and compare is None else None
    figures = kpis(session, own, now=now, stats=month, groups=groups)
    trends = health_trends(session, own, now=now, period=period, groups=groups)
    return portfolio_stats(found, figures, trends)
