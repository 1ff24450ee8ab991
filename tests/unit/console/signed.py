"""The console as somebody of another role sees it."""

from __future__ import annotations

from keepwell.contracts.access import Role
from tests.unit.api.callers import sign_in
from tests.unit.api.desk_world import Desk


def as_role(desk: Desk, role: Role, name: str = "Robin Clarke") -> Desk:
    """The same organisation, looked at by a new account of that role, which is nobody of the staff."""
    signed = sign_in(desk.client, desk.store, desk.world.organisation, role, name=name)
    return Desk(desk.client, desk.world, {"Accept": "text/html", **signed})
