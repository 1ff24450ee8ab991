"""Deliveries and the outbox: what went to whom, or why it did not, as its reader sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field, StrictBool

from keepwell.api.access import Operator, Reader
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import (
    Cursor,
    CustomerFilter,
    InterventionFilter,
    Limit,
    Note,
    PlaybookFilter,
    storable,
)
from keepwell.api.v1.resolving import customer_of
from keepwell.contracts.base import Strict
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.commands_kept import own_intervention
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.settling import own_delivery, settle_unknown
from keepwell.db.repositories.veiled import veiled
from keepwell.db.repositories.views_deliveries import DeliveryFilter, DeliveryRow, delivery_page
from keepwell.db.repositories.views_message_shown import MessageShown, message_shown
from keepwell.db.repositories.views_messages import MessageDetail, MessageLine, message_page, own_message

router = APIRouter(prefix="/api/v1", tags=["messages"], responses=problems(404, 409))

DeliveryPath = Annotated[
    str,
    AfterValidator(storable),
    Path(max_length=240, description="Its key in the send ledger, slashes and all."),
]
MessagePath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The message's id.")]
ChannelFilter = Annotated[Channel | None, Query(description="Only by this channel.")]


class SettleBody(Strict):
    """What somebody found out about a message that may or may not have been sent."""

    went_out: StrictBool = Field(description="True: it was sent, and its step is done. False: it was not.")
    note: Note = Field(default="", description="How they know, for the timeline.")


@router.get("/deliveries", summary="Messages of playbooks, those planned last first")
def list_deliveries(
    door: AtDoor,
    who: Reader,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    channel: ChannelFilter = None,
    customer: CustomerFilter = None,
    playbook: PlaybookFilter = "",
    intervention: InterventionFilter = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[DeliveryRow]:
    """Each is one message to one recipient through one channel, with its state and the reason."""
    with door.store.read() as session:
        if intervention is not None:
            own_intervention(session, who.organisation_id, intervention)
        wanted = DeliveryFilter(
            state=state,
            channel=channel,
            customer=customer_of(session, who, customer),
            intervention=intervention,
            playbook=playbook,
        )
        return delivery_page(session, who.organisation_id, wanted, cursor=cursor, limit=limit)


@router.post("/deliveries/{key:path}/settle", summary="Say whether an unknown message went out")
def settle(key: DeliveryPath, body: SettleBody, door: AtDoor, who: Operator) -> MessageShown:
    """It is not sent again: what did not go out is a task for its owner. It cannot be taken back."""
    with door.store.write() as session:
        settle_unknown(
            session,
            who.organisation_id,
            key,
            went_out=body.went_out,
            note=body.note,
            by=who.name[:200],
            now=datetime.now(UTC),
        )
    with door.store.read() as session:
        return message_shown(session, who.organisation_id, key)


@router.get("/deliveries/{key:path}", summary="One message, with what became of it and why")
def get_delivery(key: DeliveryPath, door: AtDoor, who: Reader) -> MessageShown:
    """Its text is there where Keepwell keeps it: in the outbox, in the app, or as an approved draft.

    The links by which its reader answers lack their tokens.
    """
    with door.store.read() as session:
        own_delivery(session, who.organisation_id, key)
        return message_shown(session, who.organisation_id, key)


@router.get("/outbox", summary="Messages as their recipients see them, the newest first")
def list_messages(
    door: AtDoor,
    who: Reader,
    channel: ChannelFilter = None,
    customer: CustomerFilter = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[MessageLine]:
    """What the outbox took instead of sending it, and notifications in the app."""
    with door.store.read() as session:
        return message_page(
            session,
            who.organisation_id,
            customer=customer_of(session, who, customer),
            channel=channel.value if channel else "",
            cursor=cursor,
            limit=limit,
        )


@router.get("/outbox/{message}", summary="One message in full")
def get_message(message: MessagePath, door: AtDoor, who: Reader) -> MessageDetail:
    """With its text, HTML, attachments and headers, and without the tokens of its reader's own links."""
    with door.store.read() as session:
        return veiled(own_message(session, who.organisation_id, message))
