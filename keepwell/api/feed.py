"""A contact's notifications over HTTP: what the in-app widget calls, and may be called without it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from keepwell.api.door import AtDoor
from keepwell.api.etags import NOT_MODIFIED, answer
from keepwell.api.feed_access import AtFeed, now
from keepwell.api.problems import problems
from keepwell.contracts.base import Strict
from keepwell.db.repositories import feed
from keepwell.db.repositories.feed import FeedCount, FeedItem, FeedPage, FeedState

router = APIRouter(prefix="/api/v1/feed", tags=["feed"], responses=problems(404, 413))

MOST = 50
Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,40}$")]


class Shown(Strict):
    """Ids of notifications that the contact was shown."""

    ids: tuple[Id, ...] = Field(max_length=100)


class UpTo(Strict):
    """The newest notification that the contact was shown."""

    until: Id


@router.get("", response_model=FeedPage, responses=NOT_MODIFIED)
def feed_page(
    request: Request,
    door: AtDoor,
    reader: AtFeed,
    limit: Annotated[int, Query(ge=1, le=MOST, description="At most so many.")] = 20,
    before: Annotated[
        Id | None, Query(description="The id of a notification: those older than it. Unset: the newest.")
    ] = None,
) -> Response:
    """The newest notifications, or those older than the one with the id `before`. A 304 for a known ETag."""
    with door.store.read() as session:
        page = feed.feed_page(session, reader.contact, limit=limit, before=before)
    return answer(request, page)


@router.get("/count")
def count(door: AtDoor, reader: AtFeed) -> FeedCount:
    """How many are unseen and unread."""
    with door.store.read() as session:
        return feed.standings(session, [reader.contact])[reader.contact].count


@router.post("/seen")
def seen(door: AtDoor, reader: AtFeed, shown: Shown) -> FeedCount:
    """They were on the screen."""
    with door.store.write() as session:
        feed.mark_seen(session, reader.contact, shown.ids, now())
    with door.store.read() as session:
        return feed.standings(session, [reader.contact])[reader.contact].count


@router.post("/all/read")
def all_read(door: AtDoor, reader: AtFeed, up_to: UpTo) -> FeedCount:
    """All up to this one were read, also those that are not on the page."""
    with door.store.write() as session:
        feed.read_all(session, reader.contact, up_to.until, now())
    with door.store.read() as session:
        return feed.standings(session, [reader.contact])[reader.contact].count


@router.post("/{notification}/{to}")
def move(
    door: AtDoor,
    reader: AtFeed,
    notification: Annotated[Id, Path(description="The notification's id.")],
    to: Annotated[Literal["read", "dismissed", "acted_on"], Path(description="What it is from now on.")],
) -> FeedItem:
    """One was read, dismissed or acted on. The same again changes nothing."""
    with door.store.write() as session:
        return feed.move(session, reader.contact, notification, FeedState(to), now())
