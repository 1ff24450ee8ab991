"""The journal: who did what, to what, when and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import Field
from sqlmodel import Session

from keepwell.api import etags
from keepwell.api.access import ForbiddenError, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, CustomerFilter, InterventionFilter, Limit, Moment, Text
from keepwell.api.v1.resolving import customer_of
from keepwell.contracts.access import Permission
from keepwell.db.repositories.commands_kept import own_intervention
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_journal import EventFilter, EventLine, begins, event_page, kinds
from keepwell.db.repositories.views_journal_since import horizon, since
from keepwell.errors import InputError

router = APIRouter(prefix="/api/v1/events", tags=["events"], responses=problems(404))

PAGE: Final = 1_000
"""Lines that the export holds in memory at a time."""

KIND = "A kind (`draft.approved`) or its beginning (`draft`)."
BY = "Whoever did it, by name; `engine` for what nobody did. May be given more than once."
AFTER = "`after` of an earlier answer: only what came since, the oldest first, each line once."
FROM = "Recorded from this moment on."
BEFORE = "Recorded before this moment."


class EventPage(Page[EventLine]):
    """Lines of the journal. `next` leads to older ones, `after` to what comes later."""

    after: str | None = Field(
        default=None, description="For the next call; null on the pages behind the first one."
    )
    more: bool = Field(default=False, description="With `after`: there are more now.")


def _wanted(
    door: AtDoor,
    who: Reader,
    kind: Annotated[str, Query(max_length=60, description=KIND)] = "",
    customer: CustomerFilter = None,
    intervention: InterventionFilter = None,
    by: Annotated[list[Text] | None, Query(max_length=20, description=BY)] = None,
    recorded_from: Annotated[Moment | None, Query(alias="since", description=FROM)] = None,
    recorded_before: Annotated[Moment | None, Query(alias="until", description=BEFORE)] = None,
) -> EventFilter:
    """Which lines are wanted. All of the organisation's are the audit log: that needs its own permission."""
    if customer is None and intervention is None and Permission.OPERATE not in who.permissions:
        raise ForbiddenError(
            "The whole journal needs the permission operate.", hint="Name a customer, or an intervention."
        )
    if recorded_from is not None and recorded_before is not None and recorded_from >= recorded_before:
        raise InputError("It ends before it begins.", place="until", hint="Name a later moment.")
    with door.store.read() as session:
        if intervention is not None:
            own_intervention(session, who.organisation_id, intervention)
        return EventFilter(
            customer=customer_of(session, who, customer),
            intervention=intervention,
            kinds=_kinds(session, who, kind),
            by=tuple(by or ()),
            recorded_from=recorded_from,
            recorded_before=recorded_before,
        )


Wanted = Annotated[EventFilter, Depends(_wanted)]


@router.get(
    "",
    summary="Lines of the journal, the newest first",
    response_model=EventPage,
    responses=etags.NOT_MODIFIED,
)
def list_events(
    request: Request,
    door: AtDoor,
    who: Reader,
    wanted: Wanted,
    after: Annotated[str, Query(max_length=1000, description=AFTER)] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Read them once, then ask with `after` for what came since: no line is left out or told twice.

    A line appears as soon as whatever was under way when it was written is over, which takes moments.
    """
    if after and cursor:
        raise InputError("Go back with cursor, or on with after.", place="after", hint="Send one of both.")
    with door.store.read() as session:
        page = _page(session, who, wanted, after, cursor, limit)
    # Whoever has the same lines goes on from where they were.
    return etags.answer(request, page, but=("after",))


@router.get(
    "/export",
    summary="All lines that fit, one JSON object a line",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "The newest line first"}},
)
def export_events(door: AtDoor, who: Reader, wanted: Wanted) -> StreamingResponse:
    """The newest first, as it is read: a page is in memory at a time."""
    name = "attachment; filename=events.ndjson"
    return StreamingResponse(
        _lines(door, who, wanted),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": name, "Cache-Control": "no-store"},
    )


def _page(
    session: Session, who: Principal, wanted: EventFilter, after: str, cursor: str, limit: int
) -> EventPage:
    own = who.organisation_id
    if after:
        came = since(session, own, wanted, after, limit)
        return EventPage(items=came.items, after=came.after, more=came.more)
    if cursor:
        older = event_page(session, own, wanted, cursor=cursor, limit=limit)
        return EventPage(items=older.items, next=older.next)
    edge = horizon(session)
    newest = event_page(session, own, wanted, limit=limit, within=edge.within)
    return EventPage(items=newest.items, next=newest.next, after=edge.cursor)


def _lines(door: Door, who: Principal, wanted: EventFilter) -> Iterator[bytes]:
    cursor: str | None = ""
    while cursor is not None:
        with door.store.read() as session:
            page = event_page(session, who.organisation_id, wanted, cursor=cursor, limit=PAGE)
        yield b"".join(line.model_dump_json().encode() + b"\n" for line in page.items)
        cursor = page.next


def _kinds(session: Session, who: Principal, kind: str) -> tuple[str, ...] | None:
    """The whole kinds that are meant; None for all."""
    if not kind:
        return None
    return tuple(one for one in kinds(session, who.organisation_id) if begins(one, kind))
