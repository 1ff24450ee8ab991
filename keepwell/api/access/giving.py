"""Nobody gives what they have not: neither to a key nor to an account. And only people let people in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from keepwell.api.access.guarding import ForbiddenError, Principal
from keepwell.contracts.access import Permission
from keepwell.db.tables import ApiKey


def check_gives(
    session: Session, who: Principal, wanted: Collection[Permission], until: datetime | None = None
) -> datetime | None:
    """Until when somebody may give these permissions: a key gives them no longer than it has them itself.

    Who may read sees all that a customer sees, so they may give `own` too.

    Raises:
        ForbiddenError: one of them is not theirs to give.
    """
    able = who.permissions | ({Permission.OWN} if Permission.READ in who.permissions else frozenset())
    lacking = sorted(set(wanted) - able)
    if lacking:
        raise ForbiddenError(
            f"You cannot give what you have not: {', '.join(lacking)}.",
            hint=f"{who.name} has: {', '.join(sorted(who.permissions))}.",
        )
    maker = session.get(ApiKey, who.key_id) if who.key_id is not None else None
    ends = [one for one in (until, maker.expires_at if maker is not None else None) if one is not None]
    return min(ends, default=None)


def check_is_person(who: Principal) -> None:
    """Refuse a key: whoever it let in by an account would stay when the key has ended.

    Raises:
        ForbiddenError: it is a key that asks.
    """
    if who.account_id is None:
        raise ForbiddenError(
            "Accounts are made and changed by people, not by keys.",
            hint='Sign in as an admin. A key can shut an account out: {"active": false}.',
        )
