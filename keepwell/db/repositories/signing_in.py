"""Who gets in: tries are counted before they are looked at, so that many at once are no way around it.

They are counted for the account; in a browser that the account knows (`known_browsers`), for that browser
alone. So whoever guesses elsewhere keeps nobody out of the browser that they use.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select, update

from keepwell.db.repositories.accounts import note_account
from keepwell.db.repositories.keys_and_sessions import begin_session
from keepwell.db.repositories.known_browsers import knows
from keepwell.db.tables import Account, KnownBrowser

FREE_TRIES: Final = 5
"""So many wrong passwords in a row cost nothing."""

FIRST_REST: Final = timedelta(minutes=1)
LONGEST_REST: Final = timedelta(hours=1)
"""After the last free one the account rests, with each further one twice as long, up to this."""

_RESTS: Final = tuple(min(FIRST_REST * 2**more, LONGEST_REST) for more in range(7))
_Counted = tuple[type[Account] | type[KnownBrowser], tuple[ColumnElement[bool], ...]]


def count_try(session: Session, account: Account | None, now: datetime, browser: str = "") -> bool:
    """Count a try before its password is looked at; False where nobody gets in now, whatever comes.

    `browser` is the token of its cookie. Somebody unknown costs the same statements.
    """
    table, own = _counted(session, account.id if account is not None else "", browser, now)
    free = (col(table.locked_until).is_(None)) | (col(table.locked_until) <= now)
    counted = session.exec(update(table).where(*own, free).values(failed=col(table.failed) + 1))
    failed = session.exec(select(table.failed).where(*own)).first() or 0
    if account is None or counted.rowcount == 0:
        return False
    if failed >= FREE_TRIES:
        rest = _RESTS[min(failed - FREE_TRIES, len(_RESTS) - 1)]
        session.exec(update(table).where(*own).values(locked_until=now + rest))
    return True


def take_back(session: Session, account: Account, now: datetime, browser: str = "") -> None:
    """The try that was counted at `now` was none: with the rest that it began, if it began one."""
    table, own = _counted(session, account.id, browser, now)
    began = col(table.locked_until).in_([now + rest for rest in _RESTS])
    session.exec(update(table).where(*own, began).values(locked_until=None))
    session.exec(update(table).where(*own, col(table.failed) > 0).values(failed=col(table.failed) - 1))


def note_wrong(
    session: Session, account: Account, now: datetime, *, browser: str = "", address: str = ""
) -> None:
    """After a wrong password: the journal says when an account, or a browser of its own, began to rest."""
    table, own = _counted(session, account.id, browser, now)
    failed, until = session.exec(select(table.failed, table.locked_until).where(*own)).one()
    if until is not None and until > now:
        where = " in a browser that it knows" if table is KnownBrowser else ""
        text = f"{account.email} rests{where} until {until:%H:%M:%S} UTC after {failed} wrong passwords"
        note_account(session, account, "locked", text, by="engine", now=now, address=address)


def enter(
    session: Session, account: Account, now: datetime, *, how: str, address: str = "", agent: str = ""
) -> str:
    """Let somebody in who has shown who they are: the new session's token. Wrong tries are forgotten.

    A rest that goes on stays: who came in while others guess came by a browser that the account knows, or
    without a password. It would give those others new tries.
    """
    row = session.get_one(Account, account.id)
    if row.locked_until is None or row.locked_until <= now:
        row.failed, row.locked_until = 0, None
    row.signed_in_at = now
    session.add(row)
    note_account(session, row, "signed_in", f"{row.name} signed in by {how}", now=now, address=address)
    return begin_session(session, row, now, address=address, agent=agent)


def by_subject(session: Session, issuer: str, subject: str) -> Account | None:
    """The active account that a provider's person is tied to."""
    query = select(Account).where(Account.issuer == issuer, Account.subject == subject, col(Account.active))
    return session.exec(query).first()


def _counted(session: Session, account: str, browser: str, now: datetime) -> _Counted:
    """Which row counts a try."""
    known = knows(session, account, browser, now)
    if known is not None:
        return KnownBrowser, (col(KnownBrowser.id) == known, col(KnownBrowser.account_id) == account)
    return Account, (col(Account.id) == account,)
