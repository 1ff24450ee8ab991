"""The organisation: who it is, its hours, its caps, and the days on which it is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field, StrictBool, field_validator
from sqlmodel import Session

from keepwell.api import etags
from keepwell.api.access import Configurer, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Text
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories import closed_days
from keepwell.db.repositories.organisation_fields import OrganisationFields, set_organisation
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.scorecards_chosen import card_in_force, label
from keepwell.db.repositories.views_sending import DayLine
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Organisation
from keepwell.errors import InputError
from keepwell.gate.countries import country_code, holiday_name, holidays_of, subdivision_code

router = APIRouter(prefix="/api/v1", tags=["organisation"])

Year = Annotated[int | None, Query(ge=2000, le=2100, description="As in 2026. Unset: this year.")]
Day = Annotated[date, Path(description="As in 2026-12-24.")]


class OrganisationChange(OrganisationFields):
    """The fields as a program sends them: a number and a yes or no are those, and no texts."""

    @field_validator("consent_required", mode="before")
    @classmethod
    def _yes_or_no(cls, value: object) -> object:
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value

    @field_validator("daily_cap", "customer_cap_day", "customer_cap_week", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise ValueError("must be a whole number, or null")
        return value


class OrganisationShown(OrganisationFields):
    """The organisation's fields, and what cannot be changed here.

    `sending`: outbox keeps messages for looking at them, live sends them.
    """

    id: str
    key: str
    scorecard: str
    demo: bool
    sending: str


class OrganisationAnswer(Frozen):
    """The organisation after a change; `changed` has the old and the new value of each field."""

    organisation: OrganisationShown
    changed: dict[str, tuple[Any, Any]]
    text: str


class ClosedDayIn(Strict):
    """What a day is: closed, or open whatever the calendar says."""

    name: Annotated[Text, Field(max_length=200)] = ""
    open: StrictBool = False


class DayAnswer(DayLine):
    """A day as it is now; `holiday` is the public holiday that it is, or empty."""

    holiday: str
    text: str


class HolidayLine(Frozen):
    """A public holiday."""

    day: date
    name: str


@router.get("/organisation", response_model=OrganisationShown, responses=problems())
def get_organisation(request: Request, who: Reader, door: AtDoor) -> Response:
    """Who the organisation is, for messages and clocks."""
    with door.store.read() as session:
        return etags.answer(request, organisation_shown(session, door, who))


@router.patch("/organisation", responses=problems(409, 412))
def change_organisation(
    fields: OrganisationChange,
    who: Configurer,
    door: AtDoor,
    if_match: Annotated[
        str, Header(description="The ETag of what was read: changed meanwhile, it is refused (412).")
    ] = "",
) -> OrganisationAnswer:
    """Change fields, all of them or none; what is left out stays."""
    values = fields.model_dump(include=fields.model_fields_set)
    with door.store.write() as session:
        # Who comes second compares with what the first has left.
        session.get_one(Organisation, who.organisation_id, with_for_update={"key_share": True})
        etags.require_match(if_match, organisation_shown(session, door, who))
        changed = set_organisation(session, who.organisation_id, values, by=who.name, now=datetime.now(UTC))
        session.flush()
        shown = organisation_shown(session, door, who)
    words = ", ".join(f"{name}: {old!r} → {new!r}" for name, (old, new) in changed.items())
    return OrganisationAnswer(organisation=shown, changed=changed, text=words or "Nothing has changed.")


@router.get("/closed-days", responses=problems())
def list_closed_days(
    who: Reader,
    door: AtDoor,
    since: Annotated[date | None, Query(description="Unset: today, on the organisation's calendar.")] = None,
) -> Page[DayLine]:
    """The days that the organisation has entered: closed ones, and open ones among the holidays."""
    with door.store.read() as session:
        home = session.get_one(Organisation, who.organisation_id)
        rows = closed_days.closed_days(
            session, who.organisation_id, since or local_day(datetime.now(UTC), home.time_zone)
        )
        return Page[DayLine](items=tuple(DayLine(day=one.day, name=one.name, open=one.open) for one in rows))


@router.put("/closed-days/{day}", responses=problems())
def put_closed_day(day: Day, entered: ClosedDayIn, who: Configurer, door: AtDoor) -> DayAnswer:
    """Enter a day on which nothing goes out, or an open one on which it does."""
    with door.store.write() as session:
        closed_days.enter(
            session,
            who.organisation_id,
            day,
            name=entered.name,
            open_=entered.open,
            by=who.name,
            now=datetime.now(UTC),
        )
        return _day(session, who, day, entered, "open" if entered.open else "closed")


@router.delete("/closed-days/{day}", responses=problems(404))
def remove_closed_day(day: Day, who: Configurer, door: AtDoor) -> DayAnswer:
    """Let the calendar say again what a day is."""
    with door.store.write() as session:
        closed_days.remove(session, who.organisation_id, day, by=who.name, now=datetime.now(UTC))
        return _day(session, who, day, ClosedDayIn(), "as the calendar says")


@router.get("/holidays", responses=problems())
def list_holidays(
    who: Reader,
    door: AtDoor,
    year: Year = None,
    country: Annotated[Text, Query(max_length=60, description="Unset: the organisation's.")] = "",
    subdivision: Annotated[Text, Query(max_length=60, description="A state or province.")] = "",
) -> Page[HolidayLine]:
    """The public holidays of a year; none where no country is known."""
    with door.store.read() as session:
        home = session.get_one(Organisation, who.organisation_id)
    code, part = home.country, home.subdivision
    if country:
        code, part = country_code(country), ""
        if not code:
            raise InputError(f"{country!r} is no country.", place="country", hint="A code such as DE.")
    if subdivision:
        part = subdivision_code(code, subdivision)
        if not part:
            raise InputError(f"{subdivision!r} does not fit.", place="subdivision", hint="A code such as BY.")
    wanted = year or local_day(datetime.now(UTC), home.time_zone).year
    found = holidays_of(code, part, wanted)
    return Page[HolidayLine](items=tuple(HolidayLine(day=day, name=name) for day, name in found))


def organisation_shown(session: Session, door: Door, who: Principal) -> OrganisationShown:
    """The organisation of whoever asks."""
    row = session.get_one(Organisation, who.organisation_id)
    values = {name: getattr(row, name) for name in OrganisationFields.model_fields}
    return OrganisationShown.model_construct(
        **values,
        id=row.id,
        key=row.key,
        scorecard=label(card_in_force(session, row)),
        demo=row.demo,
        sending=door.settings.sending,
    )


def _day(session: Session, who: Principal, day: date, entered: ClosedDayIn, what: str) -> DayAnswer:
    home = session.get_one(Organisation, who.organisation_id)
    holiday = holiday_name(home.country, home.subdivision, day)
    text = f"{day:%a %d %b %Y} is {what}{f' ({holiday})' if holiday else ''}."
    return DayAnswer(day=day, name=entered.name, open=entered.open, holiday=holiday, text=text)
