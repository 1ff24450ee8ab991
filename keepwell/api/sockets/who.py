"""Who opens a live socket: staff with a session's cookie, or a program with an API key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import WebSocket
from starlette.concurrency import run_in_threadpool

from keepwell.api.access import NotSignedInError, Principal, who_asks
from keepwell.api.cookies import session_token
from keepwell.api.door import Door
from keepwell.api.sockets.line import ENDED, FORBIDDEN, HangUpError, first_word
from keepwell.contracts.access import Permission
from keepwell.db.engine import Store
from keepwell.db.repositories.keys_and_sessions import caller_with_key, caller_with_session


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever listens, and with what they came in: an API key or a session's token."""

    who: Principal
    key: str
    token: str

    @property
    def account(self) -> str:
        """Whose windows are counted together."""
        return self.who.account_id or self.who.key_id or ""


async def visitor_of(socket: WebSocket, door: Door) -> tuple[Visitor, str]:
    """Whoever opens a socket that was accepted, and the cursor they come back with ("" for none).

    With a cookie nothing need be said first. Without, the first message is {"token": an API key, "since": …}.

    Raises:
        HangUpError: nobody knows them, or it is not for them.
        KeepwellError: the database does not answer.
    """
    said: dict[str, Any] = {}
    token, key = session_token(socket), ""
    if not token:
        said = await first_word(socket) or {}
        given = said.get("token")
        key = given if isinstance(given, str) else ""
    try:
        who = await run_in_threadpool(who_asks, door, key, token)
    except NotSignedInError as error:
        raise HangUpError(ENDED) from error
    if not _may(who):
        raise HangUpError(FORBIDDEN)
    since = said.get("since") or socket.query_params.get("since", "")
    return Visitor(who, key, token), since if isinstance(since, str) else ""


def still_welcome(store: Store, visitors: Collection[Visitor], now: datetime) -> set[Visitor]:
    """Those whose key or session still holds and lets them read the same organisation.

    It counts as no use: a session that nobody uses ends, however long a page of it lies open.
    """
    welcome = set()
    with store.read() as session:
        for one in visitors:
            if one.key:
                found = caller_with_key(session, one.key, now)
            else:
                found = caller_with_session(session, one.token, now)
            if found is not None and _may(found) and found.organisation_id == one.who.organisation_id:
                welcome.add(one)
    return welcome


def _may(who: Principal) -> bool:
    # A customer's own people see less of themselves than staff do; a key may be bound to one customer.
    return Permission.READ in who.permissions and who.customer_id is None
