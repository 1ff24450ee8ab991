"""What people may change of an organisation, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from sqlmodel import Session

from keepwell.contracts.base import Strict
from keepwell.contracts.delivery import WaitsFor
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.switches import Stop, look_again
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.repositories.zones import known_zone
from keepwell.db.tables import Organisation
from keepwell.errors import InputError
from keepwell.gate.calendar import business_days_of
from keepwell.gate.countries import country_code, subdivision_code, subdivisions
from keepwell.gate.hours import time_of
from keepwell.keys import new_id

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_URL = re.compile(r"https?://[^\s/]+\S*")


def _zone(value: str) -> str:
    if known_zone(value) is None:
        raise ValueError("unknown zone")
    return value


def _address(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError("no email address")
    return value


def _url(value: str) -> str:
    if value and not _URL.fullmatch(value):
        raise ValueError("no URL")
    return value


def _country(value: str) -> str:
    code = country_code(value)
    if value and not code:
        raise ValueError("unknown country")
    return code


def _time(value: str) -> str:
    return f"{time_of(value):%H:%M}" if value else ""


def _none(value: object) -> object:
    return None if value in ("", "none", "-") else value


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\r\n\x00]*$")]
Named = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n\x00]*$")
]
Url = Annotated[Line, AfterValidator(_url)]


Cap = Annotated[Annotated[int, Field(ge=1, le=1_000_000)] | None, BeforeValidator(_none)]

WHEN = ("country", "subdivision", "quiet_from", "quiet_until", "business_days", "time_zone")
ROOM = ("daily_cap", "customer_cap_day", "customer_cap_week")
"""Fields that say when a message goes out, and how many do."""


class OrganisationFields(Strict):
    """The fields that may be changed; each description says what the field takes."""

    name: Named = Field(default="", description="a name of up to 200 letters")
    product: Named = Field(default="", description="what you sell, as a customer would call it")
    time_zone: Annotated[Line, AfterValidator(_zone)] = Field(
        default="UTC", description="an IANA zone such as Europe/Berlin"
    )
    currency: Annotated[str, StringConstraints(to_upper=True, pattern=r"^[A-Za-z]{3}$")] = Field(
        default="USD", description="three letters such as EUR"
    )
    sender_name: Line = Field(default="", description="the name messages come from")
    sender_address: Annotated[Line, AfterValidator(_address)] = Field(
        default="", description="the email address messages come from"
    )
    postal_address: Line = Field(
        default="", description="the address at the foot of every email, on one line"
    )
    booking_url: Url = Field(default="", description="where a customer books a call, beginning with https://")
    app_url: Url = Field(default="", description="where your product is, beginning with https://")
    consent_required: bool = Field(
        default=False, description="yes (only contacts who agreed are written to) or no"
    )
    country: Annotated[Line, AfterValidator(_country)] = Field(
        default="", description="a country, as a code such as DE or by its English name; empty: none"
    )
    subdivision: Line = Field(
        default="", description="the code of a state or province with public holidays of its own, such as BY"
    )
    quiet_from: Annotated[Line, AfterValidator(_time)] = Field(
        default="",
        description="when quiet hours begin, HH:MM on the recipient's clock; empty: there are none",
    )
    quiet_until: Annotated[Line, AfterValidator(_time)] = Field(
        default="", description="when quiet hours end, HH:MM on the recipient's clock; empty: there are none"
    )
    business_days: Annotated[Line, AfterValidator(business_days_of)] = Field(
        default="", description="days such as mon-fri, or mon,wed; empty: every day, holidays too"
    )
    daily_cap: Cap = Field(
        default=None, description="how many messages to contacts in 24 hours at most, from 1; none: no cap"
    )
    customer_cap_day: Cap = Field(
        default=None,
        description="how many messages to a customer in 24 hours at most, from 1; none: no cap",
    )
    customer_cap_week: Cap = Field(
        default=None, description="how many messages to a customer in 7 days at most, from 1; none: no cap"
    )
    new_playbooks: Literal["automatic", "draft"] = Field(
        default="automatic",
        description="how a playbook goes that nobody has switched: automatic, or draft (messages wait for "
        "approval)",
    )


def set_organisation(
    session: Session, organisation: str, values: Mapping[str, Any], *, by: str, now: datetime
) -> dict[str, tuple[Any, Any]]:
    """Change fields as `change_organisation` does, and tell it.

    What waits for an hour or for room looks again, where that may have come.
    """
    changed = change_organisation(session, organisation, values)
    if changed:
        journal.write(
            session,
            key=f"organisation/{new_id()}",
            organisation=organisation,
            kind="organisation.changed",
            text=", ".join(f"{name}: {old!r} → {new!r}" for name, (old, new) in changed.items()),
            at=now,
            by=by,
        )
    for fields, waits_for in ((WHEN, WaitsFor.HOURS), (ROOM, WaitsFor.ROOM)):
        if not set(fields).isdisjoint(changed):
            key = f"organisation/{new_id()}"
            look_again(session, Stop(organisation), waits_for, key=key, by=by, now=now)
    return changed


def change_organisation(
    session: Session, organisation: str, values: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Change fields, all of them or none; the old and the new value of each that was changed.

    Raises InputError for an unknown field or a value that does not fit, with what it takes.
    """
    known = OrganisationFields.model_fields
    for name in values:
        if name not in known:
            raise InputError(
                f"An organisation has no field {name!r}{did_you_mean(name, known)}.",
                hint=f"There are {', '.join(known)}.",
            )
    try:
        checked = OrganisationFields.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0])
        raise InputError(
            f"{first['input']!r} does not fit.", place=field, hint=f"It takes {known[field].description}."
        ) from error
    row = found(session, Organisation, organisation, "organisation")
    changed = {}
    for name in values:
        old, new = getattr(row, name), getattr(checked, name)
        if old != new:
            changed[name] = (old, new)
            setattr(row, name, new)
    _check_hours(row)
    _check_place(row)
    if "subdivision" in changed:
        changed["subdivision"] = (changed["subdivision"][0], row.subdivision)
    session.add(row)
    return changed


def _check_hours(row: Organisation) -> None:
    if bool(row.quiet_from) != bool(row.quiet_until):
        missing = "quiet_until" if row.quiet_from else "quiet_from"
        raise InputError(
            "Quiet hours need a beginning and an end.",
            place=missing,
            hint="For example: quiet_from=20:00 quiet_until=08:00. Without them: quiet_from= quiet_until=",
        )


def _check_place(row: Organisation) -> None:
    """A subdivision as the calendar of the country calls it."""
    if not row.subdivision:
        return
    code = subdivision_code(row.country, row.subdivision)
    if not code:
        known = ", ".join(subdivisions(row.country)) or "none"
        place = row.country or "An organisation without a country"
        raise InputError(
            f"{row.subdivision!r} does not fit.", place="subdivision", hint=f"{place} has: {known}."
        )
    row.subdivision = code
