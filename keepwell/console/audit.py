"""The audit log: who did what, to what, when and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from keepwell.api.v1.asked import Text
from keepwell.console import doing
from keepwell.console.addresses import Address
from keepwell.console.outbox import named_customer
from keepwell.console.view import AtOperations, View
from keepwell.db.repositories import journal
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_journal import EventFilter, EventLine, begins, event_page, kinds, people
from keepwell.db.repositories.zones import local_midnight
from keepwell.db.tables import Customer

router = APIRouter(include_in_schema=False)

PATH: Final = "/console/audit"
PAGE: Final = 50
NAMES: Final = 500
"""Names that the field proposes; any other can be typed."""
DAY: Final = timedelta(days=1)

Asked = Annotated[Text, Query(max_length=200)]


@router.get(PATH)
def audit_page(
    view: AtOperations,
    by: Asked = "",
    kind: Asked = "",
    customer: Asked = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """The journal, the newest line first, a page at a time."""
    asked = {"by": by.strip(), "kind": kind, "customer": customer, "since": since, "until": until}
    with view.door.store.read() as session:
        known, names = kinds(session, view.organisation.id), people(session, view.organisation.id)
        of, wrong = named_customer(session, view, customer)
        span, off = _span(view, since, until)
        wanted = EventFilter(
            customer=of,
            kinds=tuple(one for one in known if begins(one, kind)) if kind else None,
            by=_named(by, names),
            recorded_from=span[0],
            recorded_before=span[1],
        )
        found = _page(session, view, wanted, cursor)
        name = session.get_one(Customer, of).name if of else customer
    return view.page(
        "audit.html.j2",
        {
            "found": found,
            "asked": asked,
            "customer_name": name,
            "wrong": " ".join(one for one in (wrong, off) if one),
            "address": Address(PATH, asked),
            "export": None if wrong else _export(wanted, kind),
            "firsts": sorted({one.partition(".")[0] for one in known}),
            "kinds": known,
            "names": (journal.ENGINE, *names[:NAMES]),
            "cursor": cursor,
            "doing": doing,
        },
    )


def _page(session: Session, view: View, wanted: EventFilter, cursor: str) -> Page[EventLine]:
    return event_page(session, view.organisation.id, wanted, cursor=cursor, limit=PAGE)


def _named(by: str, names: list[str]) -> tuple[str, ...]:
    """The names as they stand in the journal: capitals do not count."""
    meant = by.strip().casefold()
    return (
        tuple(one for one in (journal.ENGINE, *names) if one.casefold() == meant) or (by.strip(),)
        if meant
        else ()
    )


def _span(view: View, since: str, until: str) -> tuple[tuple[datetime | None, datetime | None], str]:
    """From the first day on until after the last one, in the organisation's zone; what is wrong with them."""
    first, last = _day(since), _day(until)
    wrong = " ".join(
        f"{text!r} is no day such as 2026-11-22."
        for text, day in ((since, first), (until, last))
        if text and day is None
    )
    if first and last and last < first:
        return (None, None), "It ends before it begins: all days are shown."
    zone = view.zone.key
    begin = local_midnight(first, zone) if first else None
    end = local_midnight(last + DAY, zone) if last else None
    return (begin, end), wrong


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


def _export(wanted: EventFilter, kind: str) -> Address:
    """The same lines from the API, one JSON object a line."""
    query: dict[str, Any] = {"kind": kind, "customer": wanted.customer, "by": list(wanted.by)}
    for name, at in (("since", wanted.recorded_from), ("until", wanted.recorded_before)):
        query[name] = at.astimezone(UTC).isoformat() if at else ""
    return Address("/api/v1/events/export", query)
