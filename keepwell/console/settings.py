"""Settings of the organisation: who it is, its hours and caps, its days, and whether it sends at all."""

from __future__ import annotations

from typing import Annotated, Final
from zoneinfo import available_timezones

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from keepwell.api.etags import tag_of
from keepwell.api.v1.organisation import organisation_shown
from keepwell.console.settings_hours import AskedHours, Hours, hours_said
from keepwell.console.settings_tabs import PATH, settings_page
from keepwell.console.view import AtConsole
from keepwell.db.repositories.closed_days import closed_days
from keepwell.db.repositories.manners import own_days
from keepwell.db.repositories.organisation_fields import OrganisationFields
from keepwell.db.repositories.switches import thrown
from keepwell.db.repositories.views_sending import sending
from keepwell.db.repositories.zones import local_day
from keepwell.gate.calendar import DAYS
from keepwell.gate.countries import holidays_of, subdivisions

router = APIRouter(include_in_schema=False)

Year = Annotated[int | None, Query(ge=2000, le=2100)]

FIELDS: Final[dict[str, dict[str, str]]] = {
    "Who you are": {"name": "Name", "product": "Product", "currency": "Currency"},
    "Where you are": {"time_zone": "Time zone", "country": "Country", "subdivision": "State or province"},
    "Whom messages come from": {
        "sender_name": "Sender's name",
        "sender_address": "Sender's address",
        "postal_address": "Postal address",
        "booking_url": "Where to book a call",
        "app_url": "Your product's address",
    },
}
"""Fields that are a line of text, under their headings."""
WAITS: Final = {
    "hours": "for a decent hour or an open day",
    "room": "for room below a cap",
    "switch": "for sending to go on",
    "voice": "until another playbook lets it speak",
    "draft": "for approval",
}
"""What messages that are put off wait for."""


@router.get(PATH)
def settings_front(view: AtConsole) -> RedirectResponse:  # noqa: ARG001  (who asks is checked)
    """The first of them."""
    return RedirectResponse(f"{PATH}/organisation", status_code=303)


@router.get(f"{PATH}/organisation")
def organisation_page(view: AtConsole) -> HTMLResponse:
    """Who the organisation is."""
    with view.door.store.read() as session:
        shown = organisation_shown(session, view.door, view.who)
    known = OrganisationFields.model_fields
    values = {
        "one": shown,
        "match": tag_of(shown),
        "groups": FIELDS,
        "hints": {name: field.description or "" for name, field in known.items()},
        "zones": sorted(available_timezones()),
        "subdivisions": subdivisions(shown.country) if shown.country else (),
    }
    return settings_page(view, "organisation", values)


@router.get(f"{PATH}/hours")
def hours_page(view: AtConsole) -> HTMLResponse:
    """Quiet hours, business days and caps, with what they mean."""
    with view.door.store.read() as session:
        shown = organisation_shown(session, view.door, view.who)
        means = hours_said(session, view, Hours.of(shown))
        found = sending(session, view.organisation.id, view.now)
    values = {"one": shown, "match": tag_of(shown), "days": DAYS, "means": means, "sent": found.sent}
    return settings_page(view, "hours", values)


@router.get(f"{PATH}/hours/means")
def hours_part(view: AtConsole, asked: AskedHours) -> HTMLResponse:
    """What hours that somebody is entering would mean, before they are saved."""
    with view.door.store.read() as session:
        means = hours_said(session, view, asked)
    return view.page("_settings_means.html.j2", {"means": means})


@router.get(f"{PATH}/days")
def days_page(view: AtConsole, year: Year = None) -> HTMLResponse:
    """Public holidays of a year, and the days entered."""
    home, today = view.organisation, local_day(view.now, view.zone.key)
    shown = year or today.year
    with view.door.store.read() as session:
        own = own_days(session, home.id)
        entered = closed_days(session, home.id, today)
        past = len(closed_days(session, home.id)) - len(entered)
    values = {
        "year": shown,
        "today": today,
        "holidays": holidays_of(home.country, home.subdivision, shown),
        "own": own,
        "entered": entered,
        "past": past,
    }
    return settings_page(view, "days", values)


@router.get(f"{PATH}/sending")
def sending_page(view: AtConsole) -> HTMLResponse:
    """Whether messages go out, and what keeps them back now."""
    with view.door.store.read() as session:
        found = sending(session, view.organisation.id, view.now)
        stops = list(zip(found.stops, thrown(session, view.organisation.id), strict=True))
    everything = next((one for one in found.stops if one.scope == "all"), None)
    values = {"found": found, "all": everything, "stops": stops, "waits": WAITS, "env": view.door.settings}
    return settings_page(view, "sending", values)
