"""Entering a demo by one click: only an organisation of made-up people, and only from the machine itself."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from fastapi import Request

from keepwell.api.access.guarding import ForbiddenError
from keepwell.api.access.signing_in import Entered, let_in
from keepwell.api.door import Door
from keepwell.contracts.access import Role
from keepwell.db.repositories import demo_accounts, organisations
from keepwell.db.tables import Organisation

_FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


def is_open(door: Door, request: Request) -> bool:
    """Whether whoever asks may enter without a password."""
    organisation = _demo(door)
    return organisation is not None and (door.settings.demo_open or _from_this_machine(request))


def enter_demo(door: Door, request: Request, role: Role) -> Entered:
    """Let whoever asks in as one of the demo's people.

    Raises:
        ForbiddenError: this is no demo, or whoever asks is elsewhere.
    """
    organisation = _demo(door)
    if organisation is None or not is_open(door, request):
        raise ForbiddenError(
            "Only a demo can be entered without a password, from the machine on which it runs.",
            hint="Sign in with your address and password.",
        )
    with door.store.write() as session:
        account = demo_accounts.demo_account(session, organisation.id, role, datetime.now(UTC))
    if account is None or not account.active:
        raise ForbiddenError(f"This demo has nobody to enter as {role}.", hint="Choose another one.")
    return let_in(door, request, account, how="one click (demo)")


def _demo(door: Door) -> Organisation | None:
    with door.store.read() as session:
        organisation = organisations.find(session, door.settings.organisation)
    return organisation if organisation is not None and organisation.demo else None


def _from_this_machine(request: Request) -> bool:
    """Also by what it calls us: another site may have its name lead here, and a proxy asks for others."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
