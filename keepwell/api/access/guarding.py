"""From a key or a cookie to a principal with permissions.

A cookie is sent by the browser whoever made the page, so a request that changes something and comes with one
must also carry the session's token in `X-CSRF-Token`, which only our pages know.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection

from keepwell.api.cookies import session_token
from keepwell.api.door import AtDoor, Door
from keepwell.api.rates import rates_of
from keepwell.contracts.access import HOST_COOKIE, Permission
from keepwell.db.repositories.keys_and_sessions import (
    SEEN_EVERY,
    Caller,
    caller_with_key,
    caller_with_session,
    hashed,
    note_use,
)
from keepwell.errors import KeepwellError

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
MOST_NOTED: Final = 10_000
Principal = Caller


class NotSignedInError(KeepwellError):
    """Nobody knows who asks (401)."""


class ForbiddenError(KeepwellError):
    """Whoever asks may not (403)."""


key_scheme = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: keepwell keys make.")


class _SessionCookie(APIKeyCookie):
    async def __call__(self, request: HTTPConnection) -> str | None:
        return session_token(request) or None


_cookie = _SessionCookie(
    name=HOST_COOKIE, auto_error=False, scheme_name="session", description="Sign in first."
)


def who_asks(door: Door, key: str, token: str) -> Principal:
    """The principal behind an API key, or else behind a session's token.

    Raises:
        NotSignedInError: neither lets anybody in.
    """
    now = datetime.now(UTC)
    with door.store.read() as session:
        found = caller_with_key(session, key, now) if key else None
        if not key and token:
            found = caller_with_session(session, token, now)
    if found is None:
        what = "This API key" if key else "This session" if token else ""
        raise NotSignedInError(
            f"{what} is unknown, or has ended." if what else "Nobody is signed in.",
            hint="Send an API key (Authorization: Bearer kw_…), or sign in at /sign-in.",
        )
    _note(door, found, key or token, now)
    return found


def csrf_of(token: str) -> str:
    """What a page sends with whatever it changes: it follows from the session's token, and not back."""
    return sha256(f"csrf:{token}".encode()).hexdigest()


def principal(
    asked: SecurityScopes,
    request: Request,
    door: AtDoor,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(key_scheme)] = None,
    token: Annotated[str | None, Security(_cookie)] = None,
) -> Principal:
    """The dependency behind `Reader` and the others.

    Raises:
        NotSignedInError: neither a key nor a session lets anybody in.
        ForbiddenError: they lack a permission, or the page's token is missing.
        TooManyError: they ask too often.
    """
    key = bearer.credentials if bearer is not None else ""
    rates = rates_of(request)
    try:
        found = who_asks(door, key, token or "")
    except NotSignedInError:
        rates.forget(key or token or "")
        raise
    rates.let_in(request, found, key or token or "")
    lacking = [scope for scope in asked.scopes if scope not in found.permissions]
    if lacking:
        raise ForbiddenError(
            f"This needs the permission {', '.join(lacking)}.",
            hint=f"{found.name} has: {', '.join(sorted(found.permissions))}. An admin can give others.",
        )
    if not key and request.method not in SAFE_METHODS:
        given = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(given.encode(), csrf_of(token or "").encode()):
            raise ForbiddenError(
                "The page's token is missing or old.", hint="Load the page again, then try once more."
            )
    return found


def _note(door: Door, caller: Caller, token: str, now: datetime) -> None:
    """Written by one request a minute only; the process remembers for whom it was."""
    whose = hashed(token)
    if now - _noted.get(whose, _NEVER) < SEEN_EVERY:
        return
    if len(_noted) > MOST_NOTED:
        _noted.clear()
    _noted[whose] = now
    with door.store.write() as session:
        note_use(session, caller, token, now)


_noted: dict[str, datetime] = {}
_NEVER = datetime.min.replace(tzinfo=UTC)

Somebody = Annotated[Principal, Security(principal)]
"""Whoever it is: for what everybody may do with what is theirs."""
Reader = Annotated[Principal, Security(principal, scopes=[Permission.READ.value])]
Actor = Annotated[Principal, Security(principal, scopes=[Permission.ACT.value])]
Operator = Annotated[Principal, Security(principal, scopes=[Permission.OPERATE.value])]
Configurer = Annotated[Principal, Security(principal, scopes=[Permission.CONFIGURE.value])]
Ingester = Annotated[Principal, Security(principal, scopes=[Permission.INGEST.value])]
Owner = Annotated[Principal, Security(principal, scopes=[Permission.OWN.value])]
"""A customer's own: its principal has a `customer_id`."""
