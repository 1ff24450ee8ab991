"""Rehearsals over HTTP: the real playbook on the real embedded server, asked as a program asks."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlmodel import SQLModel

from keepwell.api.door import Door
from keepwell.contracts.access import Permission, Role
from keepwell.db.engine import Store
from keepwell.rehearsal import service
from keepwell.rehearsal.kept import WAITING_EACH
from keepwell.temporal import server_process
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.db.world import World
from tests.workflows.rehearsal_world import KEY, furnish
from workflows.critical import CRITICAL

PATH = "/api/v1/rehearsals"
ASKED: dict[str, Any] = {"customer": "Acme", "playbook": "critical"}
PATIENCE = 150.0
"""Seconds for one rehearsal, which takes some; a test has several."""

pytestmark = pytest.mark.timeout(600)
ACTS = (Permission.READ, Permission.ACT)
NOT_OURS = ("api_key", "web_session", "account")
"""Tables in which it is noted that somebody has asked."""


@pytest.fixture
def world(door: Door) -> World:
    """Brightdesk, whose customer Acme can be rehearsed."""
    world = World(door.store)
    world.can_send()
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    furnish(world)
    return world


@pytest.fixture
def headers(world: World) -> dict[str, str]:
    """Those of a program that may act for Brightdesk."""
    return key_for(world.store, world.organisation, *ACTS)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what is temporary, to look into."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> list[server_process.ServerProcess]:
    """The Temporal servers that are started."""
    found: list[server_process.ServerProcess] = []
    start = server_process.start

    def noted(*arguments: Any, **options: Any) -> server_process.ServerProcess:
        found.append(start(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(server_process, "start", noted)
    return found


@pytest.fixture
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """One rehearsal at a time, whatever the machine could bear."""
    own = service.RehearsalDesk.__init__

    def narrow(desk: service.RehearsalDesk, *arguments: Any) -> None:
        own(desk, *arguments, at_once=1)

    monkeypatch.setattr(service.RehearsalDesk, "__init__", narrow)


def ask(client: TestClient, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    """Ask for one, and get its first answer."""
    answer = client.post(PATH, json={**ASKED, **more}, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


def watch(client: TestClient, headers: dict[str, str], identity: str) -> Iterator[dict[str, Any]]:
    """What is told of one, again and again until it is over."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        told = client.get(f"{PATH}/{identity}", headers=headers).json()
        yield told
        if told["state"] in ("done", "failed"):
            return
        time.sleep(0.1)
    raise AssertionError(f"not over after {PATIENCE:.0f} s")


def over(client: TestClient, headers: dict[str, str], identity: str) -> dict[str, Any]:
    """What came of one."""
    return [*watch(client, headers, identity)][-1]


def rows_of(store: Store) -> dict[str, list[str]]:
    """Every row of every table in which a rehearsal could leave something."""
    with store.read() as session:
        connection = session.connection()
        return {
            name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for name, table in SQLModel.metadata.tables.items()
            if name not in NOT_OURS
        }


