"""A contact's notifications inside the product: what there is, and how far each has come.

`unseen → seen → read → dismissed → acted_on`: a notification only ever goes forward, and the first moment
of each step is kept. One that was dismissed is not shown any more, also where it was acted on before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, case, func, or_
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.tables import Contact, InAppNotification, Intervention
from keepwell.errors import NotFoundError

AT_ONCE = 300
"""Contacts in one statement, well below what SQLite takes as variables."""

CUSTOMER = "customer"
Row = InAppNotification


class FeedState(StrEnum):
    """How far a notification has come, in order."""

    UNSEEN = "unseen"
    SEEN = "seen"
    READ = "read"
    DISMISSED = "dismissed"
    ACTED_ON = "acted_on"


ORDER = tuple(FeedState)
UNREAD = (FeedState.UNSEEN, FeedState.SEEN)
_SAID = {FeedState.READ: "read", FeedState.DISMISSED: "dismissed", FeedState.ACTED_ON: "acted on"}


class FeedItem(Frozen):
    """A notification as its contact gets it. The action's address is "" unless it is one of the web."""

    id: str
    title: str
    body: str
    action_label: str
    action_url: str
    state: FeedState
    created_at: datetime
    seen_at: datetime | None
    read_at: datetime | None
    acted_at: datetime | None


class FeedCount(Frozen):
    """How many notifications were never shown, and how many were not read; dismissed ones do not count."""

    unseen: int = 0
    unread: int = 0


class FeedPage(Frozen):
    """Some notifications, the newest first. `next` is where the next page begins, None at the end."""

    notifications: tuple[FeedItem, ...]
    count: FeedCount
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a contact's feed stands at; another one means that something has changed."""

    count: FeedCount = field(default_factory=FeedCount)
    total: int = 0
    newest: str = ""


def contact_of(session: Session, key: str) -> Contact | None:
    """The contact, None where there is none any more or they are not active."""
    row = session.get(Contact, key)
    return row if row is not None and row.active else None


def feed_page(session: Session, contact: str, *, limit: int, before: str | None = None) -> FeedPage:
    """The contact's notifications, older than the one with the id `before` where it is given.

    Raises NotFoundError where that one is not the contact's.
    """
    query = (
        select(Row)
        .where(Row.contact_id == contact, col(Row.dismissed_at).is_(None))
        .order_by(col(Row.created_at).desc(), col(Row.id).desc())
    )
    if before is not None:
        last = own(session, contact, before)
        same = (col(Row.created_at) == last.created_at) & (col(Row.id) < last.id)
        query = query.where(or_(col(Row.created_at) < last.created_at, same))
    rows = session.exec(query.limit(limit + 1)).all()
    count = standings(session, [contact])[contact].count
    more = rows[limit - 1].id if len(rows) > limit else None
    return FeedPage(notifications=tuple(item_of(row) for row in rows[:limit]), count=count, next=more)


def own(session: Session, contact: str, notification: str, *, lock: bool = False) -> InAppNotification:
    """A notification of this very contact; another's is as unknown as one that was never there."""
    row = session.get(Row, notification, with_for_update=lock or None)
    if row is None or row.contact_id != contact:
        raise NotFoundError("There is no such notification.")
    return row


def standings(session: Session, contacts: Collection[str]) -> dict[str, Standing]:
    """Where the feeds of these contacts stand, one statement for all of them."""
    found = dict.fromkeys(contacts, Standing())
    keys = sorted(found)
    for start in range(0, len(keys), AT_ONCE):
        shown = col(Row.dismissed_at).is_(None)
        query = (
            rows_of(
                col(Row.contact_id),
                _number(shown & (col(Row.state) == FeedState.UNSEEN)),
                _number(shown & col(Row.state).in_(UNREAD)),
                func.count(),
                func.max(col(Row.id)),
            )
            .where(col(Row.contact_id).in_(keys[start : start + AT_ONCE]))
            .group_by(col(Row.contact_id))
        )
        for contact, unseen, unread, total, newest in session.connection().execute(query):
            count = FeedCount(unseen=unseen, unread=unread)
            found[contact] = Standing(count=count, total=total, newest=newest)
    return found


