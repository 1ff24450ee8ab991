"""Other programs that are told of events by HTTP, and what became of each telling."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlmodel import Session

from keepwell.adapters.public_only import PublicOnly
from keepwell.adapters.webhook import new_secret
from keepwell.adapters.webhook_trial import tried_words, try_endpoint
from keepwell.api.access import Configurer, Operator, Principal
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, Limit, Moment, Text
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.webhooks import WebhookState
from keepwell.db.repositories import webhook_desk
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.webhook_desk import DeliveryLine, EndpointLine

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], responses=problems(404, 409))

Endpoint = Annotated[Text, Path(max_length=40, description="The endpoint's id.")]
Delivery = Annotated[Text, Path(max_length=40, description="The delivery's id.")]


class EndpointIn(Strict):
    """Where events are posted to, and which: beginnings of kinds such as "alert.", or "*" for all."""

    url: Annotated[Text, Field(min_length=1, max_length=2000)]
    kinds: Annotated[tuple[Annotated[Text, Field(max_length=60)], ...], Field(max_length=50)] = ("*",)
    description: Annotated[Text, Field(max_length=500)] = ""


class EndpointMade(Frozen):
    """A new endpoint. `secret` signs what is sent to it, and is shown this once."""

    endpoint: EndpointLine
    secret: str
    text: str


class EndpointAnswer(Frozen):
    """An endpoint after a change."""

    endpoint: EndpointLine
    text: str


class EndpointGone(Frozen):
    """An endpoint that was removed."""

    url: str
    text: str


class SecretMade(Frozen):
    """A new secret, shown this once; the old one signs too until `old_until`."""

    secret: str
    old_until: datetime
    text: str


class DeliveryAnswer(Frozen):
    """What became of an event for an endpoint."""

    delivery: DeliveryLine
    text: str


class RedeliverIn(Strict):
    """What failed since a moment, of one endpoint or of all."""

    since: Moment
    endpoint: Annotated[Text, Field(max_length=2000)] | None = None


class Redelivered(Frozen):
    """How many events are on their way again."""

    count: int
    text: str


@router.get("")
def list_webhooks(who: Operator, door: AtDoor) -> Page[EndpointLine]:
    """The endpoints, and how it goes with them."""
    with door.store.read() as session:
        return Page[EndpointLine](items=webhook_desk.endpoints(session, who.organisation_id))


@router.post("", status_code=201)
def add_webhook(wanted: EndpointIn, who: Configurer, door: AtDoor) -> EndpointMade:
    """Tell a program of what happens from now on. Its secret is answered this once."""
    secret = new_secret()
    place = PublicOnly(door.settings.webhook_private).url(wanted.url)
    with door.store.write() as session:
        row = webhook_desk.add_endpoint(
            session,
            who.organisation_id,
            url=place,
            kinds=wanted.kinds,
            secret=secret,
            description=wanted.description,
            by=who.name,
            now=datetime.now(UTC),
        )
        line = _line(session, who, row.id)
    return EndpointMade(endpoint=line, secret=secret, text=f"Added {place}. Its secret is not shown again.")


@router.get("/deliveries")
def list_webhook_deliveries(
    who: Operator,
    door: AtDoor,
    state: Annotated[WebhookState | None, Query(description="Only those in this state.")] = None,
    endpoint: Annotated[Text | None, Query(max_length=2000, description="Its id or URL.")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[DeliveryLine]:
    """What was sent, what waits, what failed and why; the newest first."""
    with door.store.read() as session:
        return webhook_desk.deliveries(
            session, who.organisation_id, state=state, endpoint=endpoint, limit=limit, cursor=cursor
        )


@router.get("/deliveries/{delivery}")
def get_webhook_delivery(delivery: Delivery, who: Operator, door: AtDoor) -> DeliveryLine:
    """One delivery, with its calls."""
    with door.store.read() as session:
        return webhook_desk.delivery(session, who.organisation_id, delivery)


@router.post("/deliveries/{delivery}/redeliver")
def redeliver_webhook(delivery: Delivery, who: Configurer, door: AtDoor) -> DeliveryAnswer:
    """Send one event again. The receiver knows it by the same webhook-id."""
    with door.store.write() as session:
        new = webhook_desk.replay(session, who.organisation_id, delivery, datetime.now(UTC), by=who.name)
        line = webhook_desk.delivery(session, who.organisation_id, new)
    return DeliveryAnswer(delivery=line, text=f"On its way to {line.url} again.")


@router.post("/redeliver")
def redeliver_failed_webhooks(wanted: RedeliverIn, who: Configurer, door: AtDoor) -> Redelivered:
    """Send again all that failed since a moment, of endpoints that are not stopped."""
    with door.store.write() as session:
        count = webhook_desk.replay_failed(
            session, who.organisation_id, wanted.since, wanted.endpoint, datetime.now(UTC), by=who.name
        )
    return Redelivered(count=count, text=f"{count:,} on the way again.")


@router.post("/{endpoint}/rotate")
def rotate_webhook_secret(endpoint: Endpoint, who: Configurer, door: AtDoor) -> SecretMade:
    """Make a new secret. For 24 hours both sign, so that the receiver can change over."""
    secret = new_secret()
    with door.store.write() as session:
        until = webhook_desk.rotate_secret(
            session, who.organisation_id, endpoint, secret, by=who.name, now=datetime.now(UTC)
        )
    return SecretMade(secret=secret, old_until=until, text="A new secret signs. It is not shown again.")


@router.post("/{endpoint}/stop")
def stop_webhook(endpoint: Endpoint, who: Configurer, door: AtDoor) -> EndpointAnswer:
    """Tell an endpoint nothing until it is started again. What waits for it is not sent."""
    with door.store.write() as session:
        own = webhook_desk.find_endpoint(session, who.organisation_id, endpoint).id
        url = webhook_desk.stop(session, who.organisation_id, own, by=who.name, now=datetime.now(UTC))
        return EndpointAnswer(endpoint=_line(session, who, own), text=f"{url} hears of nothing for now.")


@router.post("/{endpoint}/start")
def start_webhook(endpoint: Endpoint, who: Configurer, door: AtDoor) -> EndpointAnswer:
    """Start an endpoint again that was stopped; it hears of what happens from now on."""
    with door.store.write() as session:
        own = webhook_desk.find_endpoint(session, who.organisation_id, endpoint).id
        now = datetime.now(UTC)
        url = webhook_desk.restart_endpoint(session, who.organisation_id, own, by=who.name, now=now)
        text = f"{url} hears of what happens from now on."
        return EndpointAnswer(endpoint=_line(session, who, own), text=text)


@router.post("/{endpoint}/test")
async def try_webhook(endpoint: Endpoint, who: Configurer, door: AtDoor) -> DeliveryAnswer:
    """Post a test event now, and tell the answer. It is not tried again."""
    line = await asyncio.to_thread(
        try_endpoint,
        door.store,
        who.organisation_id,
        endpoint,
        door.settings.webhook_private,
        by=who.name,
        now=datetime.now(UTC),
    )
    return DeliveryAnswer(delivery=line, text=tried_words(line))


@router.delete("/{endpoint}")
def remove_webhook(endpoint: Endpoint, who: Configurer, door: AtDoor) -> EndpointGone:
    """Tell a program nothing any more, for good. What waits for it is not sent."""
    with door.store.write() as session:
        url = webhook_desk.remove_endpoint(
            session, who.organisation_id, endpoint, by=who.name, now=datetime.now(UTC)
        )
    return EndpointGone(url=url, text=f"Removed {url}.")


def _line(session: Session, who: Principal, own: str) -> EndpointLine:
    session.flush()
    return next(one for one in webhook_desk.endpoints(session, who.organisation_id) if one.id == own)
