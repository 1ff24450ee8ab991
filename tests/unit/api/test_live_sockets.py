"""The four live sockets: who may listen, what is said, and that nothing is missed or told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import col, delete, select
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from keepwell.api.door import Door
from keepwell.api.sockets import hub, line, look
from keepwell.api.sockets.topics import SHAPES, Topic
from keepwell.contracts.access import Permission, Role
from keepwell.contracts.base import Frozen
from keepwell.db.engine import Store
from keepwell.db.repositories import journal, live
from keepwell.db.repositories.live import About, tell
from keepwell.db.repositories.views_live import where_now
from keepwell.db.tables import ApiKey, Customer, EngagementEvent, Organisation, WebSession
from keepwell.keys import new_id
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.conftest import PUBLIC
from tests.unit.db.world import NOW, World

TOPICS = tuple(topic.value for topic in Topic)
ORIGIN = {"origin": PUBLIC}


@pytest.fixture
def door(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """On both engines: one tells when to look, the other is asked."""
    monkeypatch.setattr(hub, "BREATH", 0.02)
    monkeypatch.setattr(look, "FIGURES", 0.3)
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    return Door(settings=settings, store=store, links=Links(SecretStr("k" * 40), PUBLIC))


@pytest.fixture
def world(door: Door) -> World:
    world = World(door.store)
    world.customer("acme", name="Acme Ltd")
    world.customer("bolt", name="Bolt Ltd")
    return world


@pytest.fixture
def client(door: Door, world: World) -> Iterator[TestClient]:
    with TestClient(create_app(door), base_url=PUBLIC) as asked:
        yield asked


def listen(client: TestClient, topic: str, query: str = "") -> AbstractContextManager[WebSocketTestSession]:
    """A page of ours, with the session's cookie."""
    return client.websocket_connect(f"{topic}{query}", headers=ORIGIN)


def begun(socket: WebSocketTestSession, *, resumed: bool = False) -> str:
    """The cursor of the first message."""
    first = socket.receive_json()
    assert (first["type"], first["data"]) == ("ready", {"resumed": resumed})
    return str(first["cursor"])


def closed_with(socket: WebSocketTestSession) -> int:
    with pytest.raises(WebSocketDisconnect) as told:
        all_of(socket)
    return told.value.code


def all_of(socket: WebSocketTestSession) -> None:
    while True:
        socket.receive_json()


def happens(world: World, kind: str, *, customer: str | None = "acme", **data: str) -> None:
    """A line of the journal."""
    with world.store.write() as session:
        text = f"{kind} of {customer}"
        assert journal.write(
            session, key=new_id(), organisation=world.organisation, kind=kind, text=text, at=NOW,
            customer=customer, by="Robin", data=dict(data),
        )  # fmt: skip


def shape_of(message: dict[str, Any]) -> type[Frozen]:
    """The message's shape; it has its fields and no others."""
    shape = SHAPES[message["type"]]
    assert set(message) == {"type", "cursor", "data"}
    names = {field.alias or name for name, field in shape.model_fields.items()}
    assert set(message["data"]) == names
    return shape


