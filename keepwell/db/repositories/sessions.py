"""Where somebody is signed in."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, delete, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.keys_and_sessions import SESSION_REST, hashed
from keepwell.db.tables import WebSession
from keepwell.errors import NotFoundError

SHOWN = 16
"""Letters of a session's id outside: the rest of the hash is nobody's business."""


class SessionLine(Frozen):
    """One sign-in: where it came from, and whether it is the one that asks."""

    id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    current: bool


def sessions_of(session: Session, account: str, token: str, now: datetime) -> list[SessionLine]:
    """Those of an account that hold, the last used first; `token` is the one of who asks."""
    query = select(WebSession).where(
        WebSession.account_id == account,
        col(WebSession.expires_at) > now,
        col(WebSession.seen_at) > now - SESSION_REST,
    )
    own = hashed(token)
    return [
        SessionLine(**row.model_dump(exclude={"id"}), id=row.id[:SHOWN], current=row.id == own)
        for row in session.exec(query.order_by(col(WebSession.seen_at).desc(), col(WebSession.id))).all()
    ]


def end_session_of(session: Session, account: str, identity: str) -> None:
    """Sign an account out in one place. Raises NotFoundError."""
    if len(identity) != SHOWN:
        raise NotFoundError("There is no such session.")
    mine = (
        col(WebSession.account_id) == account,
        col(WebSession.id).startswith(identity, autoescape=True),
    )
    if session.exec(delete(WebSession).where(*mine)).rowcount == 0:
        raise NotFoundError("There is no such session.")