def test_a_rehearsal_runs_and_is_told_with_every_message(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    before = rows_of(world.store)
    begun = ask(
        client,
        headers,
        typed=["score 2h=15"],
        reactions=[{"kind": "reply", "at": "30h"}],
        acknowledge="45m",
    )
    assert begun["typed"] == ["reply 1d6h", "score 2h=15"]
    assert (begun["by"], begun["customer"], begun["playbooks"]) == (
        "key test",
        "Acme",
        [CRITICAL.label],
    )
    told = [*watch(client, headers, begun["id"])]
    shares = [one["progress"]["share"] for one in told if one["progress"]]
    assert shares == sorted(shares)
    assert any(one["progress"]["at"] for one in told if one["progress"])
    found = told[-1]
    assert (found["state"], found["outcomes"], found["error"]) == ("done", ["responded"], None)
    timeline = found["timeline"]
    assert timeline["customer"] == "Acme"
    steps = [entry["step"] for entry in timeline["entries"] if entry["step"]]
    assert "executive_email" in steps
    assert "final_offer" not in steps
    letter = next(one for one in timeline["entries"] if one["step"] == "executive_email")["messages"][0]
    assert letter["to_customer"]
    assert "<html" in letter["html"].lower()
    assert letter["text"]
    assert any("acknowledges it after 45 min" in line for line in timeline["script"])
    assert rows_of(world.store) == before


def test_two_versions_are_compared(client: TestClient, headers: dict[str, str]) -> None:
    begun = ask(client, headers, compare="critical@1", typed=["reply 3h"])
    found = over(client, headers, begun["id"])
    assert found["playbooks"] == [CRITICAL.label, "critical@1"]
    assert found["outcomes"] == ["responded", "responded"]
    assert found["timeline"] is None
    states = {pair["state"] for pair in found["comparison"]["pairs"]}
    assert {"same", "changed"} <= states


def test_what_cannot_be_played_is_told_when_it_is_noticed(
    client: TestClient, headers: dict[str, str]
) -> None:
    found = over(client, headers, ask(client, headers, from_score=55)["id"])
    assert found["state"] == "failed"
    assert found["error"]["place"] == "from_score"
    assert "CRITICAL" in found["error"]["message"]
    assert found["error"]["hint"].startswith("Name a score from 0 to below 20")


@pytest.mark.parametrize(
    ("more", "status", "place", "words"),
    [
        ({"typed": ["reply 30h", "replly 30h"]}, 422, "typed[1]", "did you mean 'reply'"),
        ({"typed": ["reply"]}, 422, "typed[0]", "lacks its time"),
        ({"typed": ["score 5d=165"]}, 422, "typed[0]", "no score"),
        ({"reactions": [{"kind": "reply", "at": "30x"}]}, 422, "body.reactions.0.reply.at", "30h"),
        ({"reactions": [{"kind": "reply", "at": 30}]}, 422, "body.reactions.0.reply.at", "30h"),
        ({"reactions": [{"kind": "wave", "at": "3h"}]}, 422, "body.reactions.0", "'score'"),
        ({"reactions": [{"kind": "skip", "at": "3h", "step": "phone"}]}, 422, "reactions[0].step", "'phone'"),
        (
            {"reactions": [{"kind": "pause", "at": "3d", "until": "2d"}]},
            422,
            "reactions[0].until",
            "before it begins",
        ),
        (
            {"reactions": [{"kind": "accept", "at": "3d", "option": "billing_pause"}]},
            422,
            "reactions[0].months",
            "months",
        ),
        ({"reactions": [{"kind": "reassign", "at": "3d", "to": "nobody"}]}, 422, "reactions[0].to", "nobody"),
        ({"start": "2020-01-01T09:00:00Z"}, 422, "start", "is past"),
        ({"start": "2020-01-01T09:00:00"}, 422, "body.start", "timezone"),
        ({"playbook": "critcal"}, 422, "playbook", "did you mean 'critical'"),
        ({"compare": "critical@99"}, 422, "compare", "critical@99"),
        ({"start": "0001-01-01T00:00:00+14:00"}, 422, "start", "is past"),
        ({"customer": "Ac\x00me"}, 422, "body.customer", "pattern"),
        ({"typed": ["reassign 3d=da\x00na"]}, 422, "body.typed.0", "pattern"),
        (
            {"reactions": [{"kind": "reassign", "at": "3d", "to": "da\x00na"}]},
            422,
            "body.reactions.0.reassign.to",
            "pattern",
        ),
        ({"colour": "red"}, 422, "body.colour", "not permitted"),
        ({"typed": ["reply 1h"] * 60}, 422, "body.typed", "at most 50"),
        ({"customer": "Nobody"}, 404, None, "no customer 'Nobody'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_refused_with_its_place(
    client: TestClient, headers: dict[str, str], more: dict[str, Any], status: int, place: str, words: str
) -> None:
    answer = client.post(PATH, json={**ASKED, **more}, headers=headers)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    told = problem["errors"][0] if place else {"place": None, "message": problem["title"]}
    assert told["place"] == place
    assert words in told["message"] + problem["detail"]
    assert client.get(PATH, headers=headers).json() == {"items": []}


def test_no_playbook_begins_for_who_is_not_active(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    world.customer("former", active=False)
    answer = client.post(PATH, json={**ASKED, "customer": "former"}, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (
        409,
        "Former is not active: no playbook begins for it.",
    )


def test_one_organisation_sees_nothing_of_another(
    client: TestClient, world: World, headers: dict[str, str]
) -> None:
    theirs = key_for(World(world.store, "org-2", key="other").store, "org-2", *ACTS)
    begun = ask(client, headers, typed=["reply 1h"])
    missing = client.get(f"{PATH}/{'0' * 26}", headers=theirs)
    for method in ("GET", "DELETE"):
        answer = client.request(method, f"{PATH}/{begun['id']}", headers=theirs)
        assert answer.status_code == 404
        # It differs in nothing from one that never was.
        assert {**answer.json(), "request_id": ""} == {**missing.json(), "request_id": ""}
    assert client.get(PATH, headers=theirs).json() == {"items": []}
    # Neither is its customer there, by whatever it is named.
    for name in (KEY, "Acme"):
        assert client.post(PATH, json={**ASKED, "customer": name}, headers=theirs).status_code == 404
    assert over(client, headers, begun["id"])["state"] == "done"
    assert [one["id"] for one in client.get(PATH, headers=headers).json()["items"]] == [begun["id"]]


@pytest.mark.parametrize(
    ("role", "reads", "asks"),
    [(Role.CSM, 200, 202), (Role.OPS, 200, 202), (Role.CLIENT, 403, 403), (Role.INGEST, 403, 403)],
)
def test_who_may_ask(client: TestClient, world: World, role: Role, reads: int, asks: int) -> None:
    customer = KEY if role is Role.CLIENT else None
    token = sign_in(client, world.store, world.organisation, role, customer=customer)
    assert client.get(PATH).status_code == reads
    assert client.post(PATH, json=ASKED).status_code == 403
    assert client.post(PATH, json=ASKED, headers=token).status_code == asks
    client.cookies.clear()
    assert client.get(PATH).status_code == 401


@pytest.mark.usefixtures("one_place")
def test_others_wait_with_their_place_and_not_too_many(
    door: Door, headers: dict[str, str], temporary: Path
) -> None:
    with TestClient(create_app(door)) as client:
        first = ask(client, headers)["id"]
        next(one for one in watch(client, headers, first) if one["state"] == "running")
        waiting = [ask(client, headers, typed=["reply 1h"]) for _ in range(WAITING_EACH)]
        assert [one["place"] for one in waiting] == [*range(1, WAITING_EACH + 1)]
        full = client.post(PATH, json=ASKED, headers=headers)
        assert (full.status_code, full.json()["retryable"]) == (503, True)
        assert full.json()["title"] == f"{WAITING_EACH} rehearsals wait already."
        # Who breaks off makes room for the next, and moves the others on.
        assert client.delete(f"{PATH}/{waiting[0]['id']}", headers=headers).status_code == 204
        assert client.get(f"{PATH}/{waiting[1]['id']}", headers=headers).json()["place"] == 1
        assert client.delete(f"{PATH}/{first}", headers=headers).status_code == 204
        gone = client.get(f"{PATH}/{first}", headers=headers)
        assert (gone.status_code, gone.json()["title"]) == (
            404,
            "This rehearsal is gone: key test has broken it off.",
        )
        assert over(client, headers, waiting[1]["id"])["outcomes"] == ["responded"]
    assert [*temporary.iterdir()] == []


def test_a_server_is_shared_and_nothing_is_left_at_the_end(
    door: Door,
    headers: dict[str, str],
    temporary: Path,
    servers: list[server_process.ServerProcess],
) -> None:
    with TestClient(create_app(door)) as client:
        # The same customer twice at once, and again: no play meets another one's runs.
        both = [ask(client, headers, typed=["pause 1h..2h", "reply 3h"]) for _ in range(2)]
        assert {over(client, headers, one["id"])["outcomes"][0] for one in both} == {"responded"}
        left_open = ask(client, headers, typed=["pause 1h.."])
        assert over(client, headers, left_open["id"])["outcomes"] == ["still open"]
        last = ask(client, headers)
        next(one for one in watch(client, headers, last["id"]) if one["progress"] and one["progress"]["at"])
        assert len(servers) == 1
        assert not servers[0].ended()
        assert [*temporary.glob("keepwell-rehearsal-*")]
    # The last one was still being played.
    assert servers[0].ended()
    assert len(servers) == 1
    assert [*temporary.iterdir()] == []


def test_a_server_that_died_is_replaced(
    client: TestClient,
    headers: dict[str, str],
    servers: list[server_process.ServerProcess],
) -> None:
    assert over(client, headers, ask(client, headers, typed=["reply 1h"])["id"])["state"] == "done"
    servers[0].stop(at_once=True)
    assert over(client, headers, ask(client, headers, typed=["reply 1h"])["id"])["state"] == "done"
    assert [server.ended() for server in servers] == [True, False]
