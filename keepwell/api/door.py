"""What every endpoint needs, made once per process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection
from temporalio.client import Client

from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.temporal.connect import connect


@dataclass(frozen=True)
class Door:
    """Store, settings and links. No endpoint may depend on Temporal's answer.

    `connect` leads what goes on beside the answers to the server.
    """

    settings: Settings
    store: Store
    links: Links
    connect: Callable[[Settings], Awaitable[Client]] = connect


def _door(connection: HTTPConnection) -> Door:
    door: Door = connection.app.state.door
    return door


AtDoor = Annotated[Door, Depends(_door)]
"""The parameter of an endpoint (or WebSocket) that gets it."""
