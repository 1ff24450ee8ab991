"""The cookie of who is signed in: what it is called, and what a request brings of it."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from keepwell.api.door import Door
from keepwell.contracts.access import COOKIE, HOST_COOKIE


def is_secure(door: Door) -> bool:
    """Whether people reach this by HTTPS."""
    return door.settings.public_url.startswith("https://")


def session_cookie(door: Door) -> str:
    """What the cookie is called. Without HTTPS, as in a demo on localhost, none of the host's is kept."""
    return HOST_COOKIE if is_secure(door) else COOKIE


def session_token(connection: HTTPConnection) -> str:
    """The session's token that a request brings, "" for none; nobody has looked at it."""
    door: Door = connection.app.state.door
    return connection.cookies.get(session_cookie(door), "")
