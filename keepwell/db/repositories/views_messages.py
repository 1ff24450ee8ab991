"""Read models of messages: the outbox and the in-app feed, as their recipients would see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field
from sqlalchemy import union_all
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import Attachment
from keepwell.db.repositories.pages import Page, cursor_of, down, page_of
from keepwell.db.repositories.views import by_part, customer_names
from keepwell.db.tables import Contact, InAppNotification, OutboxMessage
from keepwell.errors import NotFoundError

IN_APP = "in_app"


class MessageLine(Frozen):
    """A message in a list. `key` is its key in the send ledger."""

    id: str
    key: str
    channel: str
    at: datetime
    customer_id: str
    customer: str
    recipient: str
    address: str
    subject: str


class MessageDetail(Frozen):
    """A message in full."""

    message: MessageLine
    sender: str
    sender_address: str
    text: str
    html: str
    action_label: str = ""
    action_url: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)


def messages(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    channel: str = "",
    limit: int | None = None,
) -> tuple[MessageLine, ...]:
    """The newest messages, newest first: what the outbox took, and in-app notifications."""
    return message_page(session, organisation, customer=customer, channel=channel, limit=limit).items


def message_page(
    session: Session,
    organisation: str,
    *,
    customer: str | None = None,
    channel: str = "",
    cursor: str = "",
    limit: int | None = None,
) -> Page[MessageLine]:
    """A page of the same list. Raises InputError for a cursor of another one."""
    lines, more = list[MessageLine](), False
    if channel != IN_APP:
        query = select(OutboxMessage).where(OutboxMessage.organisation_id == organisation)
        if channel:
            query = query.where(OutboxMessage.channel == channel)
        if customer is not None:
            query = query.where(OutboxMessage.customer_id == customer)
        keys = (down(col(OutboxMessage.accepted_at), datetime), down(col(OutboxMessage.id), str))
        taken, following = page_of(session, query, keys, cursor=cursor, limit=limit)
        lines, more = _outbox_lines(session, taken), following is not None
    if channel in ("", IN_APP):
        keys = (down(col(InAppNotification.created_at), datetime), down(col(InAppNotification.id), str))
        shown, following = page_of(session, _feed(organisation, customer), keys, cursor=cursor, limit=limit)
        lines, more = lines + _feed_lines(session, shown), more or following is not None
    lines.sort(key=lambda line: (line.at, line.id), reverse=True)
    more = more or (limit is not None and len(lines) > limit)
    items = tuple(lines if limit is None else lines[:limit])
    return Page(items=items, next=cursor_of((items[-1].at, items[-1].id)) if more else None)


def own_message(session: Session, organisation: str, identity: str) -> MessageDetail:
    """The organisation's message of exactly that id. Raises NotFoundError."""
    row: OutboxMessage | InAppNotification | None = session.get(OutboxMessage, identity)
    row = row or session.get(InAppNotification, identity)
    if row is None or row.organisation_id != organisation:
        raise NotFoundError(f"There is no message {identity!r}.")
    return _detail(session, row)


def message(session: Session, organisation: str, text: str) -> MessageDetail:
    """One message by its id, or the beginning or end of it.

    Raises NotFoundError for none, InputError for several.
    """
    # Which of the two has it is told by the id alone.
    ids = union_all(
        *(
            select(kind.id).where(kind.organisation_id == organisation)
            for kind in (OutboxMessage, InAppNotification)
        )
    ).subquery()
    found = by_part(session, select(ids.c.id), ids.c.id, text, "message", "keepwell outbox")
    return own_message(session, organisation, found)


def _detail(session: Session, row: OutboxMessage | InAppNotification) -> MessageDetail:
    if isinstance(row, InAppNotification):
        line = _feed_lines(session, [row])[0]
        return MessageDetail(
            message=line,
            sender="",
            sender_address="",
            text=row.body,
            html="",
            action_label=row.action_label,
            action_url=row.action_url,
        )
    return MessageDetail(
        message=_outbox_lines(session, [row])[0],
        sender=row.sender_name,
        sender_address=row.sender_address,
        text=row.text,
        html=row.html,
        attachments=tuple(
            Attachment(filename=name, media_type="text/html", content=content)
            for name, content in row.attachments.items()
        ),
        headers=row.headers,
    )


def _outbox_lines(session: Session, rows: Sequence[OutboxMessage]) -> list[MessageLine]:
    names = customer_names(session, [row.customer_id for row in rows if row.customer_id])
    return [
        MessageLine(
            id=row.id,
            key=row.key,
            channel=row.channel,
            at=row.accepted_at,
            customer_id=row.customer_id or "",
            customer=names[row.customer_id].name if row.customer_id else "",
            recipient=row.recipient_name,
            address=row.address,
            subject=row.subject,
        )
        for row in rows
    ]


def _feed(organisation: str, customer: str | None) -> SelectOfScalar[InAppNotification]:
    query = select(InAppNotification).where(InAppNotification.organisation_id == organisation)
    if customer is not None:
        query = query.where(InAppNotification.customer_id == customer)
    return query


def _feed_lines(session: Session, rows: Sequence[InAppNotification]) -> list[MessageLine]:
    names = customer_names(session, [row.customer_id for row in rows])
    contacts = dict(
        session.exec(
            select(Contact.id, Contact.name).where(col(Contact.id).in_([row.contact_id for row in rows]))
        ).all()
    )
    return [
        MessageLine(
            id=row.id,
            key=row.key,
            channel=IN_APP,
            at=row.created_at,
            customer_id=row.customer_id,
            customer=names[row.customer_id].name,
            recipient=contacts.get(row.contact_id, ""),
            address="",
            subject=row.title,
        )
        for row in rows
    ]
