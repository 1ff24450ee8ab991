"""Keys and accounts by the API: what they may, when they end, and that nobody gives what they have not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.contracts.access import HOST_COOKIE, Permission, Role
from keepwell.db.tables import Account, ApiKey, Event, Organisation, WebSession
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.people import EMAIL, HASHED, PASSWORD, come_in, csrf, person
from tests.unit.db.world import NOW, World

NEW = "another three unlikely words"


@pytest.fixture
def world(door: Door) -> World:
    return World(door.store)


@pytest.fixture
def admin(client: TestClient, world: World) -> dict[str, str]:
    """Headers of an admin who is signed in."""
    return sign_in(client, world.store, world.organisation, Role.ADMIN)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_key_is_shown_once_works_and_is_taken_back(
    client: TestClient, admin: dict[str, str], world: World
) -> None:
    asked = {"name": "  nightly  import ", "scopes": ["ingest", "read"]}
    made = client.post("/api/v1/keys", json=asked, headers=admin)
    assert made.status_code == 201
    key = made.json()
    assert key["key"].startswith("kw_")
    assert (key["name"], key["scopes"], key["created_by"]) == (
        "nightly import",
        ["ingest", "read"],
        "Robin Clarke",
    )
    (listed,) = client.get("/api/v1/keys").json()["items"]
    assert "key" not in listed
    assert key["key"] not in str(listed)
    with world.store.read() as session:
        assert key["key"] not in str([row.model_dump() for row in session.exec(select(ApiKey)).all()])
        assert key["key"] not in str([row.model_dump() for row in session.exec(select(Event)).all()])
    me = client.get("/api/v1/me", headers=bearer(key["key"])).json()
    assert (me["name"], me["permissions"], me["role"]) == ("key nightly import", ["ingest", "read"], None)
    assert client.delete(f"/api/v1/keys/{key['id']}", headers=admin).json()["revoked_by"] == "Robin Clarke"
    refused = client.get("/api/v1/me", headers=bearer(key["key"]))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert client.delete(f"/api/v1/keys/{key['id']}", headers=admin).status_code == 409
    assert client.get("/api/v1/keys").json()["items"] == []
    assert len(client.get("/api/v1/keys?revoked=true").json()["items"]) == 1


def test_a_key_ends_when_it_was_to_end(client: TestClient, admin: dict[str, str], world: World) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    asked = {"name": "a", "scopes": ["read"], "expires_at": later}
    key = client.post("/api/v1/keys", json=asked, headers=admin).json()
    assert client.get("/api/v1/me", headers=bearer(key["key"])).status_code == 200
    world.change(ApiKey, key["id"], expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get("/api/v1/me", headers=bearer(key["key"])).status_code == 401
    past = {**asked, "expires_at": "2026-01-01T00:00:00Z"}
    assert client.post("/api/v1/keys", json=past, headers=admin).status_code == 422


def test_a_key_gives_no_more_and_no_longer_than_it_has(client: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.CONFIGURE, Permission.INGEST)
    with world.store.write() as session:
        row = session.exec(select(ApiKey)).one()
        row.expires_at = end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
        session.add(row)
    for scopes in (["read"], ["ingest", "operate"], ["own"]):
        refused = client.post("/api/v1/keys", json={"name": "a", "scopes": scopes}, headers=own)
        assert refused.status_code == 403, scopes
    for asked in ({}, {"expires_at": (end + timedelta(days=9)).isoformat()}):
        made = client.post("/api/v1/keys", json={"name": "a", "scopes": ["ingest"], **asked}, headers=own)
        assert datetime.fromisoformat(made.json()["expires_at"]) == end
    # It may not shut an admin out, who may more than it.
    account = person_in(world, Role.ADMIN)
    refused = client.patch(f"/api/v1/accounts/{account}", json={"active": False}, headers=own)
    assert (refused.status_code, refused.json()["title"][:28]) == (403, "You cannot give what you hav")


def test_what_a_key_lets_in_ends_with_it_so_it_makes_no_accounts(
    client: TestClient, door: Door, world: World
) -> None:
    own = key_for(world.store, world.organisation, *(set(Permission) - {Permission.OWN}))
    for role in (Role.ADMIN, Role.INGEST):
        new = {"email": "x@example.com", "name": "X", "role": role.value, "password": NEW}
        refused = client.post("/api/v1/accounts", json=new, headers=own)
        assert refused.status_code == 403
        assert refused.json()["title"] == "Accounts are made and changed by people, not by keys."
    account = person(door, world.organisation, role=Role.CSM)
    path = f"/api/v1/accounts/{account}"
    for change in ({"password": NEW}, {"role": "ops"}, {"name": "Y"}, {"active": True}, {}):
        assert client.patch(path, json=change, headers=own).status_code == 403, change
        both = {**change, "active": False}
        assert client.patch(path, json=both, headers=own).status_code == (403 if len(both) > 1 else 200)
    assert client.get(path, headers=own).json()["active"] is False, "it may shut somebody out"
    assert come_in(client, door).status_code == 401
    assert client.patch(path, json={"active": True}, headers=own).status_code == 403
    page = sign_in(client, world.store, world.organisation, Role.ADMIN)
    assert client.patch(path, json={"active": True}, headers=page).json()["active"] is True


def person_in(world: World, role: Role) -> str:
    row = Account(
        organisation_id=world.organisation,
        email=EMAIL,
        name="Robin Clarke",
        role=role.value,
        password=HASHED,
        created_at=NOW,
    )
    return world.add(row).id


def test_a_customers_key_sees_its_own_data_only(
    client: TestClient, admin: dict[str, str], world: World
) -> None:
    acme = world.customer("acme")
    for wrong in (
        {"scopes": ["own"]},
        {"scopes": ["read"], "customer_id": acme},
        {"scopes": ["own", "read"], "customer_id": acme},
    ):
        assert client.post("/api/v1/keys", json={"name": "a", **wrong}, headers=admin).status_code == 422
    right = {"name": "a", "scopes": ["own"], "customer_id": acme}
    assert client.post("/api/v1/keys", json=right, headers=admin).status_code == 201
    assert client.post("/api/v1/keys", json={**right, "customer_id": "no"}, headers=admin).status_code == 404
    # Also a row that says more gives no more.
    mixed = key_for(world.store, world.organisation, Permission.READ, Permission.OWN, customer=acme)
    assert client.get("/api/v1/me", headers=mixed).json()["permissions"] == ["own"]


def test_another_organisations_keys_and_accounts_are_not_there(client: TestClient, world: World) -> None:
    other = world.add(Organisation(id="other", key="other", name="Other", created_at=NOW)).id
    account = person_in(world, Role.CSM)
    theirs = key_for(world.store, other, Permission.CONFIGURE, Permission.READ, Permission.ACT)
    key_for(world.store, world.organisation, Permission.READ)
    with world.store.read() as session:
        key = session.exec(select(ApiKey.id).where(ApiKey.organisation_id == world.organisation)).one()
    assert client.delete(f"/api/v1/keys/{key}", headers=theirs).status_code == 404
    assert client.get(f"/api/v1/accounts/{account}", headers=theirs).status_code == 404
    for change in ({"name": "Mine"}, {"password": NEW}):
        assert client.patch(f"/api/v1/accounts/{account}", json=change, headers=theirs).status_code == 404
    assert client.delete(f"/api/v1/accounts/{account}/sessions", headers=theirs).status_code == 404
    assert client.get("/api/v1/accounts", headers=theirs).json()["items"] == []
    assert world.customer("acme") == "acme"
    new = {"email": "x@example.com", "name": "X", "role": "client", "customer_id": "acme"}
    assert client.post("/api/v1/accounts", json=new, headers=theirs).status_code in (403, 404)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.CSM, Role.OPS, Role.INGEST])
def test_only_an_admin_sees_accounts_and_keys(client: TestClient, world: World, role: Role) -> None:
    customer = world.customer("acme") if role is Role.CLIENT else None
    sign_in(client, world.store, world.organisation, role, customer=customer)
    for path in ("/api/v1/keys", "/api/v1/accounts"):
        refused = client.get(path)
        assert refused.status_code == 403
        assert refused.json()["title"] == "This needs the permission configure."


def test_an_account_is_made_changed_and_let_in_no_more(
    client: TestClient, admin: dict[str, str], world: World, door: Door
) -> None:
    dana = world.staff("dana")
    new = {"email": "Dana@Brightdesk.example", "name": "Dana", "role": "csm", "password": PASSWORD}
    made = client.post("/api/v1/accounts", json=new, headers=admin).json()
    assert (made["email"], made["staff_id"], made["has_password"]) == ("dana@brightdesk.example", dana, True)
    assert "password" not in made
    assert client.post("/api/v1/accounts", json=new, headers=admin).status_code == 409
    mine = client.cookies[HOST_COOKIE]
    client.cookies.clear()
    come_in(client, door, made["email"])
    theirs = client.cookies[HOST_COOKIE]
    assert client.get("/api/v1/me").json()["permissions"] == ["act", "read"]
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, mine)
    path = f"/api/v1/accounts/{made['id']}"
    assert client.patch(path, json={"role": "ops"}, headers=admin).json()["role"] == "ops"
    assert client.patch(path, json={"role": "client"}, headers=admin).status_code == 422
    assert client.patch(path, json={"active": False}, headers=admin).json()["sessions"] == 0
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, theirs)
    assert client.get("/api/v1/me").status_code == 401
    assert come_in(client, door, made["email"]).status_code == 401
    with world.store.read() as session:
        kinds = set(session.exec(select(Event.kind)).all())
        assert {"account.added", "account.changed", "account.signed_in"} <= kinds
        assert PASSWORD not in str([row.model_dump() for row in session.exec(select(Event)).all()])


def test_the_last_admin_stays(client: TestClient, admin: dict[str, str], world: World) -> None:
    own = client.get("/api/v1/me").json()["account_id"]
    for change in ({"role": "csm"}, {"active": False}):
        assert client.patch(f"/api/v1/accounts/{own}", json=change, headers=admin).status_code == 409


def test_a_new_password_ends_the_other_sessions(client: TestClient, door: Door, world: World) -> None:
    person(door, world.organisation, role=Role.CSM)
    come_in(client, door)
    elsewhere = client.cookies[HOST_COOKIE]
    client.cookies.clear()
    come_in(client, door)
    here = csrf(client)
    sessions = client.get("/api/v1/me/sessions").json()["items"]
    assert sorted(one["current"] for one in sessions) == [False, True]
    asked = {"current": "wrong", "new": NEW}
    assert client.post("/api/v1/me/password", json=asked, headers=here).status_code == 422
    weak = {"current": PASSWORD, "new": "password1234"}
    assert client.post("/api/v1/me/password", json=weak, headers=here).status_code == 422
    asked = {"current": PASSWORD, "new": NEW}
    assert client.post("/api/v1/me/password", json=asked, headers=here).status_code == 204
    assert client.get("/api/v1/me").status_code == 200
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, elsewhere)
    assert client.get("/api/v1/me").status_code == 401
    assert come_in(client, door).status_code == 401
    assert come_in(client, door, password=NEW).status_code == 303


def test_a_session_is_ended_from_another_and_by_its_age(client: TestClient, door: Door, world: World) -> None:
    person(door, world.organisation, role=Role.CSM)
    come_in(client, door)
    elsewhere = client.cookies[HOST_COOKIE]
    client.cookies.clear()
    come_in(client, door)
    (other,) = [one for one in client.get("/api/v1/me/sessions").json()["items"] if not one["current"]]
    path = f"/api/v1/me/sessions/{other['id']}"
    assert client.delete(path, headers=csrf(client)).status_code == 204
    assert client.delete(path, headers=csrf(client)).status_code == 404
    here = client.cookies[HOST_COOKIE]
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, elsewhere)
    assert client.get("/api/v1/me").status_code == 401
    client.cookies.clear()
    client.cookies.set(HOST_COOKIE, here)
    with world.store.read() as session:
        row = session.exec(select(WebSession)).one()
    world.change(WebSession, row.id, seen_at=datetime.now(UTC) - timedelta(hours=13))
    assert client.get("/api/v1/me").status_code == 401


def test_a_key_has_no_sessions_and_no_password(client: TestClient, world: World) -> None:
    own = key_for(world.store, world.organisation, Permission.READ)
    assert client.get("/api/v1/me/sessions", headers=own).status_code == 403
    asked = {"current": PASSWORD, "new": NEW}
    assert client.post("/api/v1/me/password", json=asked, headers=own).status_code == 403
