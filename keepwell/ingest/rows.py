"""The rows we take, one frozen model per kind of file. Which fields a row gave is in `model_fields_set`.

These are not the tables: a table class validates nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from keepwell.contracts.base import Strict
from keepwell.contracts.people import Consent, ContactRole, StaffRole
from keepwell.ingest import values
from keepwell.ingest.cells import Cell, Kind

TEXT = {"text": True}
"""The context for validating a row from CSV, where numbers are text."""


def _text(limit: int, check: Callable[[str], str] | None = None, *, needed: bool = False) -> BeforeValidator:
    def read(value: Cell) -> str:
        text = values.text_of(value, limit)
        if needed and not text:
            raise values.refuse("is empty; every row needs it")
        return check(text) if check else text

    return BeforeValidator(read)


def _one_of(allowed: tuple[str, ...], default: str) -> BeforeValidator:
    def read(value: Cell) -> str:
        text = values.text_of(value, 60)
        return values.choice_of(text, allowed) if text else default

    return BeforeValidator(read)


def _number(value: Cell, info: ValidationInfo) -> float | None:
    if value is None:
        return None
    return values.number_of(value, is_text=bool((info.context or {}).get("text")))


def _amount(value: Cell, info: ValidationInfo) -> float | None:
    number = _number(value, info)
    if number is not None and number < 0:
        raise values.refuse("is below 0")
    return number


def _measured(value: Cell, info: ValidationInfo) -> float:
    number = _number(value, info)
    if number is None:
        raise values.refuse("is empty; leave the row out where nothing was measured")
    return number


def _day(value: Cell) -> date | None:
    return value if value is None or type(value) is date else values.date_of(value)


def _moment(value: Cell) -> datetime | None:
    if isinstance(value, datetime):
        return values.sensible_moment(value)
    return None if value is None else values.moment_of(value)


def _active(value: Cell) -> bool:
    return True if value is None else values.yes_no_of(value)


Id = Annotated[str, _text(200, needed=True)]
Name = Annotated[str, _text(200, needed=True)]
Words = Annotated[str, _text(200)]
Zone = Annotated[str, _text(60, values.time_zone_of)]
Email = Annotated[str, _text(300, values.email_of)]
NeededEmail = Annotated[str, _text(300, values.email_of, needed=True)]
Day = Annotated[date | None, BeforeValidator(_day)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Active = Annotated[bool, BeforeValidator(_active)]
MAX_FACT = 2000
OUTCOMES = ("positive", "neutral", "negative", "left")


def _facts(value: Cell) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise values.refuse('is not an object like {"seats": 12}')
    for name, fact in value.items():
        values.text_of(name, 200)
        if isinstance(fact, list | dict):
            raise values.refuse(f"{name} is a list or an object; a fact is one value")
        if isinstance(fact, str):
            # Line breaks are allowed in facts, what a database cannot hold is not.
            values.text_of(fact, MAX_FACT)
        elif isinstance(fact, float):
            values.number_of(fact, is_text=False)
    return value


def _data(value: Cell) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError:
            raise values.refuse('is not JSON like {"feature": "reports"}') from None
    # What an event leaves out says nothing: an empty cell is no value.
    return {name: item for name, item in _facts(value).items() if item not in (None, "")}


def _needed_moment(value: Cell) -> datetime:
    moment = _moment(value)
    if moment is None or value == "":
        raise values.refuse("is empty; an event needs its moment")
    return moment


class CustomerRow(Strict):
    """A customer. `owner` is the external id or the email address of a member of staff."""

    external_id: Id
    name: Name
    plan: Words = ""
    industry: Words = ""
    segment: Words = ""
    country: Annotated[str, _text(60, values.country_of)] = ""
    time_zone: Zone = ""
    currency: Annotated[str, _text(20, values.currency_of)] = ""
    monthly_revenue: Annotated[float | None, BeforeValidator(_amount)] = None
    started_on: Day = None
    renews_on: Day = None
    left_on: Day = None
    owner: Annotated[str, _text(300)] = ""
    active: Active = True
    facts: Annotated[dict[str, Any], BeforeValidator(_facts)] = Field(default_factory=dict)


class ContactRow(Strict):
    """A person at a customer's; `customer` is the customer's external id."""

    external_id: Id
    customer: Id
    name: Name
    first_name: Words = ""
    email: Email = ""
    phone: Annotated[str, _text(60)] = ""
    role: Annotated[str, _one_of(tuple(ContactRole), ContactRole.USER.value)] = ContactRole.USER.value
    title: Words = ""
    time_zone: Zone = ""
    consent: Annotated[str, _one_of(tuple(Consent), Consent.UNKNOWN.value)] = Consent.UNKNOWN.value
    consent_at: Moment = None
    active: Active = True


class StaffRow(Strict):
    """A member of staff; `manager` and `deputy` are external ids of others, in the file or stored."""

    external_id: Id
    name: Name
    email: NeededEmail
    role: Annotated[str, _one_of(tuple(StaffRole), StaffRole.CSM.value)] = StaffRole.CSM.value
    title: Words = ""
    phone: Annotated[str, _text(60)] = ""
    slack: Annotated[str, _text(80)] = ""
    time_zone: Annotated[str, _text(60, lambda text: values.time_zone_of(text) or "UTC")] = "UTC"
    manager: Annotated[str, _text(200)] = ""
    deputy: Annotated[str, _text(200)] = ""
    active: Active = True


class MetricRow(Strict):
    """One measured value of a customer. Without `measured_at` it counts for the day of the import."""

    customer: Id
    metric: Id
    value: Annotated[float, BeforeValidator(_measured)]
    measured_at: Moment = None


class EventRow(Strict):
    """An engagement event; `id` is the sender's own, where it has one. `customer` is the external id."""

    customer: Id
    kind: Annotated[str, _text(60, values.event_kind_of, needed=True)]
    at: Annotated[datetime, BeforeValidator(_needed_moment)]
    id: Annotated[str, _text(200)] = ""
    data: Annotated[dict[str, Any], BeforeValidator(_data)] = Field(default_factory=dict)


class OutcomeRow(Strict):
    """How something with a customer went, or that it left; `id` and `customer` as an event's."""

    customer: Id
    outcome: Annotated[str, _text(20, lambda text: values.choice_of(text, OUTCOMES), needed=True)]
    at: Annotated[datetime, BeforeValidator(_needed_moment)]
    id: Annotated[str, _text(200)] = ""
    note: Annotated[str, _text(500)] = ""


RowModel = CustomerRow | ContactRow | StaffRow | MetricRow | EventRow | OutcomeRow

MODELS: dict[Kind, type[RowModel]] = {
    Kind.CUSTOMERS: CustomerRow,
    Kind.CONTACTS: ContactRow,
    Kind.STAFF: StaffRow,
    Kind.METRICS: MetricRow,
    Kind.EVENTS: EventRow,
    Kind.OUTCOMES: OutcomeRow,
}


def fields_of(kind: Kind) -> tuple[str, ...]:
    """The fields a row of this kind may have; `facts` is filled from columns of its own."""
    return tuple(MODELS[kind].model_fields)


def required_of(kind: Kind) -> tuple[str, ...]:
    """The fields every row of this kind must have."""
    return tuple(name for name, field in MODELS[kind].model_fields.items() if field.is_required())
