"""The calendar: what goes out to whom in the coming fourteen days, what falls due, and each person's load."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from keepwell.api.v1.asked import Text
from keepwell.console import doing
from keepwell.console.addresses import Address
from keepwell.console.calendar_shown import KINDS, Group, heat_of, shown_days
from keepwell.console.choices import staff_of
from keepwell.console.view import AtConsole, View
from keepwell.db.repositories.views_calendar import calendar
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Staff
from keepwell.errors import NotFoundError

router = APIRouter(include_in_schema=False)

PATH = "/console/calendar"
WEEK = 7
LIMIT = 2_000
"""Entries that are named; whatever is beyond is counted."""
OF_A_DAY = 10
"""Entries of a day that a week shows; the day's own page has the rest."""
EVERYBODY = "all"

Kinds = Annotated[list[Group] | None, Query()]
Week = Literal["1", "2"]
Owner = Annotated[Text, Query(max_length=40)]


@dataclass(frozen=True)
class Chosen:
    """Whose calendar is shown, of which days and kinds. `owner` None: everybody's."""

    owner: str | None
    name: str
    week: Week
    day: date | None
    kinds: tuple[Group, ...]

    @property
    def address(self) -> Address:
        """The page that shows it."""
        return Address(PATH, self._query())

    @property
    def parts(self) -> Address:
        """Where its days come from by themselves."""
        return Address(f"{PATH}/days", self._query())

    def _query(self) -> dict[str, str | list[str]]:
        return {
            "owner": self.owner or EVERYBODY,
            "week": "" if self.week == "1" else self.week,
            "day": self.day.isoformat() if self.day else "",
            "kind": [one.value for one in self.kinds],
        }


@router.get(PATH)
def calendar_page(
    view: AtConsole, owner: Owner = "", week: Week = "1", day: date | None = None, kind: Kinds = None
) -> HTMLResponse:
    """One's own days, or somebody's; everybody's take longer and come by themselves."""
    with view.door.store.read() as session:
        chosen = _chosen(session, view, owner, week, day, kind)
        values = {
            "chosen": chosen,
            "staff": staff_of(session, view.organisation.id),
            "kind_words": KINDS,
            "doing": doing,
            "everybody": EVERYBODY,
            "first": local_day(view.now, view.zone.key),
        }
        if chosen.owner is not None:
            values |= _days(session, view, chosen)
    return view.page("calendar.html.j2", values)


@router.get(f"{PATH}/days")
def days_part(
    view: AtConsole, owner: Owner = "", week: Week = "1", day: date | None = None, kind: Kinds = None
) -> HTMLResponse:
    """The days alone, as a part of the page."""
    with view.door.store.read() as session:
        chosen = _chosen(session, view, owner, week, day, kind)
        return view.page("_calendar_days.html.j2", _days(session, view, chosen))


@router.get(f"{PATH}/load")
def load_part(view: AtConsole) -> HTMLResponse:
    """Everybody's load, as a part of the page."""
    with view.door.store.read() as session:
        found = calendar(session, view.organisation.id, view.now, limit=1)
    return view.page("_calendar_load.html.j2", {"heat": heat_of(found, None), "address": Address(PATH)})


def _chosen(
    session: Session, view: View, owner: str, week: Week, day: date | None, kinds: list[Group] | None
) -> Chosen:
    """Whose: as asked, or else one's own; an account that is nobody of the staff sees everybody's."""
    person = "" if owner == EVERYBODY else owner or view.who.staff_id or ""
    row = session.get(Staff, person) if person else None
    if person and (row is None or row.organisation_id != view.organisation.id):
        raise NotFoundError("There is no such member of staff.", hint="Choose somebody of the list.")
    first = local_day(view.now, view.zone.key)
    if day is not None:
        if not first <= day < first + timedelta(days=2 * WEEK):
            raise NotFoundError("That day is not among the next 14.", hint="Choose one of the list.")
        week = "1" if day < first + timedelta(days=WEEK) else "2"
    chosen = tuple(dict.fromkeys(kinds or ()))
    return Chosen(row.id if row else None, row.name if row else "", week, day, chosen)


def _days(session: Session, view: View, chosen: Chosen) -> dict[str, object]:
    found = calendar(session, view.organisation.id, view.now, owner=chosen.owner, limit=LIMIT)
    return {
        "found": found,
        "chosen": chosen,
        "strip": shown_days(found, chosen.kinds, found.from_day, 2 * WEEK, most=0),
        "days": shown_days(
            found,
            chosen.kinds,
            chosen.day or found.from_day + timedelta(days=0 if chosen.week == "1" else WEEK),
            1 if chosen.day else WEEK,
            most=LIMIT if chosen.day else OF_A_DAY,
        ),
        "heat": heat_of(found, chosen.owner),
        "everybody": EVERYBODY,
        "address": chosen.address,
        "kind_words": KINDS,
        "doing": doing,
        "today": found.from_day,
        "tomorrow": found.from_day + timedelta(days=1),
    }
