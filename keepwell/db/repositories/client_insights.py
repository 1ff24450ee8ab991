"""Insights for a customer's own page: made once by their key, read, dismissed or acted on by the customer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories import journal
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.views_outlines import customer_in
from keepwell.db.tables import ClientInsight
from keepwell.errors import InputError, NotFoundError
from keepwell.keys import new_id


class InsightKind(StrEnum):
    """What an insight is."""

    WEEKLY_SUMMARY = "weekly_summary"
    ACHIEVEMENT = "achievement"
    RECOMMENDATION = "recommendation"
    MILESTONE = "milestone"
    TIP = "tip"


class InsightState(StrEnum):
    """How far an insight has come."""

    UNREAD = "unread"
    READ = "read"
    DISMISSED = "dismissed"
    ACTED_ON = "acted_on"


ORDER = tuple(InsightState)
SAID = {InsightState.READ: "read", InsightState.DISMISSED: "dismissed", InsightState.ACTED_ON: "acted on"}


class NewInsight(Strict):
    """An insight to keep. `key` makes it once for its customer; without `expires_at` it stays.

    The action needs a label and an address, or neither: http or https, or a path of the product ("/tasks").
    """

    key: str = Field(min_length=1, max_length=120)
    kind: InsightKind
    title: str = Field(min_length=1, max_length=200)
    body: str = Field(default="", max_length=4000)
    action_label: str = Field(default="", max_length=80)
    action_url: str = Field(default="", max_length=500)
    expires_at: datetime | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if bool(self.action_label) != bool(self.action_url):
            raise ValueError("an action has a label and an address, or neither")
        if self.action_url and not is_address(self.action_url):
            raise ValueError("action_url takes an address of http or https, or a path such as /tasks")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError("expires_at needs a time zone")
        return self


class InsightLine(Frozen):
    """An insight as its customer reads it."""

    id: str
    kind: InsightKind
    state: InsightState
    title: str
    body: str
    action_label: str
    action_url: str
    created_at: datetime
    expires_at: datetime | None
    read_at: datetime | None
    acted_at: datetime | None


def is_address(text: str) -> bool:
    """Whether it is an address of the web, or a path of the product: nothing that a browser would run.

    Browsers take a backslash for a slash and leave out line ends, so that "/\\elsewhere.example" leads
    elsewhere; so does "//elsewhere.example".
    """
    if any(letter.isspace() or letter == "\\" or not letter.isprintable() for letter in text):
        return False
    if text.startswith("/"):
        return not text.startswith("//")
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def insights(
    session: Session, organisation: str, customer: str, now: datetime, *, limit: int = 20
) -> tuple[InsightLine, ...]:
    """A customer's insights that are neither expired nor dismissed, the newest first."""
    query = select(ClientInsight).where(*_shown(organisation, customer, now))
    newest = query.order_by(col(ClientInsight.created_at).desc(), col(ClientInsight.id).desc())
    return tuple(_line(row) for row in session.exec(newest.limit(limit)))


def unread_insights(session: Session, organisation: str, customer: str, now: datetime) -> int:
    """How many of them were not read."""
    query = select(func.count()).select_from(ClientInsight).where(*_shown(organisation, customer, now))
    return session.exec(query.where(ClientInsight.state == InsightState.UNREAD.value)).one()


def put_insight(
    session: Session, organisation: str, customer: str, new: NewInsight, now: datetime
) -> tuple[InsightLine, bool]:
    """Keep an insight; the one that is kept, and whether it is new. The same key again changes nothing.

    Raises NotFoundError where the organisation has no such customer.
    """
    customer_in(session, organisation, customer)
    values = {
        "id": new_id(),
        "organisation_id": organisation,
        "customer_id": customer,
        "state": InsightState.UNREAD.value,
        "created_at": now,
        "read_at": None,
        "dismissed_at": None,
        "acted_at": None,
        **new.model_dump(),
        "kind": new.kind.value,
    }
    added = insert_if_absent(session, "insight", values)
    query = select(ClientInsight).where(ClientInsight.customer_id == customer, ClientInsight.key == new.key)
    return _line(session.exec(query).one()), added


def move_insight(
    session: Session, organisation: str, customer: str, insight: str, to: InsightState, now: datetime, by: str
) -> InsightLine:
    """Let an insight come as far as `to` (read, dismissed, acted_on), with a line in the journal.

    It only goes forward: the same again, or less far, changes nothing. One that was dismissed is not shown
    any more, also where it was acted on before. Raises NotFoundError where the customer has no such insight,
    InputError for `unread`.
    """
    if to is InsightState.UNREAD:
        raise InputError("What was read stays read.", hint="It takes read, dismissed or acted_on.")
    row = session.get(ClientInsight, insight, with_for_update=True)
    if row is None or row.customer_id != customer or row.organisation_id != organisation:
        raise NotFoundError("There is no such insight.")
    hides = to is InsightState.DISMISSED and row.dismissed_at is None
    forward = ORDER.index(to) > ORDER.index(InsightState(row.state))
    if not forward and not hides:
        return _line(row)
    row.state, row.read_at = to.value if forward else row.state, row.read_at or now
    if to is InsightState.DISMISSED:
        row.dismissed_at = now
    if to is InsightState.ACTED_ON:
        row.acted_at = now
    session.add(row)
    journal.write(
        session,
        key=f"insight/{row.id}/{to.value}",
        organisation=organisation,
        customer=customer,
        kind=f"insight.{to.value}",
        by=by,
        text=f"Insight {SAID[to]}: {row.title}",
        at=now,
        data={"insight": row.id},
    )
    return _line(row)


def _shown(organisation: str, customer: str, now: datetime) -> list[ColumnElement[bool]]:
    return [
        col(ClientInsight.customer_id) == customer,
        col(ClientInsight.organisation_id) == organisation,
        col(ClientInsight.dismissed_at).is_(None),
        col(ClientInsight.expires_at).is_(None) | (col(ClientInsight.expires_at) > now),
    ]


def _line(row: ClientInsight) -> InsightLine:
    return InsightLine(**row.model_dump(include=set(InsightLine.model_fields)))