def newer(session: Session, after: Mapping[str, str], limit: int = 20) -> dict[str, list[FeedItem]]:
    """For each contact the notifications after the id it is given with, the oldest first."""
    found: dict[str, list[FeedItem]] = {contact: [] for contact in after}
    keys = sorted(after)
    for start in range(0, len(keys), AT_ONCE):
        wanted = [(col(Row.contact_id) == key) & (col(Row.id) > after[key]) for key in keys[start:][:AT_ONCE]]
        query = select(Row).where(or_(*wanted), col(Row.dismissed_at).is_(None)).order_by(col(Row.id))
        for row in session.exec(query):
            if len(found[row.contact_id]) < limit:
                found[row.contact_id].append(item_of(row))
    return found


def mark_seen(session: Session, contact: str, shown: Collection[str], now: datetime) -> None:
    """The contact was shown these notifications; ids that are not theirs are passed over."""
    query = select(Row).where(
        Row.contact_id == contact, col(Row.id).in_(shown), Row.state == FeedState.UNSEEN.value
    )
    for row in session.exec(query.with_for_update()):
        row.state, row.seen_at = FeedState.SEEN.value, row.seen_at or now
        session.add(row)


def move(session: Session, contact: str, notification: str, to: FeedState, now: datetime) -> FeedItem:
    """Let a notification come as far as `to`; the same again, or less far, changes nothing.

    Raises NotFoundError where it is not the contact's.
    """
    row = own(session, contact, notification, lock=True)
    hidden = to is FeedState.DISMISSED and row.dismissed_at is None
    forward = ORDER.index(to) > ORDER.index(FeedState(row.state))
    if not forward and not hidden:
        return item_of(row)
    if forward:
        row.state = to.value
    row.seen_at = row.seen_at or now
    match to:
        case FeedState.READ:
            row.read_at = row.read_at or now
        case FeedState.DISMISSED:
            row.dismissed_at = now
        case FeedState.ACTED_ON:
            row.read_at, row.acted_at = row.read_at or now, now
        case _:
            pass
    session.add(row)
    if to in _SAID:
        _say(session, row, to, now)
    return item_of(row)


def read_all(session: Session, contact: str, until: str, now: datetime) -> None:
    """Let all that came up to the one with the id `until` be read: what came after it nobody has seen.

    Raises NotFoundError where that one is not the contact's.
    """
    last = own(session, contact, until)
    same = (col(Row.created_at) == last.created_at) & (col(Row.id) <= last.id)
    query = select(Row.id).where(
        Row.contact_id == contact,
        col(Row.dismissed_at).is_(None),
        col(Row.state).in_(UNREAD),
        or_(col(Row.created_at) < last.created_at, same),
    )
    for key in session.exec(query.order_by(col(Row.id))).all():
        move(session, contact, key, FeedState.READ, now)


def _say(session: Session, row: InAppNotification, to: FeedState, now: datetime) -> None:
    # The key of a delivery is {organisation}/{intervention}/{playbook}/…
    parts = row.key.split("/")
    journal.write(
        session,
        key=f"in_app/{row.id}/{to.value}",
        organisation=row.organisation_id,
        kind=f"in_app.{to.value}",
        by=CUSTOMER,
        text=f"In-app notification {_SAID[to]}: {row.title}",
        at=now,
        customer=row.customer_id,
        intervention=_intervention(session, parts[1]) if len(parts) > 1 else None,
        data={"contact": row.contact_id, "notification": row.id},
    )


def _intervention(session: Session, key: str) -> str | None:
    return key if session.get(Intervention, key) is not None else None


def item_of(row: InAppNotification) -> FeedItem:
    """The notification as its contact gets it."""
    web = row.action_url.lower().startswith(("https://", "http://"))
    return FeedItem(
        id=row.id,
        title=row.title,
        body=row.body,
        action_label=row.action_label if web else "",
        action_url=row.action_url if web else "",
        state=FeedState(row.state),
        created_at=row.created_at,
        seen_at=row.seen_at,
        read_at=row.read_at,
        acted_at=row.acted_at,
    )


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