def test_a_customers_health_is_told_as_it_changes(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    with listen(client, Topic.CUSTOMER_HEALTH) as socket:
        begun(socket)
        world.score("acme", 72.5, NOW)
        told = socket.receive_json()
        shape_of(told)
        assert told["type"] == "customer_health_update"
        assert told["data"] == {
            "customer_id": "acme",
            "health_score": 72.5,
            "health_status": "good",
            "churn_probability": None,
            "churn_risk": None,
            "intervention_priority": "low",
            "last_updated": "2026-11-21T09:00:00Z",
        }


def test_one_customer_alone_is_listened_to(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    with listen(client, Topic.CUSTOMER_HEALTH, "?customer_id=bolt") as socket:
        begun(socket)
        world.score("acme", 72.5, NOW)
        world.score("bolt", 15.0, NOW)
        told = socket.receive_json()
        assert (told["data"]["customer_id"], told["data"]["health_status"]) == ("bolt", "churn_risk")
        # Of many at once it hears where its own one stands, and not how many they were.
        with world.store.write() as session:
            tell(session, world.organisation, About.SCORE, [f"c{n}" for n in range(live.NAMED + 1)])
        assert socket.receive_json()["data"]["customer_id"] == "bolt"
    with listen(client, Topic.CUSTOMER_HEALTH, "?customer_id=nobody") as socket:
        assert closed_with(socket) == line.UNKNOWN


def test_scores_in_the_words_of_the_dashboard(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    world.score("acme", 80.0, NOW - timedelta(days=1))
    with listen(client, Topic.HEALTH_UPDATES) as socket:
        begun(socket)
        world.score("acme", 61.0, NOW)
        told = socket.receive_json()
        shape_of(told)
        assert told["type"] == "health_score_update"
        assert told["data"] == {
            "accountId": "acme",
            "accountName": "Acme Ltd",
            "healthScore": 61.0,
            "previousScore": 80.0,
            "level": "HEALTHY",
            "trend": "declining",
            "churnRisk": None,
            "scoredAt": "2026-11-21T09:00:00Z",
        }


def test_a_page_hears_what_to_load_again_and_the_figures_soon_after(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.OPS)
    with listen(client, Topic.DASHBOARD) as socket:
        begun(socket)
        happens(world, "task.done")
        told = [socket.receive_json(), socket.receive_json()]
        for one in told:
            shape_of(one)
        assert [one["type"] for one in told] == ["dashboard_update", "dashboard_stats"]
        assert told[0]["data"] == {"changed": ["task"], "customers": ["acme"], "many": False}
        assert told[1]["data"]["totalAccounts"] == 2
        world.score("acme", 30.0, NOW)
        told = [socket.receive_json(), socket.receive_json()]
        assert "score" in told[0]["data"]["changed"]
        assert told[1]["type"] == "dashboard_stats"
        assert told[1]["data"]["atRiskAccounts"] == 1
        assert told[1]["data"]["averageHealthScore"] == 30.0


def test_engagements_are_told(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    with listen(client, Topic.ENGAGEMENT_UPDATES) as socket:
        begun(socket)
        happens(world, "contact.replied")
        told = socket.receive_json()
        shape_of(told)
        assert told["type"] == "engagement_update"
        wanted = {"accountId": "acme", "accountName": "Acme Ltd", "engagementType": "email", "by": "Robin"}
        assert {name: told["data"][name] for name in wanted} == wanted
        happens(world, "transition.started")
        happens(world, "delivery.delivered", delivery="org/i/critical/lead/lena/slack")
        happens(world, "delivery.delivered", delivery="org/i/critical/personal/lena/email")
        assert socket.receive_json()["data"]["text"] == "delivery.delivered of acme"
        row = EngagementEvent(
            organisation_id=world.organisation, customer_id="bolt", key="1", kind="meeting_held", at=NOW,
            received_at=NOW,
        )  # fmt: skip
        with world.store.write() as session:
            session.add(row)
            session.flush()
            tell(session, world.organisation, About.ENGAGEMENT, [row.id])
        told = socket.receive_json()["data"]
        assert (told["accountId"], told["engagementType"], told["kind"]) == (
            "bolt",
            "meeting",
            "meeting_held",
        )


def test_of_many_at_once_one_message_says_how_many(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    number = live.NAMED + 20
    for topic, about in (
        (Topic.CUSTOMER_HEALTH, About.SCORE),
        (Topic.HEALTH_UPDATES, About.CHURN),
        (Topic.ENGAGEMENT_UPDATES, About.ENGAGEMENT),
    ):
        with listen(client, topic) as socket:
            begun(socket)
            with world.store.write() as session:
                tell(session, world.organisation, about, [f"c{n}" for n in range(number)])
            told = socket.receive_json()
            shape_of(told)
            assert (told["type"], told["data"]) == ("many_updates", {"number": number})
    with listen(client, Topic.DASHBOARD) as socket:
        begun(socket)
        with world.store.write() as session:
            tell(session, world.organisation, About.SCORE, [f"c{n}" for n in range(number)])
        assert socket.receive_json()["data"] == {"changed": ["score"], "customers": [], "many": True}


def test_who_comes_back_gets_what_they_missed_once(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    with listen(client, Topic.ENGAGEMENT_UPDATES) as socket:
        begun(socket)
        happens(world, "contact.replied")
        cursor = socket.receive_json()["cursor"]
    for customer in ("bolt", "acme"):
        happens(world, "contact.replied", customer=customer)
    with listen(client, Topic.ENGAGEMENT_UPDATES, f"?since={cursor}") as socket:
        begun(socket, resumed=True)
        two = [socket.receive_json() for _ in range(2)]
        assert {one["data"]["accountId"] for one in two} == {"bolt", "acme"}
    # Cut off between the two, they come back with the first one's cursor, and lose nothing.
    with listen(client, Topic.ENGAGEMENT_UPDATES, f"?since={two[0]['cursor']}") as socket:
        begun(socket, resumed=True)
        assert [socket.receive_json()["data"] for _ in range(2)] == [one["data"] for one in two]
    with listen(client, Topic.ENGAGEMENT_UPDATES, f"?since={two[1]['cursor']}") as socket:
        begun(socket, resumed=True)
        happens(world, "in_app.read")
        assert socket.receive_json()["data"]["kind"] == "in_app.read"


def test_who_was_away_too_long_or_brings_nonsense_begins_anew(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    with world.store.read() as session:
        now = where_now(session)
    old = type(now)(now.end, now.open, datetime.now(UTC) - live.KEPT - timedelta(minutes=1))
    for cursor in (old.cursor, "nonsense", "WzEsMiwzXQ"):
        with listen(client, Topic.DASHBOARD, f"?since={cursor}") as socket:
            told = socket.receive_json()
            shape_of(told)
            assert told["type"] == "reset"
            happens(world, "task.done")
            assert socket.receive_json()["type"] == "dashboard_update"


def test_organisations_hear_nothing_of_each_other(client: TestClient, world: World) -> None:
    world.add(Organisation(id="org-2", key="other", name="Other", time_zone="UTC", created_at=NOW))
    row: dict[str, Any] = {"external_id": "theirs", "name": "Theirs", "created_at": NOW, "updated_at": NOW}
    world.add(Customer(id="theirs", organisation_id="org-2", **row))
    sign_in(client, world.store, "org-2", Role.ADMIN)
    for topic in Topic:
        with listen(client, topic) as socket:
            begun(socket)
            world.rescore("acme", NOW)
            happens(world, "contact.replied")
            with world.store.write() as session:
                new = journal.line(
                    key=new_id(),
                    organisation="org-2",
                    kind="contact.replied",
                    text="x",
                    at=NOW,
                    customer="theirs",
                )
                assert journal.put(session, new)
                tell(session, "org-2", About.SCORE, [f"x{n}" for n in range(live.NAMED + 1)])
            told = socket.receive_json()
            assert "acme" not in json.dumps(told)
            assert (
                told["type"] in ("many_updates", "dashboard_update") or told["data"]["accountId"] == "theirs"
            )
    with listen(client, Topic.CUSTOMER_HEALTH, "?customer_id=acme") as socket:
        assert closed_with(socket) == line.UNKNOWN


@pytest.mark.parametrize("topic", TOPICS)
def test_programs_come_with_a_key_in_their_first_message(
    client: TestClient, world: World, topic: str
) -> None:
    text = key_for(world.store, world.organisation, Permission.READ)["Authorization"].removeprefix("Bearer ")
    with client.websocket_connect(topic) as socket:
        socket.send_json({"token": text})
        begun(socket)
    for scopes, customer in (((Permission.INGEST,), None), ((Permission.READ,), "acme")):
        other = key_for(world.store, world.organisation, *scopes, customer=customer)["Authorization"]
        with client.websocket_connect(topic) as socket:
            socket.send_json({"token": other.removeprefix("Bearer ")})
            assert closed_with(socket) == line.FORBIDDEN


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    "first", ["", "x", "[]", "{}", '{"token": 5}', '{"token": "kw_x"}', '{"since": "x"}']
)
def test_nobody_known_is_hung_up_on(client: TestClient, topic: str, first: str) -> None:
    with client.websocket_connect(topic) as socket:
        socket.send_text(first)
        assert closed_with(socket) == line.ENDED


@pytest.mark.parametrize("role", [Role.CLIENT, Role.INGEST])
def test_sockets_are_for_staff(client: TestClient, world: World, role: Role) -> None:
    sign_in(client, world.store, world.organisation, role, customer="acme" if role is Role.CLIENT else None)
    for topic in TOPICS:
        with listen(client, topic) as socket:
            assert closed_with(socket) == line.FORBIDDEN


def test_pages_elsewhere_are_refused_whatever_the_browser_sends(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.ADMIN)
    for origin in ("https://evil.example", "http://keepwell.example", f"{PUBLIC}.evil.example", "null", ""):
        headers = {"origin": origin} if origin else {}
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(Topic.DASHBOARD, headers=headers):
            pass
    client.cookies.clear()
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(Topic.DASHBOARD, headers={"origin": "https://evil.example"}),
    ):
        pass


def test_the_end_of_a_session_or_key_ends_the_socket(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub.WELCOME <= 30, "within a minute"
    monkeypatch.setattr(hub, "WELCOME", 0.05)
    sign_in(client, world.store, world.organisation, Role.CSM)
    with listen(client, Topic.DASHBOARD) as socket:
        begun(socket)
        with world.store.write() as session:
            session.exec(delete(WebSession))
        assert closed_with(socket) == line.ENDED
    client.cookies.clear()
    text = key_for(world.store, world.organisation, Permission.READ)["Authorization"].removeprefix("Bearer ")
    with client.websocket_connect(Topic.HEALTH_UPDATES) as socket:
        socket.send_json({"token": text})
        begun(socket)
        with world.store.write() as session:
            row = session.exec(select(ApiKey).where(col(ApiKey.revoked_at).is_(None))).one()
            row.revoked_at = datetime.now(UTC)
            session.add(row)
        assert closed_with(socket) == line.ENDED


def test_one_account_has_so_many_windows(client: TestClient, world: World) -> None:
    sign_in(client, world.store, world.organisation, Role.CSM)
    with ExitStack() as stack:
        for number in range(hub.WINDOWS):
            begun(stack.enter_context(listen(client, TOPICS[number % 4])))
        assert closed_with(stack.enter_context(listen(client, Topic.DASHBOARD))) == line.TOO_MANY
    with listen(client, Topic.DASHBOARD) as socket:
        begun(socket)


def test_a_quiet_line_says_that_it_lives(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "QUIET", 0.1)
    sign_in(client, world.store, world.organisation, Role.CSM)
    with listen(client, Topic.DASHBOARD) as socket:
        begun(socket)
        told = socket.receive_json()
        assert set(told) == {"type", "cursor"}
        assert told["type"] == "ping"
    happens(world, "task.done")
    with listen(client, Topic.DASHBOARD, f"?since={told['cursor']}") as socket:
        begun(socket, resumed=True)
        assert socket.receive_json()["data"]["changed"] == ["task"]
