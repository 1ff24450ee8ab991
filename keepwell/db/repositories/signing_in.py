"""Who gets in: tries are counted before they are looked at, so that many at once are no way around it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select, update

from keepwell.db.repositories.accounts import note_account
from keepwell.db.repositories.keys_and_sessions import begin_session
from keepwell.db.tables import Account

FREE_TRIES: Final = 5
"""So many wrong passwords in a row cost nothing."""

FIRST_REST: Final = timedelta(minutes=1)
LONGEST_REST: Final = timedelta(hours=1)
"""After the last free one the account rests, with each further one twice as long, up to this."""

_RESTS: Final = tuple(min(FIRST_REST * 2**more, LONGEST_REST) for more in range(7))


def count_try(session: Session, account: Account | None, now: datetime) -> bool:
    """Count a try before its password is looked at; False where the account rests, whatever comes.

    Somebody unknown costs the same statements.
    """
    own = account.id if account is not None else ""
    free = (col(Account.locked_until).is_(None)) | (col(Account.locked_until) <= now)
    counted = session.exec(
        update(Account).where(col(Account.id) == own, free).values(failed=col(Account.failed) + 1)
    )
    failed = session.exec(select(Account.failed).where(Account.id == own)).first() or 0
    if account is None or counted.rowcount == 0:
        return False
    if failed >= FREE_TRIES:
        rest = _RESTS[min(failed - FREE_TRIES, len(_RESTS) - 1)]
        session.exec(update(Account).where(col(Account.id) == own).values(locked_until=now + rest))
    return True


def take_back(session: Session, account: Account, now: datetime) -> None:
    """The try that was counted at `now` was none: with the rest that it began, if it began one."""
    mine = col(Account.id) == account.id
    began = col(Account.locked_until).in_([now + rest for rest in _RESTS])
    session.exec(update(Account).where(mine, began).values(locked_until=None))
    session.exec(update(Account).where(mine, col(Account.failed) > 0).values(failed=col(Account.failed) - 1))


def note_wrong(session: Session, account: Account, now: datetime, *, address: str = "") -> None:
    """After a wrong password: the journal says when an account began to rest."""
    row = session.exec(select(Account.failed, Account.locked_until).where(Account.id == account.id)).one()
    failed, until = row
    if until is not None and until > now:
        text = f"{account.email} rests until {until:%H:%M:%S} UTC after {failed} wrong passwords"
        note_account(session, account, "locked", text, by="engine", now=now, address=address)


def enter(
    session: Session, account: Account, now: datetime, *, how: str, address: str = "", agent: str = ""
) -> str:
    """Let somebody in who has shown who they are: the new session's token. Wrong tries are forgotten."""
    row = session.get_one(Account, account.id)
    row.failed, row.locked_until, row.signed_in_at = 0, None, now
    session.add(row)
    note_account(session, row, "signed_in", f"{row.name} signed in by {how}", now=now, address=address)
    return begin_session(session, row, now, address=address, agent=agent)


def by_subject(session: Session, issuer: str, subject: str) -> Account | None:
    """The active account that a provider's person is tied to."""
    query = select(Account).where(Account.issuer == issuer, Account.subject == subject, col(Account.active))
    return session.exec(query).first()
