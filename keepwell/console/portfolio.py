"""The portfolio: how all customers stand and stood, and the list of them to sort, narrow and act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from keepwell.console import doing
from keepwell.console.charted import score_chart
from keepwell.console.choices import staff_of
from keepwell.console.portfolio_asked import NATURAL_DOWN, Asked
from keepwell.console.view import AtConsole
from keepwell.contracts.intervention import Outcome
from keepwell.db.repositories.saved_views import ViewLine, saved_views
from keepwell.db.repositories.views import Person, staff_names
from keepwell.db.repositories.views_activity import recent_activity
from keepwell.db.repositories.views_at_risk import at_risk
from keepwell.db.repositories.views_portfolio import kinds_of_customers, portfolio
from keepwell.db.repositories.views_portfolio_lines import LONGEST_PAGE, NO_OWNER, SortBy
from keepwell.db.repositories.views_stats import dashboard_stats
from keepwell.db.repositories.views_stats_lines import DayPoint, Period
from keepwell.db.repositories.zones import local_day
from keepwell.known_playbooks import all_playbooks
from scoring.levels import LEVELS
from scoring.trend import Direction

router = APIRouter(include_in_schema=False)

AtAddress = Annotated[Asked, Query()]
ROWS = 50
BESIDE = 6
"""Customers at risk beside the list."""
LINES = 10

SORTS: dict[SortBy, str] = {
    SortBy.SCORE: "Score",
    SortBy.NAME: "Name",
    SortBy.CHANGE_7: "Change in 7 days",
    SortBy.CHANGE_30: "Change in 30 days",
    SortBy.LEVEL_SINCE: "Level since",
    SortBy.CHURN: "Churn risk",
    SortBy.REVENUE: "Revenue",
    SortBy.RENEWAL: "Renewal",
}
PERIODS: dict[Period, str] = {
    Period.WEEK: "7 days",
    Period.MONTH: "30 days",
    Period.QUARTER: "90 days",
    Period.YEAR: "1 year",
}
TRENDS: dict[Direction, str] = {
    Direction.DECLINING: "Falling",
    Direction.STABLE: "Steady",
    Direction.RISING: "Rising",
    Direction.UNKNOWN: "Not known yet",
}
SWITCHES: tuple[tuple[str, str, str, str], ...] = (
    ("at_risk", "true", "At risk", "At risk or worse"),
    ("at_risk", "false", "Not at risk", "Not at risk"),
    ("intervention", "true", "A playbook runs", "A playbook runs"),
    ("intervention", "false", "No playbook runs", "No playbook runs"),
    ("unscored", "true", "Not scored", "Not scored yet"),
    ("unscored", "false", "Scored", "Scored"),
    ("insufficient", "true", "Too little data", "Too little data"),
    ("insufficient", "false", "Enough data", "Enough data"),
    ("inactive", "true", "Have left", "Have left"),
)
"""Filters of one word: the name in the address, its value, how a chip says it, how a choice does."""
HAPPENED = (
    "intervention.began",
    *(f"intervention.{one.value}" for one in Outcome),
    "contact.replied",
    "command.accept",
    "command.decline",
    "opportunity.detected",
)
"""Lines of the journal that say how it goes with customers; alerts have a page of their own."""


@router.get("/console/portfolio")
def portfolio_page(view: AtConsole, asked: AtAddress) -> HTMLResponse:
    """The list as it was asked for. What takes longer comes after it, in parts."""
    own = view.organisation.id
    with view.door.store.read() as session:
        page = portfolio(
            session,
            own,
            asked.wanted(session, view),
            asked.as_sort,
            now=view.now,
            cursor=asked.cursor or None,
            back=asked.back,
            limit=ROWS,
        )
        segments, plans = view.door.kept.of(session, own, "kinds", lambda: kinds_of_customers(session, own))
        staff = staff_of(session, own)
        views = saved_views(session, own, view.who.account_id)
        chips = _chips(asked, _names(session, asked, staff))
    at = asked.at if asked.cursor and page.previous else 0
    return view.page(
        "portfolio.html.j2",
        {
            "asked": asked,
            "page": page,
            "at": at,
            "rows": ROWS,
            "most": LONGEST_PAGE,
            "today": local_day(view.now, view.zone.key),
            "chips": chips,
            "views": _views(views, asked),
            "choices": {
                "owner": [(one.id, one.name) for one in staff],
                "segment": [(one, one or "none") for one in segments],
                "plan": [(one, one or "none") for one in plans],
            },
            "staff": staff,
            "nobody": NO_OWNER,
            "levels": LEVELS[::-1],
            "with_playbook": {one.level for one in all_playbooks(view.door.settings).values()},
            "sorts": SORTS,
            "natural_down": NATURAL_DOWN,
            "periods": PERIODS,
            "trends": TRENDS,
            "switches": SWITCHES,
            "doing": doing,
        },
    )


@router.get("/console/portfolio/figures")
def figures(view: AtConsole, asked: AtAddress) -> HTMLResponse:
    """The figures of all, or of one segment, and how they were."""
    own, period, segment = view.organisation.id, asked.period, asked.one_segment
    with view.door.store.read() as session:
        stats = view.door.kept.of(
            session,
            own,
            ("figures", period, segment),
            lambda: dashboard_stats(session, own, now=view.now, period=period, segment=segment),
        )
    values = {"asked": asked, "stats": stats, "trend": _trend(stats.days), "periods": PERIODS}
    return view.page("_portfolio_figures.html.j2", values)


@router.get("/console/portfolio/beside")
def beside(view: AtConsole, asked: AtAddress) -> HTMLResponse:
    """Who is at risk and why, of those that are listed; and what has happened lately."""
    own = view.organisation.id
    with view.door.store.read() as session:
        wanted = asked.wanted(session, view)
        kept = {"owners": wanted.owners, "segments": wanted.segments, "plans": wanted.plans, "at_risk": True}
        risky = at_risk(session, own, type(wanted)(**kept), now=view.now, limit=BESIDE)
        happened = recent_activity(session, own, kinds=HAPPENED, limit=LINES)
    values = {"asked": asked, "risky": risky, "happened": happened.lines, "doing": doing}
    return view.page("_portfolio_beside.html.j2", values)


def _views(views: Sequence[ViewLine], asked: Asked) -> list[dict[str, Any]]:
    """Each kept view with its address, and whether it is what is shown."""
    found = []
    for one in views:
        read = Asked.read(one.query)
        if read is not None:
            found.append({"view": one, "href": read.href(), "here": read.query == asked.query})
    return found


def _names(session: Session, asked: Asked, staff: Sequence[Person]) -> dict[str, str]:
    """Owners as people call them; those who have left, too."""
    known = {one.id: one.name for one in staff} | {"me": "me", NO_OWNER: "nobody"}
    return known | staff_names(session, [one for one in asked.owner if one not in known])


def _chips(asked: Asked, names: dict[str, str]) -> list[tuple[str, str]]:
    """What narrows the list, in words, each with the address without it. Levels have chips of their own."""
    chips = [(f"“{asked.search}”", asked.without("search"))] if asked.search else []
    for one in asked.owner:
        chips.append((f"Owner: {names.get(one, one)}", asked.without("owner", one)))
    for name, label in (("segment", "Segment"), ("plan", "Plan")):
        for one in getattr(asked, name):
            chips.append((f"{label}: {one or 'none'}", asked.without(name, one)))
    if asked.trend is not None:
        chips.append((TRENDS[asked.trend], asked.without("trend")))
    for name, value, words, _ in SWITCHES:
        if getattr(asked, name) is (value == "true"):
            chips.append((words, asked.without(name)))
    if asked.renews_in is not None:
        chips.append((f"Renews within {asked.renews_in} days", asked.without("renews_in")))
    if asked.renews_before is not None:
        chips.append((f"Renews before {asked.renews_before}", asked.without("renews_before")))
    if asked.churn_above is not None:
        chips.append((f"Churn risk above {asked.churn_above:.0%}", asked.without("churn_above")))
    return chips


def _trend(days: Sequence[DayPoint]) -> dict[str, object]:
    """What `static/charts.js` draws."""
    return score_chart("Average score", [(one.day, one.average_score) for one in days])
