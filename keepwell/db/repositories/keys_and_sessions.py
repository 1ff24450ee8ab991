"""Who comes in with an API key or a cookie. Only hashes are kept: both are random and long."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import or_
from sqlmodel import Session, col, delete, select, update

from keepwell.contracts.access import GRANTS, Permission, Role
from keepwell.contracts.base import Frozen
from keepwell.db.tables import Account, ApiKey, WebSession

KEY_BEGINS: Final = "kw_"
SHOWN: Final = 11
"""Letters of a key that lists show: its beginning and eight more."""

SESSION_REST: Final = timedelta(hours=12)
"""A session nobody uses ends after this long."""

SESSION_LONGEST: Final = timedelta(days=14)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exact `used_at` and `seen_at` are: a write for each request would cost more than the request."""


class Caller(Frozen):
    """Somebody who came in, and what they may."""

    organisation_id: str
    name: str
    permissions: frozenset[Permission]
    role: Role | None = None
    account_id: str | None = None
    key_id: str | None = None
    staff_id: str | None = None
    customer_id: str | None = None


def hashed(token: str) -> str:
    """What the store keeps of a key or a cookie's token."""
    return sha256(token.encode()).hexdigest()


def make_key(
    session: Session,
    organisation: str,
    *,
    name: str,
    scopes: Collection[Permission],
    by: str,
    now: datetime,
    expires_at: datetime | None = None,
    customer: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key: its row, and its text, which can be shown this once. See `keys.new_key` for its rules."""
    text = KEY_BEGINS + secrets.token_urlsafe(32)
    row = ApiKey(
        organisation_id=organisation,
        name=name,
        prefix=text[:SHOWN],
        secret=hashed(text),
        scopes=sorted(scopes),
        customer_id=customer,
        created_at=now,
        created_by=by,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return row, text


def begin_session(
    session: Session, account: Account, now: datetime, *, address: str = "", agent: str = ""
) -> str:
    """The token of a new session, for the cookie; ended ones go."""
    ended = or_(col(WebSession.expires_at) <= now, col(WebSession.seen_at) <= now - SESSION_REST)
    session.exec(delete(WebSession).where(ended))
    token = secrets.token_urlsafe(32)
    row = WebSession(
        id=hashed(token),
        account_id=account.id,
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LONGEST,
        address=address[:60],
        agent=agent[:200],
    )
    session.add(row)
    return token


def end_session(session: Session, token: str) -> None:
    """Sign out: the token opens nothing any more."""
    session.exec(delete(WebSession).where(col(WebSession.id) == hashed(token)))


def _for_one(permissions: frozenset[Permission], customer: str | None) -> frozenset[Permission]:
    """Who belongs to a customer has its own data and nothing else, whatever the row says; others never do."""
    own = frozenset({Permission.OWN})
    return permissions & own if customer is not None else permissions - own


def caller_with_key(session: Session, text: str, now: datetime) -> Caller | None:
    """Whom a key lets in; None for one that is unknown, ended or revoked."""
    row = session.exec(select(ApiKey).where(ApiKey.secret == hashed(text))).first()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return Caller(
        organisation_id=row.organisation_id,
        name=f"key {row.name}",
        permissions=_for_one(frozenset(Permission(one) for one in row.scopes), row.customer_id),
        key_id=row.id,
        customer_id=row.customer_id,
    )


def caller_with_session(session: Session, token: str, now: datetime) -> Caller | None:
    """Who is signed in with a cookie's token; None for a session that is unknown or over."""
    query = (
        select(Account)
        .join(WebSession, col(WebSession.account_id) == col(Account.id))
        .where(
            WebSession.id == hashed(token),
            col(WebSession.expires_at) > now,
            col(WebSession.seen_at) > now - SESSION_REST,
            col(Account.active),
        )
    )
    account = session.exec(query).first()
    if account is None:
        return None
    role = Role(account.role)
    return Caller(
        organisation_id=account.organisation_id,
        name=account.name,
        permissions=_for_one(GRANTS[role], account.customer_id),
        role=role,
        account_id=account.id,
        staff_id=account.staff_id,
        customer_id=account.customer_id,
    )


def note_use(session: Session, caller: Caller, token: str, now: datetime) -> None:
    """Remember when a key or session was last used, to the minute."""
    before = now - SEEN_EVERY
    if caller.key_id is not None:
        due = or_(col(ApiKey.used_at).is_(None), col(ApiKey.used_at) < before)
        session.exec(update(ApiKey).where(col(ApiKey.id) == caller.key_id, due).values(used_at=now))
    else:
        mine, due = col(WebSession.id) == hashed(token), col(WebSession.seen_at) < before
        session.exec(update(WebSession).where(mine, due).values(seen_at=now))
