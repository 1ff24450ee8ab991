"""What every endpoint needs, made once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from temporalio.client import Client

from keepwell.api.kept import Kept
from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.temporal.connect import connect


@dataclass(frozen=True)
class Door:
    """Store, settings and links. No endpoint may depend on Temporal's answer.

    `connect` leads what goes on beside the answers to the server; `kept` are answers dear to compute.
    """

    settings: Settings
    store: Store
    links: Links
    connect: Callable[[Settings], Awaitable[Client]] = connect
    kept: Kept = field(default_factory=Kept, compare=False)


async def _door(connection: HTTPConnection) -> Door:
    # A plain function would have a thread of its own for this line.
    door: Door = connection.app.state.door
    return door


AtDoor = Annotated[Door, Depends(_door)]
"""The parameter of an endpoint (or WebSocket) that gets it."""
