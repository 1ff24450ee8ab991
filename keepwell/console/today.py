"""Today: what needs somebody now, in the order of what waiting costs, and what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.views_today import today
from keepwell.db.repositories.views_today_cost import JUST_DUE
from keepwell.db.repositories.views_today_lines import Need, NeedKind
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


FALLING = (NeedKind.ESCALATION, NeedKind.ALERT)
"""What one fall of a customer brings: several alerts, and what its playbook escalates."""
ONE_FALL = timedelta(hours=24)
"""What came within this time of each other is taken for one fall."""


@dataclass(frozen=True)
class Group:
    """A row, and those of the same fall of the same customer that are folded beneath it."""

    first: Need
    more: tuple[Need, ...] = ()

    def late(self, now: datetime) -> int:
        """How many of those folded are late."""
        return sum(one.overdue and not _just_due(one, now) for one in self.more)


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
                "groups": _grouped(needs.needs) if not kind else [Group(one) for one in needs.needs],
                "just_due": JUST_DUE,
                "late": needs.overdue - sum(_just_due(one, view.now) for one in needs.needs),
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
        chosen = _with_covers(session, view, _chosen(session, view, whose))
        coming = _coming(session, view, chosen)
        values = {
            "whose": chosen.whose,
            "coming": coming[:COMING],
            "later": len(coming[COMING:]),
            "fell": fell_since(session, organisation, yesterday, owners=chosen.staff),
            "running": running_playbooks(session, organisation, owners=chosen.staff),
            "doing": doing,
        }
    return view.page("_beside.html.j2", values)


def _just_due(need: Need, now: datetime) -> bool:
    return need.overdue and need.due_at is not None and now - need.due_at < JUST_DUE


def _grouped(needs: Sequence[Need]) -> list[Group]:
    """The rows in their order, those of one fall together where the most pressing of them stands.

    An escalation is the row that shows: what can be done about the fall, is done there.
    """
    groups: list[list[Need]] = []
    for one in needs:
        own = next((group for group in groups if _one_fall(group[0], one)), None)
        if own is None:
            groups.append([one])
        else:
            own.append(one)
    for group in groups:
        group.sort(key=lambda one: one.kind is not NeedKind.ESCALATION)
    return [Group(first, tuple(more)) for first, *more in groups]


def _one_fall(first: Need, other: Need) -> bool:
    alike = first.customer.id == other.customer.id and abs(first.since - other.since) <= ONE_FALL
    return alike and first.kind in FALLING and other.kind in FALLING


def _chosen(session: Session, view: View, whose: Whose | None) -> Shown:
    """Own work by default; an account that is nobody of the staff has none, and sees everybody's."""
    own = view.who.staff_id
    if own is None or whose == "all":
        return Shown("all", None)
    if whose == "team":
        return Shown("team", team_of(session, own))
    return Shown("mine", (own,))


def _with_covers(session: Session, view: View, chosen: Shown) -> Shown:
    """With those for whom one stands in: the list has their work, so what stands beside it has it, too."""
    if chosen.staff is None:
        return chosen
    people = People(session, view.organisation, view.now, view.now)
    covers = people.stands_in_for(chosen.staff[0], view.now)
    return Shown(chosen.whose, tuple(dict.fromkeys((*chosen.staff, *covers))))


def _coming(session: Session, view: View, chosen: Shown) -> tuple[CalendarEntry, ...]:
    """What the calendar has for the rest of the day."""
    owner = chosen.staff[0] if chosen.staff is not None and len(chosen.staff) == 1 else None
    ahead = calendar(session, view.organisation.id, view.now, days=1, owner=owner)
    entries = [one for day in ahead.days for one in day.entries if one.at >= view.now]
    if chosen.staff is not None:
        entries = [one for one in entries if one.owner_id in chosen.staff]
    return tuple(entries)
