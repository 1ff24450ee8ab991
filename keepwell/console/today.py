"""Today: what needs somebody now, in the order of what waiting costs, and what stands beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from keepwell.api.v1.asked import Moment
from keepwell.console import doing
from keepwell.console.choices import TASK_OUTCOMES, snoozes, staff_of
from keepwell.console.view import AtConsole, View
from keepwell.db.repositories.views_beside import fell_since, running_playbooks, team_of
from keepwell.db.repositories.views_calendar import calendar
from keepwell.db.repositories.views_calendar_lines import CalendarEntry
from keepwell.db.repositories.views_today import today
from keepwell.db.repositories.views_today_lines import NeedKind
from keepwell.db.repositories.zones import local_day, local_midnight

router = APIRouter(include_in_schema=False)

Whose = Literal["mine", "team", "all"]
COMING = 8
"""Entries of the calendar that stand beside the list."""

KINDS: dict[NeedKind, tuple[str, str, str]] = {
    NeedKind.ESCALATION: ("Escalation", "Escalations", "bad"),
    NeedKind.TASK: ("Task", "Tasks", "info"),
    NeedKind.DRAFT: ("Draft", "Drafts", "info"),
    NeedKind.ALERT: ("Alert", "Alerts", "warn"),
    NeedKind.REPLY: ("Reply", "Replies", "good"),
    NeedKind.DELIVERY: ("Message", "Messages", "warn"),
    NeedKind.OFFER: ("Offer", "Offers", "good"),
}
"""Each kind in words, one and several, and the tone of its mark."""


@dataclass(frozen=True)
class Shown:
    """Whose work is shown: everybody's (None), one's own, or that of several, one's own first."""

    whose: Whose
    staff: tuple[str, ...] | None

    @property
    def asked(self) -> dict[str, Any]:
        """What `today` is asked with."""
        own, *others = self.staff or (None,)
        return {"staff": own, "team": tuple(others)}


@router.get("/console")
def today_page(
    view: AtConsole,
    whose: Whose | None = None,
    kind: Annotated[list[NeedKind] | None, Query()] = None,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> HTMLResponse:
    """What needs whoever looks: their own unless they ask for more."""
    with view.door.store.read() as session:
        chosen = _chosen(session, view, whose)
        needs = today(
            session,
            view.organisation.id,
            view.now,
            **chosen.asked,
            kinds=kind or (),
            offset=offset,
        )
        return view.page(
            "today.html.j2",
            {
                "whose": chosen.whose,
                "kinds": kind or [],
                "names": KINDS,
                "today": needs,
                "offset": offset,
                "staff": staff_of(session, view.organisation.id),
                "snoozes": snoozes(view.now, view.zone),
                "outcomes": TASK_OUTCOMES,
                "doing": doing,
                "hour": timedelta(hours=1),
            },
        )


@router.get("/console/today/fresh")
def fresh(view: AtConsole, since: Moment, whose: Whose | None = None) -> HTMLResponse:
    """How much has come since a page was loaded: a list that people work through does not move by itself."""
    with view.door.store.read() as session:
        chosen = _chosen(session, view, whose)
        needs = today(session, view.organisation.id, view.now, **chosen.asked).needs
    new = sum(one.since > since for one in needs)
    return view.page("_fresh.html.j2", {"new": new, "since": since, "whose": chosen.whose})


@router.get("/console/today/beside")
def beside_it(view: AtConsole, whose: Whose | None = None) -> HTMLResponse:
    """What stands beside the list: coming up, who fell, what runs. It may take longer than the list."""
    organisation = view.organisation.id
    yesterday = local_midnight(local_day(view.now, view.zone.key) - timedelta(days=1), view.zone.key)
    with view.door.store.read() as session:
        chosen = _chosen(session, view, whose)
        values = {
            "whose": chosen.whose,
            "coming": _coming(session, view, chosen),
            "fell": fell_since(session, organisation, yesterday, owners=chosen.staff),
            "running": running_playbooks(session, organisation, owners=chosen.staff),
            "doing": doing,
        }
    return view.page("_beside.html.j2", values)


def _chosen(session: Session, view: View, whose: Whose | None) -> Shown:
    """Own work by default; an account that is nobody of the staff has none, and sees everybody's."""
    own = view.who.staff_id
    if own is None or whose == "all":
        return Shown("all", None)
    if whose == "team":
        return Shown("team", team_of(session, own))
    return Shown("mine", (own,))


def _coming(session: Session, view: View, chosen: Shown) -> tuple[CalendarEntry, ...]:
    """What the calendar has for the rest of the day."""
    owner = chosen.staff[0] if chosen.whose == "mine" and chosen.staff else None
    ahead = calendar(session, view.organisation.id, view.now, days=1, owner=owner)
    entries = [one for day in ahead.days for one in day.entries if one.at >= view.now]
    if chosen.staff is not None:
        entries = [one for one in entries if one.owner_id in chosen.staff]
    return tuple(entries[:COMING])
