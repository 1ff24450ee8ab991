"""The console asked without a socket, with an organisation that has work at hand."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.access import Role
from tests.unit.api.callers import sign_in
from tests.unit.api.conftest import client, door
from tests.unit.api.desk_world import Desk
from tests.unit.api.desk_world import desk as furnished

__all__ = ["client", "desk", "door", "other"]

ACCEPT = {"Accept": "text/html"}


@pytest.fixture
def other(door: Door, client: TestClient) -> Desk:
    """Another organisation, which nobody of the first may see."""
    return furnished(client, door.store, "else-where")


@pytest.fixture
def desk(door: Door, client: TestClient, other: Desk) -> Desk:
    """Dana is signed in: Acme is hers, Beta is nobody's."""
    made = furnished(client, door.store, "org-1")
    signed = sign_in(
        client, door.store, made.world.organisation, Role.CSM, name="Dana Reyes", staff=made.named("dana")
    )
    return Desk(client, made.world, {**ACCEPT, **signed})
