"""What people may change of an organisation, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from sqlmodel import Session

from keepwell.contracts.base import Strict
from keepwell.db.repositories.lookup import found
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.repositories.zones import known_zone
from keepwell.db.tables import Organisation
from keepwell.errors import InputError

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


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\r\n]*$")]
Named = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n]*$")
]
Url = Annotated[Line, AfterValidator(_url)]


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


def change_organisation(
    session: Session, organisation: str, values: Mapping[str, str]
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
    session.add(row)
    return changed
