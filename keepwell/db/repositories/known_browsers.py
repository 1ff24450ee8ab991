"""Browsers in which somebody has signed in with a password: wrong tries are counted for each of them alone.

A browser brings a cookie whose token is random; the store keeps its SHA-256. It opens nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select, update

from keepwell.db.repositories.keys_and_sessions import hashed
from keepwell.db.tables import KnownBrowser

KNOWN_FOR: Final = timedelta(days=180)
"""After the last time that somebody signed in there."""

MOST: Final = 20
"""Browsers that an account knows: who signs in with a new one each time leaves no more behind."""


def knows(session: Session, account: str, token: str, now: datetime) -> str | None:
    """The row's id where the account knows the browser that brings this token."""
    query = select(KnownBrowser.id).where(
        KnownBrowser.id == hashed(token),
        KnownBrowser.account_id == account,
        col(KnownBrowser.expires_at) > now,
    )
    return session.exec(query).first()


def remember_browser(session: Session, account: str, token: str, now: datetime) -> str:
    """Somebody signed in there: its new token. Other accounts that know it know it by this one from now on.

    The token changes each time, so that one that somebody else has put into the browser is worth nothing.
    """
    new = secrets.token_urlsafe(32)
    session.exec(delete(KnownBrowser).where(col(KnownBrowser.expires_at) <= now))
    old = col(KnownBrowser.id) == hashed(token)
    session.exec(delete(KnownBrowser).where(old, col(KnownBrowser.account_id) == account))
    session.exec(update(KnownBrowser).where(old).values(id=hashed(new)))
    session.add(KnownBrowser(id=hashed(new), account_id=account, expires_at=now + KNOWN_FOR))
    session.flush()
    mine = select(KnownBrowser.id).where(KnownBrowser.account_id == account)
    last = mine.order_by(col(KnownBrowser.expires_at).desc(), col(KnownBrowser.id)).limit(MOST)
    kept = session.exec(last).all()
    others = col(KnownBrowser.id).not_in(kept)
    session.exec(delete(KnownBrowser).where(col(KnownBrowser.account_id) == account, others))
    return new


def forget_browsers(session: Session, account: str) -> None:
    """The account knows none any more."""
    session.exec(delete(KnownBrowser).where(col(KnownBrowser.account_id) == account))
