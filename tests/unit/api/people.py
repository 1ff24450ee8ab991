"""Accounts with passwords, and how their people come in by the page."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi.testclient import TestClient
from httpx2 import Response

from keepwell.api.access import csrf_of
from keepwell.api.cookies import session_cookie
from keepwell.api.door import Door
from keepwell.contracts.access import Role
from keepwell.db.repositories.accounts import add_account
from keepwell.passwords import hash_password

PASSWORD = "four unlikely words together"
HASHED = hash_password(PASSWORD)
EMAIL = "robin@example.com"


def page_of(door: Door) -> dict[str, str]:
    """Headers of a browser that sends a form of our own page."""
    return {"Origin": door.settings.public_url, "Accept": "text/html"}


def person(
    door: Door,
    organisation: str,
    email: str = EMAIL,
    *,
    role: Role = Role.ADMIN,
    name: str = "Robin Clarke",
    password: str = HASHED,
    customer: str | None = None,
) -> str:
    """Make an account; its id."""
    with door.store.write() as session:
        return add_account(
            session,
            organisation,
            email=email,
            name=name,
            role=role,
            by="a test",
            now=datetime.now(UTC),
            password=password,
            customer=customer,
        ).id


def come_in(
    client: TestClient, door: Door, email: str = EMAIL, password: str = PASSWORD, **fields: str
) -> Response:
    """Fill in the form of the sign-in page, and send it."""
    given = {"email": email, "password": password, **fields}
    return client.post("/sign-in", data=given, headers=page_of(door))


def csrf(client: TestClient) -> dict[str, str]:
    """What a page of ours sends with whatever it changes."""
    name = session_cookie(client.app.state.door)  # type: ignore[attr-defined]
    return {"X-CSRF-Token": csrf_of(client.cookies[name])}
