"""API keys of an organisation: making, showing and taking them back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.contracts.access import Permission
from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.repositories.keys_and_sessions import make_key
from keepwell.db.repositories.lookup import own
from keepwell.db.tables import ApiKey, Customer
from keepwell.errors import InputError, NotFoundError, RefusedError


class KeyLine(Frozen):
    """A key as lists show it; its text is nowhere."""

    id: str
    name: str
    prefix: str
    scopes: tuple[Permission, ...]
    customer_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str


class NewKey(KeyLine):
    """A key that was made just now. `key` is its text, which is shown this once."""

    key: str


def keys(session: Session, organisation: str, *, revoked: bool = False) -> list[KeyLine]:
    """The keys of an organisation, the newest first; those taken back only if asked for."""
    query = select(ApiKey).where(ApiKey.organisation_id == organisation)
    if not revoked:
        query = query.where(col(ApiKey.revoked_at).is_(None))
    rows = session.exec(query.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id).desc())).all()
    return [_line(row) for row in rows]


def new_key(
    session: Session,
    organisation: str,
    *,
    name: str,
    scopes: Collection[Permission],
    by: str,
    now: datetime,
    expires_at: datetime | None = None,
    customer: str | None = None,
) -> NewKey:
    """Make a key.

    Raises:
        InputError: its name or scopes are none, it would have ended already, or it is to see more than one
            customer's own data.
        NotFoundError: the organisation has no such customer.
    """
    words = " ".join(name.split())
    if not words or len(words) > 100 or not words.isprintable():
        raise InputError("A key's name has 1 to 100 letters.", place="name", hint="Say what it is for.")
    if not scopes or (customer is not None) != (Permission.OWN in scopes) or (customer and len(scopes) > 1):
        raise InputError(
            "A key has at least one scope; one for a customer has the scope own, and no other.",
            place="scopes",
            hint=f"Scopes are: {', '.join(Permission)}.",
        )
    if expires_at is not None and expires_at <= now:
        raise InputError("A key cannot end before it begins.", place="expires_at")
    if customer is not None:
        own(session, Customer, organisation, customer, "customer")
    row, text = make_key(
        session,
        organisation,
        name=words,
        scopes=set(scopes),
        by=by,
        now=now,
        expires_at=expires_at,
        customer=customer,
    )
    _note(session, row, "made", f"The key {words} ({row.prefix}…) may {', '.join(row.scopes)}", by, now)
    return NewKey(**_line(row).model_dump(), key=text)


def revoke_key(session: Session, organisation: str, key: str, *, by: str, now: datetime) -> KeyLine:
    """Take a key back, found by its id or the beginning that lists show: it lets nobody in any more.

    Raises:
        NotFoundError: there is no such key.
        RefusedError: it was taken back before.
    """
    query = select(ApiKey).where(
        ApiKey.organisation_id == organisation, (col(ApiKey.id) == key) | (col(ApiKey.prefix) == key)
    )
    row = session.exec(query.with_for_update()).first()
    if row is None:
        raise NotFoundError(
            f"There is no key {key!r}.", hint="See the list of keys.", command="keepwell keys list"
        )
    if row.revoked_at is not None:
        raise RefusedError(f"The key {row.name} was revoked by {row.revoked_by} already.")
    row.revoked_at, row.revoked_by = now, by
    session.add(row)
    _note(session, row, "revoked", f"The key {row.name} ({row.prefix}…) lets nobody in any more", by, now)
    return _line(row)


def _line(row: ApiKey) -> KeyLine:
    return KeyLine.model_validate(row.model_dump(exclude={"secret", "organisation_id"}))


def _note(session: Session, row: ApiKey, what: str, text: str, by: str, now: datetime) -> None:
    journal.write(
        session,
        key=f"key/{row.id}/{what}",
        organisation=row.organisation_id,
        kind=f"key.{what}",
        text=text,
        at=now,
        by=by,
        data={"key": row.id},
    )
