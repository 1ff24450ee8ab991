"""Who asks for a feed: the contact that the token in the Authorization header names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from keepwell.api.access import NotSignedInError
from keepwell.api.door import AtDoor, Door
from keepwell.db.repositories.feed import contact_of
from keepwell.links import LinkRefusedError, Use


class NoAccessError(NotSignedInError):
    """There is no token, or one that is worth nothing (any more): answered by a 401."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The contact whose feed it is, and when the token ends."""

    contact: str
    until: datetime


def reader_of(door: Door, token: str) -> Reader:
    """Whom a token lets in.

    Raises:
        NoAccessError: it is none of ours, has ended, or its contact is not active any more.
    """
    refused = NoAccessError(
        "This needs a token for the feed of one contact, and there is none that holds.",
        hint="Ask your backend for a new one and send it as: Authorization: Bearer TOKEN",
    )
    try:
        contact = door.links.read(Use.FEED, token).get("contact", "")
    except LinkRefusedError as error:
        raise refused from error
    # Each of our tokens ends; one without an end was made elsewhere with our key.
    until = door.links.ends(Use.FEED, token)
    with door.store.read() as session:
        if until is None or contact_of(session, contact) is None:
            raise refused
    return Reader(contact=contact, until=until)


_bearer = HTTPBearer(
    auto_error=False, scheme_name="feed", description="A contact's token: keepwell feed, or your backend."
)


def _reader(
    door: AtDoor, bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None
) -> Reader:
    return reader_of(door, "" if bearer is None else bearer.credentials.strip())


AtFeed = Annotated[Reader, Security(_reader)]
"""The parameter of an endpoint that only the feed's contact may call."""


def now() -> datetime:
    """The moment of a call."""
    return datetime.now(UTC)
