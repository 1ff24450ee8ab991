"""The staff, and who of them is away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.idempotency import Once
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Note, OwnerFilter, StaffText, Text, Undo
from keepwell.api.v1.resolving import owner_of
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.ingestion import Day
from keepwell.db.repositories.absences import (
    AbsenceLine,
    absences,
    add_absence,
    day_of,
    withdraw_absence,
)
from keepwell.db.repositories.lookup import own
from keepwell.db.repositories.named import staff_named
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.team import standing_in
from keepwell.db.repositories.views_staff import StaffLine, staff_lines
from keepwell.db.repositories.zones import local_midnight
from keepwell.db.tables import Absence, Organisation, Staff

router = APIRouter(prefix="/api/v1", tags=["staff"])


class AbsenceIn(Strict):
    """Days on which somebody is away, both included; without a cover it is the deputy, or the lead."""

    staff: StaffText
    from_on: Day
    until_on: Day
    cover: StaffText | None = None
    reason: Note = ""


class AbsenceAnswer(Frozen):
    """An absence, and who stands in when it begins."""

    absence: AbsenceLine
    stands_in: str = ""
    text: str
    undo: Undo | None = None


@router.get("/staff", responses=problems())
def list_staff(
    who: Reader,
    door: AtDoor,
    active: Annotated[bool | None, Query(description="False: who has left. Unset: who is there.")] = True,
) -> Page[StaffLine]:
    """The staff by name, who is away, and how many customers each owns."""
    with door.store.read() as session:
        return Page[StaffLine](
            items=staff_lines(session, who.organisation_id, datetime.now(UTC), active=active)
        )


@router.get("/absences", responses=problems(404))
def list_absences(
    who: Reader,
    door: AtDoor,
    staff: OwnerFilter = None,
    everything: Annotated[bool, Query(alias="all", description="Those over and withdrawn, too.")] = False,
) -> Page[AbsenceLine]:
    """Absences that last or are to come, the first to begin first."""
    with door.store.read() as session:
        person = owner_of(session, who, staff)
        found = absences(session, who.organisation_id, datetime.now(UTC), staff=person, everything=everything)
    return Page[AbsenceLine](items=found)


@router.post("/absences", responses=problems(404, 409), response_model=AbsenceAnswer, status_code=201)
def add_an_absence(away: AbsenceIn, who: Actor, door: AtDoor, once: Once) -> Response:
    """Somebody is away. What is theirs goes to the cover meanwhile, and comes back afterwards."""
    return once(who, lambda: _add(door, who, away), 201)


@router.post("/absences/{absence}/withdraw", responses=problems(404, 409))
def withdraw_an_absence(
    absence: Annotated[Text, Path(max_length=40, description="The absence's id.")], who: Actor, door: AtDoor
) -> AbsenceAnswer:
    """An absence does not take place, or is over earlier."""
    now = datetime.now(UTC)
    with door.store.write() as session:
        row = own(session, Absence, who.organisation_id, absence, "absence")
        withdraw_absence(session, row.id, who.name, now)
        over = row.until_on < day_of(session, session.get_one(Staff, row.staff_id), now)
    line = _line(door, who, absence, now)
    text = f"Withdrawn: {line.staff}, {line.from_on} to {line.until_on}."
    return AbsenceAnswer(absence=line, text=text, undo=None if over else _again(line))


def _add(door: Door, who: Principal, away: AbsenceIn) -> AbsenceAnswer:
    now, organisation = datetime.now(UTC), who.organisation_id
    with door.store.write() as session:
        person = staff_named(session, organisation, away.staff)
        cover = staff_named(session, organisation, away.cover) if away.cover else None
        row = add_absence(
            session,
            person,
            away.from_on,
            away.until_on,
            cover=cover,
            reason=away.reason,
            by=who.name,
            now=now,
        )
        session.flush()
        home = session.get_one(Organisation, organisation).time_zone
        begins = local_midnight(away.from_on, person.time_zone, home)
        acting, own = standing_in(session, person, begins).name, row.id
    line = _line(door, who, own, now)
    text = f"{line.staff} is away from {line.from_on} until {line.until_on}. {acting} stands in."
    undo = Undo(method="POST", path=f"/api/v1/absences/{own}/withdraw", body={}, words="Withdraw it")
    return AbsenceAnswer(absence=line, stands_in=acting, text=text, undo=undo)


def _again(line: AbsenceLine) -> Undo:
    """The call that enters the same absence anew."""
    given = line.model_dump(mode="json", include={"from_on", "until_on", "reason"})
    body = {**given, "staff": line.staff_id, "cover": line.cover_id}
    return Undo(method="POST", path="/api/v1/absences", body=body, words="Enter it again")


def _line(door: Door, who: Principal, own: str, now: datetime) -> AbsenceLine:
    with door.store.read() as session:
        return absences(session, who.organisation_id, now, everything=True, ids=[own])[0]
