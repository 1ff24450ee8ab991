"""Endpoints of webhooks, lines of the journal for them, and what became of both."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from keepwell.contracts.webhooks import WebhookAnswer
from keepwell.db.repositories import journal, webhook_desk
from keepwell.db.repositories.webhooks import WebhookRepository
from keepwell.db.tables import WebhookDelivery
from tests.unit.db.world import NOW, World

OK = WebhookAnswer(status=200, why="", milliseconds=5)
BAD = WebhookAnswer(status=500, why="500 Odd", milliseconds=5)
HOUR = timedelta(hours=1)


def endpoint(world: World, *kinds: str, url: str = "https://example.com/hooks") -> str:
    """Enter an endpoint for some kinds, or for all; its id."""
    with world.store.write() as session:
        row = webhook_desk.add_endpoint(
            session,
            world.organisation,
            url=url,
            kinds=kinds or ("*",),
            secret="whsec_c2VjcmV0",
            description="",
            by="ops",
            now=NOW,
        )
        return row.id


def happens(
    session: Session, world: World, key: str, kind: str = "import.done", data: dict[str, Any] | None = None
) -> None:
    """Write a line of the journal in a transaction."""
    journal.write(
        session,
        key=key,
        organisation=world.organisation,
        kind=kind,
        text=f"{key} happened",
        at=NOW,
        data=data,
    )


def happened(world: World, *keys: str, kind: str = "import.done") -> None:
    """Write lines of the journal in a transaction of their own."""
    with world.store.write() as session:
        for key in keys:
            happens(session, world, key, kind)


def rows(world: World, **where: object) -> list[WebhookDelivery]:
    """The deliveries, the oldest first."""
    query = select(WebhookDelivery).order_by(col(WebhookDelivery.created_at), col(WebhookDelivery.id))
    for name, value in where.items():
        query = query.where(getattr(WebhookDelivery, name) == value)
    with world.store.read() as session:
        return list(session.exec(query))


def kinds(world: World, of: str) -> list[str]:
    """The kinds of what an endpoint is to hear of."""
    return sorted(row.kind for row in rows(world, endpoint_id=of))


def waiting(world: World, now: datetime = NOW) -> list[str]:
    """The deliveries that may be called now."""
    return [one.id for one in WebhookRepository(world.store).waiting(world.organisation, now)]


def hand_over(world: World, now: datetime = NOW) -> list[str]:
    """Mark those as handed to runs; their ids."""
    ids = waiting(world, now)
    WebhookRepository(world.store).handed(ids, now)
    return ids
