"""One message in full, as its recipient sees it, with what became of it and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import Attachment, DeliveryState
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.veiled import veiled
from keepwell.db.repositories.views import customer_names
from keepwell.db.tables import (
    Contact,
    Delivery,
    Draft,
    Event,
    InAppNotification,
    Intervention,
    OutboxMessage,
)
from keepwell.errors import NotFoundError

PREVIEW = 160
"""Letters of the beginning of a text."""

GONE = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED, DeliveryState.UNKNOWN)
"""States of a message that may have left."""

Kept = Literal["outbox", "in_app", "draft", "nothing"]


class MessageMoment(Frozen):
    """Something that became of a message."""

    at: datetime
    state: str
    text: str
    why: str = ""
    by: str = ""


class MessageShown(Frozen):
    """A message. `id` is that of the row that holds its text, "" where none does: `kept` says which.

    `key` is its key in the send ledger, "" for one that no step sent. `preview` is the beginning of its text.
    One that went out live is kept by its provider only: it has no text here, except where a person approved
    it as a draft; then `kept` is "draft". `text_why` says in a sentence why there is no text.
    """

    id: str
    key: str
    kept: Kept
    text_why: str = ""
    channel: str
    state: str
    reason: str = ""
    customer_id: str
    customer: str
    intervention: str | None = None
    playbook: str = ""
    workflow_id: str = ""
    step: str = ""
    why: str = ""
    sender: str = ""
    sender_address: str = ""
    recipient: str
    recipient_kind: str = ""
    address: str
    subject: str
    preview: str = ""
    text: str = ""
    html: str = ""
    action_label: str = ""
    action_url: str = ""
    attachments: tuple[Attachment, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    provider: str = ""
    provider_id: str = ""
    at: datetime
    planned_at: datetime | None = None
    deferred_until: datetime | None = None
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    history: tuple[MessageMoment, ...] = ()


def message_shown(session: Session, organisation: str, message: str) -> MessageShown:
    """A message by its key in the send ledger, or by the id of its row in the outbox, the feed or the drafts.

    The links by which its reader answers lack their tokens (`veiled`).
    Raises NotFoundError where the organisation has none of that key or id.
    """
    row = _row(session, message)
    if row is None or row.organisation_id != organisation:
        raise NotFoundError(f"There is no message {message!r}.")
    key = row.key
    delivery = row if isinstance(row, Delivery) else session.get(Delivery, key)
    kept = row if not isinstance(row, Delivery) else _kept(session, row)
    fields = _of_delivery(session, delivery) if delivery is not None else {}
    if kept is not None:
        fields = {**fields, **_of_kept(session, kept, sent=delivery is not None)}
    customer_id = str(row.customer_id or "")
    names = customer_names(session, [customer_id])
    text = str(fields.get("text", ""))
    whole = MessageShown.model_validate(
        {
            "id": "",
            "kept": "nothing",
            "text_why": "" if kept is not None else _why_no_text(delivery),
            **fields,
            "key": key,
            "customer_id": customer_id,
            "customer": names[customer_id].name if customer_id in names else "",
            "preview": " ".join(text.split())[:PREVIEW],
            "history": _history(session, delivery) if delivery is not None else (),
        }
    )
    return veiled(whole)


def _row(session: Session, message: str) -> Delivery | OutboxMessage | InAppNotification | Draft | None:
    return (
        session.get(Delivery, message)
        or session.get(OutboxMessage, message)
        or session.get(InAppNotification, message)
        or session.get(Draft, message)
    )


def _kept(session: Session, delivery: Delivery) -> OutboxMessage | InAppNotification | Draft | None:
    """Where the text of a message is: as it went out, or else as it would go out."""
    sent = select(OutboxMessage).where(OutboxMessage.key == delivery.key)
    told = select(InAppNotification).where(InAppNotification.key == delivery.key)
    return (
        session.exec(sent.order_by(col(OutboxMessage.id).desc()).limit(1)).first()
        or session.exec(told).first()
        or session.exec(select(Draft).where(Draft.key == delivery.key)).first()
    )


def _of_delivery(session: Session, row: Delivery) -> dict[str, Any]:
    run = session.get_one(Intervention, row.intervention_id)
    step = Playbook.model_validate(run.definition).step(row.step)
    return {
        **row.model_dump(include=set(MessageShown.model_fields) & set(Delivery.model_fields)),
        "intervention": run.id,
        "playbook": f"{run.playbook}@{run.version}",
        "workflow_id": run.workflow_id,
        "why": step.why if step is not None else "",
        "recipient": row.recipient_name,
        "at": row.accepted_at or row.begun_at or row.planned_at,
    }


def _of_kept(
    session: Session, row: OutboxMessage | InAppNotification | Draft, *, sent: bool
) -> dict[str, Any]:
    """What the row that holds the text says; the ledger knows better where the message stands."""
    match row:
        case OutboxMessage():
            stands = {} if sent else {"state": "accepted", "accepted_at": row.accepted_at}
            return {
                **row.model_dump(include={"id", "channel", "address", "subject", "text", "html", "headers"}),
                **stands,
                "kept": "outbox",
                "sender": row.sender_name,
                "sender_address": row.sender_address,
                "recipient": row.recipient_name,
                "attachments": [
                    {"filename": name, "media_type": "text/html", "content": content}
                    for name, content in row.attachments.items()
                ],
                "at": row.accepted_at,
            }
        case InAppNotification():
            contact = session.get(Contact, row.contact_id)
            return {
                **row.model_dump(include={"id", "action_label", "action_url"}),
                "kept": "in_app",
                "channel": "in_app",
                "state": row.state,
                "recipient": contact.name if contact is not None else "",
                "recipient_kind": "contact",
                "address": "",
                "subject": row.title,
                "text": row.body,
                "at": row.created_at,
            }
        case Draft():
            stands = {} if sent else {"state": row.state, "address": "", "at": row.created_at}
            return {
                **row.model_dump(include={"id", "channel", "subject", "text", "html"}),
                **stands,
                "kept": "draft",
                "recipient": row.recipient_name,
            }


def _why_no_text(delivery: Delivery | None) -> str:
    if delivery is None or delivery.state not in GONE:
        return "It has not been written yet: that happens when its step comes."
    return f"It went out by {delivery.provider or 'its provider'}, which alone keeps its text."


def _history(session: Session, row: Delivery) -> tuple[MessageMoment, ...]:
    """What the journal says of a message, in the order of time, after the moment it was planned."""
    query = select(Event).where(Event.intervention_id == row.intervention_id)
    lines = session.exec(query.order_by(col(Event.at), col(Event.recorded_at), col(Event.id))).all()
    told = [
        MessageMoment(at=line.at, state=line.kind.partition(".")[2], text=line.text, why=line.why, by=line.by)
        for line in lines
        if line.data.get("delivery") == row.key
    ]
    if not any(one.state == row.state for one in told):
        told.append(MessageMoment(at=row.updated_at, state=row.state, text=_stands(row), why=row.reason))
    return (
        MessageMoment(at=row.planned_at, state="planned", text=f"planned for {row.recipient_name}"),
        *told,
    )


def _stands(row: Delivery) -> str:
    return f"{row.state} since then"
