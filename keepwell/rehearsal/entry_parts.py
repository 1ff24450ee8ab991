"""What an entry of a timeline is made of, read from the scratch store: messages, tasks, offers, documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from keepwell.contracts.offers import OfferOption, OfferState, Terms
from keepwell.db.repositories.views_timeline import DeliveryLine, TimelineLine
from keepwell.db.tables import Delivery, Document, InAppNotification, Offer, OutboxMessage
from keepwell.db.tables import Task as TaskRow
from keepwell.rehearsal.gate import Asked
from keepwell.rehearsal.play import Played
from keepwell.rehearsal.timeline import Entry, EntryKind, Message, Offered, Work


@dataclass(frozen=True)
class Tale:
    """What all lines of one intervention share; `until` is when the rehearsal ended."""

    session: Session
    played: Played
    asked: Sequence[Asked]
    zone: ZoneInfo
    intervention: str
    label: str
    until: datetime

    def entry(self, at: datetime, kind: EntryKind, title: str, **fields: object) -> Entry:
        return Entry.model_validate(
            {
                "offset": at - self.played.started_at,
                "at": at.astimezone(self.zone),
                "kind": kind,
                "playbook": self.label,
                "title": title,
                **fields,
            }
        )


def message_of(tale: Tale, line: DeliveryLine) -> Message:
    """The message of a delivery, as its channel has it."""
    shared = {
        "channel": line.channel,
        "to_customer": tale.session.get_one(Delivery, line.key).recipient_kind == "contact",
        "recipient": line.recipient,
        "address": line.address,
        "subject": line.subject,
        "state": line.state,
        "reason": line.reason,
    }
    kept = tale.session.exec(select(OutboxMessage).where(OutboxMessage.key == line.key)).first()
    if kept is not None:
        more = {"sender": kept.sender_name, "sender_address": kept.sender_address, "text": kept.text}
        return Message.model_validate(
            {**shared, **more, "html": kept.html, "attachments": kept.attachments or {}}
        )
    query = select(InAppNotification).where(InAppNotification.key == line.key)
    notification = tale.session.exec(query).first()
    if notification is not None:
        more = {"text": notification.body, "action": notification.action_label}
        return Message.model_validate({**shared, **more})
    return Message.model_validate(shared)


def work_of(tale: Tale, line: TimelineLine) -> tuple[Work, ...]:
    """The tasks of a line."""
    found = []
    for task in line.tasks:
        row = tale.session.get_one(TaskRow, task.id)
        found.append(
            Work(
                kind=task.kind,
                title=task.title,
                detail=row.detail,
                owner=task.owner,
                due_at=task.due_at.astimezone(tale.zone),
                state=task.state,
                closed_by=task.closed_by,
                late=task.state == "open" and task.due_at < tale.until,
            )
        )
    return tuple(found)


def offered(tale: Tale, step: str) -> Offered | None:
    """What a step offered; None where it has not."""
    query = select(Offer).where(Offer.intervention_id == tale.intervention, Offer.step == step)
    row = tale.session.exec(query).first()
    if row is None:
        return None
    options = [OfferOption.model_validate(option) for option in row.options.values()]
    terms = Terms.model_validate(row.terms).words if row.terms else ""
    return Offered(
        options=tuple(f"{one.kind.words}: {one.summary}" for one in options),
        until=row.valid_until.astimezone(tale.zone),
        state=row.state,
        terms=terms,
        # The line that agrees on it makes its row as well.
        early=bool(terms) and row.decided_at == row.offered_at,
    )


def offers_over(tale: Tale, outcome: str) -> list[Entry]:
    """Offers that nobody decided upon, each at the moment when it was over; people's decisions are lines."""
    query = select(Offer).where(Offer.intervention_id == tale.intervention)
    found = []
    for row in tale.session.exec(query.order_by(col(Offer.offered_at))):
        if row.decided_at is None:
            continue
        if row.state == OfferState.EXPIRED:
            # Written at the end of the playbook, which may be later.
            at = min(row.valid_until, row.decided_at)
            found.append(tale.entry(at, "offer", "The offer has expired", why="Nobody has taken it"))
        elif row.state == OfferState.WITHDRAWN:
            why = f"{tale.label} ended: {outcome}"
            found.append(tale.entry(row.decided_at, "offer", "The offer is withdrawn", why=why))
    return found


def document_of(tale: Tale, line: TimelineLine) -> Document:
    """The document that a step wrote."""
    query = select(Document).where(Document.intervention_id == tale.intervention, Document.step == line.step)
    return tale.session.exec(query).one()
