"""What every endpoint needs, made once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings


@dataclass(frozen=True)
class Door:
    """Store, settings and links. Temporal is not in here: no endpoint may depend on its answer."""

    settings: Settings
    store: Store
    links: Links


def _door(connection: HTTPConnection) -> Door:
    door: Door = connection.app.state.door
    return door


AtDoor = Annotated[Door, Depends(_door)]
"""The parameter of an endpoint (or WebSocket) that gets it."""
