"""The feed over HTTP: whose it is, how a notification goes forward, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from keepwell.api.door import Door
from keepwell.db.repositories import feed as repository
from keepwell.db.tables import Contact, Event, InAppNotification
from keepwell.errors import InputError, NotFoundError
from keepwell.feed import feed_token
from keepwell.links import Use
from keepwell.web import create_app
from tests.databases import statements
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.world import NOW, World

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture
def world(door: Door) -> World:
    """Lena and Otto of one customer, each with a feed."""
    world = World(door.store)
    world.customer("acme")
    world.contact("lena", "acme")
    world.contact("otto", "acme")
    return world


def notify(world: World, key: str, contact: str = "lena", **values: Any) -> str:
    """A notification; one with a later key is newer."""
    row = {
        "id": key,
        "key": f"org-1/none/critical/{key}/{contact}/in_app",
        "organisation_id": world.organisation,
        "customer_id": "acme",
        "contact_id": contact,
        "title": f"Title {key}",
        "body": "Body",
        "action_label": "Go on",
        "action_url": "https://app.example.com/go",
        "created_at": NOW + timedelta(seconds=int(key[1:])),
    }
    world.add(InAppNotification(**{**row, **values}))
    return key


def bearer(door: Door, contact: str = "lena", lasts: timedelta = timedelta(hours=1)) -> dict[str, str]:
    """The header that lets a contact in."""
    token = door.links.token(Use.FEED, {"contact": contact}, until=datetime.now(UTC) + lasts)
    return {"Authorization": f"Bearer {token}"}


def test_the_list_is_the_contacts_own_the_newest_first_page_by_page(
    client: TestClient, door: Door, world: World
) -> None:
    for number in range(1, 6):
        notify(world, f"n{number}")
    notify(world, "n9", "otto")
    mine = bearer(door)
    first = client.get("/api/v1/feed?limit=2", headers=mine).json()
    assert [one["id"] for one in first["notifications"]] == ["n5", "n4"]
    assert first["count"] == {"unseen": 5, "unread": 5}
    assert client.get("/api/v1/feed/count", headers=mine).json() == first["count"]
    second = client.get(f"/api/v1/feed?limit=2&before={first['next']}", headers=mine).json()
    third = client.get(f"/api/v1/feed?limit=2&before={second['next']}", headers=mine).json()
    assert [one["id"] for one in second["notifications"] + third["notifications"]] == ["n3", "n2", "n1"]
    assert third["next"] is None
    assert client.get("/api/v1/feed?before=n9", headers=mine).status_code == 404


def test_what_has_not_changed_is_not_sent_again(client: TestClient, door: Door, world: World) -> None:
    notify(world, "n1")
    mine = bearer(door)
    first = client.get("/api/v1/feed", headers=mine)
    again = client.get("/api/v1/feed", headers={**mine, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.post("/api/v1/feed/n1/read", headers=mine)
    after = client.get("/api/v1/feed", headers={**mine, "If-None-Match": first.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["count"]["unread"] == 0


def test_a_notification_only_goes_forward_and_each_step_is_told_once(
    client: TestClient, door: Door, world: World
) -> None:
    notify(world, "n1")
    notify(world, "n2")
    mine = bearer(door)
    assert client.post("/api/v1/feed/seen", headers=mine, json={"ids": ["n1"]}).json() == {
        "unseen": 1,
        "unread": 2,
    }
    for step in ("read", "read", "acted_on", "read", "acted_on"):
        assert client.post(f"/api/v1/feed/n1/{step}", headers=mine).status_code == 200
    with door.store.read() as session:
        row = session.get_one(InAppNotification, "n1")
        lines = session.exec(select(Event).order_by(col(Event.id))).all()
    assert row.state == "acted_on"
    assert row.seen_at is not None
    assert row.read_at is not None
    assert row.seen_at <= row.read_at <= (row.acted_at or row.seen_at)
    assert [(line.kind, line.by, line.data["contact"]) for line in lines] == [
        ("in_app.read", "customer", "lena"),
        ("in_app.acted_on", "customer", "lena"),
    ]


def test_all_that_was_there_is_read_at_once_and_nothing_newer(
    client: TestClient, door: Door, world: World
) -> None:
    for number in range(1, 61):
        notify(world, f"n{number:02}")
    notify(world, "n98", "otto")
    mine = bearer(door)
    client.post("/api/v1/feed/n05/dismissed", headers=mine)
    answer = client.post("/api/v1/feed/all/read", headers=mine, json={"until": "n58"})
    assert answer.json() == {"unseen": 2, "unread": 2}
    with door.store.read() as session:
        rows = session.exec(select(InAppNotification).order_by(col(InAppNotification.id))).all()
        lines = session.exec(select(Event).where(Event.kind == "in_app.read")).all()
    assert [row.id for row in rows if row.state == "unseen"] == ["n59", "n60", "n98"]
    assert len(lines) == 57
    for until, status in (("n98", 404), ("n404", 404), ("../n1", 422)):
        assert client.post("/api/v1/feed/all/read", headers=mine, json={"until": until}).status_code == status
    assert client.post("/api/v1/feed/all/read", json={"until": "n60"}).status_code == 401


def test_dismissed_is_gone_from_the_list_also_after_it_was_acted_on(
    client: TestClient, door: Door, world: World
) -> None:
    notify(world, "n1")
    notify(world, "n2")
    mine = bearer(door)
    client.post("/api/v1/feed/n1/acted_on", headers=mine)
    for key in ("n1", "n2"):
        assert client.post(f"/api/v1/feed/{key}/dismissed", headers=mine).status_code == 200
    assert client.get("/api/v1/feed", headers=mine).json() == {
        "notifications": [],
        "count": {"unseen": 0, "unread": 0},
        "next": None,
    }
    with door.store.read() as session:
        assert session.get_one(InAppNotification, "n1").state == "acted_on"


def test_anothers_notification_is_as_unknown_as_none(client: TestClient, door: Door, world: World) -> None:
    notify(world, "n9", "otto")
    mine = bearer(door)
    for key in ("n9", "n404"):
        answer = client.post(f"/api/v1/feed/{key}/read", headers=mine)
        assert (answer.status_code, answer.json()["title"]) == (404, "There is no such notification.")
    client.post("/api/v1/feed/seen", headers=mine, json={"ids": ["n9"]})
    with door.store.read() as session:
        assert session.get_one(InAppNotification, "n9").state == "unseen"


@pytest.mark.usefixtures("world")
def test_only_a_token_that_holds_lets_in(client: TestClient, door: Door, world: World) -> None:
    good = bearer(door)["Authorization"]
    head, _, tail = good.rpartition(".")
    soon = datetime.now(UTC) + timedelta(hours=1)
    refused = [
        None,
        "",
        "Bearer",
        good.removeprefix("Bearer "),
        good[:-1],
        f"{head}.{'A' * len(tail)}",
        "Bearer " + "x" * 5000,
        "Bearer " + door.links.token(Use.OFFER, {"contact": "lena"}, until=soon),
        "Bearer " + door.links.token(Use.FEED, {"contact": "lena"}),
        bearer(door, lasts=timedelta(seconds=-1))["Authorization"],
        bearer(door, "nobody")["Authorization"],
    ]
    for value in refused:
        headers = {} if value is None else {"Authorization": value}
        answer = client.get("/api/v1/feed", headers=headers)
        assert answer.status_code == 401, value
        assert "token" in answer.json()["title"]
    assert client.get("/api/v1/feed", headers={"Authorization": good}).status_code == 200
    assert client.get(f"/api/v1/feed?token={good[7:]}").status_code == 401
    world.change(Contact, "lena", active=False)
    assert client.get("/api/v1/feed", headers={"Authorization": good}).status_code == 401


def test_odd_and_large_input_is_refused_and_changes_nothing(
    client: TestClient, door: Door, world: World
) -> None:
    notify(world, "n1")
    mine = bearer(door)
    for path in ("?limit=0", "?limit=1000", "?limit=x", "?before=../etc", "?before=" + "9" * 99):
        assert client.get(f"/api/v1/feed{path}", headers=mine).status_code == 422, path
    for body in ({"ids": ["n1"] * 101}, {"ids": ["<b>"]}, {"ids": "n1"}, {}, {"ids": ["n1"], "more": 1}, [1]):
        assert client.post("/api/v1/feed/seen", headers=mine, json=body).status_code == 422, body
    assert client.post("/api/v1/feed/n1/unseen", headers=mine).status_code == 422
    large = client.post("/api/v1/feed/seen", headers=mine, content=b" " * 20_000)
    pieces = client.post("/api/v1/feed/seen", headers=mine, content=iter([b" " * 9_000] * 3))
    assert (large.status_code, pieces.status_code) == (413, 413)
    with door.store.read() as session:
        assert session.get_one(InAppNotification, "n1").state == "unseen"


def test_text_comes_as_it_is_and_an_address_that_is_none_of_the_web_not_at_all(
    client: TestClient, door: Door, world: World
) -> None:
    notify(world, "n1", title=SCRIPT, action_url="javascript:alert(1)")
    notify(world, "n2", action_url="data:text/html,x")
    notify(world, "n3", action_url="HTTPS://app.example.com")
    answer = client.get("/api/v1/feed", headers=bearer(door))
    assert answer.headers["content-type"] == "application/json"
    listed = {one["id"]: one for one in answer.json()["notifications"]}
    assert listed["n1"]["title"] == SCRIPT
    assert [listed[key]["action_url"] for key in ("n1", "n2", "n3")] == ["", "", "HTTPS://app.example.com"]
    assert listed["n1"]["action_label"] == ""


@pytest.mark.usefixtures("world")
def test_pages_of_named_origins_may_call_the_feed_and_nothing_else(door: Door) -> None:
    settings = door.settings.model_copy(update={"widget_origins": ("https://app.example.com",)})
    app = create_app(Door(settings=settings, store=door.store, links=door.links))
    with TestClient(app, base_url=PUBLIC) as client:
        asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        good = client.options("/api/v1/feed", headers={"Origin": "https://app.example.com", **asks})
        assert good.headers["access-control-allow-origin"] == "https://app.example.com"
        assert "access-control-allow-credentials" not in good.headers
        for origin in ("https://evil.example", "https://app.example.com.evil.example", "null"):
            bad = client.options("/api/v1/feed", headers={"Origin": origin, **asks})
            assert (bad.status_code, "access-control-allow-origin" in bad.headers) == (400, False)
        page = client.get("/health", headers={"Origin": "https://app.example.com"})
        assert "access-control-allow-origin" not in page.headers


def test_a_token_is_for_an_active_contact_and_ends(door: Door, world: World) -> None:
    made = feed_token(door.store, door.links, "org-1", "LENA@customer.example", now=NOW)
    assert door.links.read(Use.FEED, made, now=NOW) == {"contact": "lena"}
    assert door.links.ends(Use.FEED, made) == NOW + timedelta(hours=1)
    assert door.links.ends(Use.OFFER, made) is None
    for odd in (timedelta(), timedelta(hours=25)):
        with pytest.raises(InputError):
            feed_token(door.store, door.links, "org-1", "lena", now=NOW, lasts=odd)
    with pytest.raises(NotFoundError):
        feed_token(door.store, door.links, "another", "lena", now=NOW)
    world.change(Contact, "lena", active=False)
    with pytest.raises(NotFoundError):
        feed_token(door.store, door.links, "org-1", "lena", now=NOW)


def test_many_feeds_are_looked_at_with_one_statement(door: Door, world: World) -> None:
    for number in range(1, 101):
        world.contact(f"c{number}", "acme")
        notify(world, f"n{number}", f"c{number}")
    with statements(door.store) as sent, door.store.read() as session:
        found = repository.standings(session, [f"c{number}" for number in range(1, 101)])
    assert sum(statement.startswith("SELECT") for statement in sent) == 1
    assert {standing.count.unread for standing in found.values()} == {1}
