"""What programs send to the API about customers, one at a time, and what they are answered.

A field that is left out stays as it is stored; an empty text empties it. Ids are the sender's own.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool

from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.people import Consent, ContactRole, StaffRole

Id = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[float, Field(strict=True)]
"""A number, neither a text nor true or false."""


def written(moment: object) -> object:
    """Refuse a moment as a number: whether of seconds or milliseconds nobody knows."""
    if isinstance(moment, int | float) or (isinstance(moment, str) and "-" not in moment.strip()[1:]):
        raise ValueError('must be a moment as in "2026-12-01T09:00:00+01:00"')
    return moment


def written_day(day: object) -> object:
    """Refuse a day as a number, for the same reason."""
    if isinstance(day, int | float) or (isinstance(day, str) and "-" not in day.strip()[1:]):
        raise ValueError('must be a day as in "2026-12-01"')
    return day


At = Annotated[AwareDatetime, BeforeValidator(written)]
Day = Annotated[date, BeforeValidator(written_day)]
Fact = Annotated[str, Field(max_length=2000)] | bool | int | float | None


class CustomerIn(Strict):
    """A customer. A new one needs its `name`; `owner` is one of the staff, by external id or address."""

    name: str | None = None
    plan: str | None = None
    industry: str | None = None
    segment: str | None = None
    country: str | None = None
    time_zone: str | None = None
    currency: str | None = None
    monthly_revenue: Number | None = None
    started_on: Day | None = None
    renews_on: Day | None = None
    left_on: Day | None = None
    owner: str | None = None
    active: StrictBool | None = None
    facts: dict[str, Fact] | None = None


class ContactIn(Strict):
    """A person at a customer's. A new one needs `customer` (an external id) and `name`."""

    customer: str | None = None
    name: str | None = None
    first_name: str | None = None
    email: str | None = None
    phone: str | None = None
    role: ContactRole | None = None
    title: str | None = None
    time_zone: str | None = None
    consent: Consent | None = None
    consent_at: At | None = None
    active: StrictBool | None = None


class StaffIn(Strict):
    """A member of staff. A new one needs `name` and `email`; manager and deputy are external ids."""

    name: str | None = None
    email: str | None = None
    role: StaffRole | None = None
    title: str | None = None
    phone: str | None = None
    slack: str | None = None
    time_zone: str | None = None
    manager: str | None = None
    deputy: str | None = None
    active: StrictBool | None = None


class MetricIn(Strict):
    """One measured value, in the scorecard's unit. Without `measured_at` it counts from now."""

    customer: Id
    metric: Id
    value: Number
    measured_at: At | None = None


class EventIn(Strict):
    """Something a customer did, or that happened to it; now, unless `at` says otherwise.

    `id` is the sender's own: the same event again changes nothing.
    """

    customer: Id
    kind: Annotated[str, Field(min_length=1, max_length=60)]
    at: At | None = None
    id: Annotated[str, Field(max_length=200)] = ""
    data: dict[str, Fact] = Field(default_factory=dict)


class OutcomeIn(Strict):
    """How something with a customer went, or that the customer left; now, unless `at` says otherwise."""

    customer: Id
    outcome: Literal["positive", "neutral", "negative", "left"]
    at: At | None = None
    id: Annotated[str, Field(max_length=200)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


Result = Literal["created", "updated", "unchanged"]


class Stored(Frozen):
    """What became of one record. `key` is the sender's id of it, `notes` what else there is to know."""

    kind: str
    key: str
    result: Result
    notes: tuple[str, ...] = ()
    text: str


class StoredRecord(Stored):
    """The same of a customer, contact or member of staff; `id` is ours."""

    id: str


class StoredEvent(Stored):
    """The same of an event; `alerts` are the ids of the customer's alerts that wait for their playbooks."""

    alerts: tuple[str, ...] = ()


class StoredMetric(Stored):
    """The same of a metric, and the score it led to; `transition` is the change of level, if there is one."""

    scored: bool = False
    score: float | None = None
    level: str | None = None
    previous: str | None = None
    transition: str | None = None


class Rejected(Frozen):
    """A row, or one value of it, that was not stored. `line` is its place, from 1; `column` may be empty."""

    line: int
    column: str
    value: str
    reason: str


class ImportReport(Frozen):
    """What became of many records. With `dry_run` it is what would have, and nothing is stored.

    `rows` are those that came; `counts` says what the others count: rows, or values of a wide file. `rejects`
    are the first 1,000.
    """

    id: str
    kind: str
    counts: str
    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    notes: tuple[str, ...]
    rejects: tuple[Rejected, ...]
    dry_run: bool
    text: str
