"""Who asks in a test: with an API key, or signed in as a role, as the store knows it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi.testclient import TestClient

from keepwell.api.access import csrf_of
from keepwell.api.cookies import session_cookie
from keepwell.contracts.access import Permission, Role
from keepwell.db.engine import Store
from keepwell.db.repositories.keys_and_sessions import begin_session, make_key
from keepwell.db.tables import Account
from keepwell.keys import new_id


def key_for(
    store: Store, organisation: str, *scopes: Permission, customer: str | None = None
) -> dict[str, str]:
    """Headers of a program whose key has these scopes."""
    with store.write() as session:
        _, text = make_key(
            session,
            organisation,
            name="test",
            scopes=scopes,
            by="a test",
            now=datetime.now(UTC),
            customer=customer,
        )
    return {"Authorization": f"Bearer {text}"}


def sign_in(
    client: TestClient,
    store: Store,
    organisation: str,
    role: Role,
    *,
    name: str = "Robin Clarke",
    staff: str | None = None,
    customer: str | None = None,
) -> dict[str, str]:
    """Sign the client in as a new account; the headers that a page of ours sends with what it changes."""
    with store.write() as session:
        account = Account(
            organisation_id=organisation,
            email=f"{new_id().lower()}@example.com",
            name=name,
            role=role.value,
            staff_id=staff,
            customer_id=customer,
            created_at=datetime.now(UTC),
        )
        session.add(account)
        session.flush()
        token = begin_session(session, account, datetime.now(UTC))
    client.cookies.set(session_cookie(client.app.state.door), token)  # type: ignore[attr-defined]
    return {"X-CSRF-Token": csrf_of(token)}
