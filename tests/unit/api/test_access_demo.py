"""Entering a demo by one click: who becomes who, and that nothing else opens this way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.access import GRANTS, HOST_COOKIE, Role
from keepwell.db.tables import Health, Organisation, Score, ScoreRun
from keepwell.web import create_app
from tests.unit.db.world import NOW, World

HERE = "http://127.0.0.1:8800"
PAGE = {"Origin": HERE, "Accept": "text/html"}


@pytest.fixture
def world(door: Door) -> World:
    made = World(door.store)
    made.change(Organisation, made.organisation, demo=True)
    made.staff("dana")
    made.staff("mateo", role="lead")
    made.staff("erin", role="executive")
    made.customer("acme", owner_id="dana")
    run = made.add(
        ScoreRun(
            organisation_id=made.organisation,
            key="k",
            scorecard="x",
            as_of=NOW,
            started_at=NOW,
            day=NOW.date(),
        )
    )
    common: dict[str, Any] = {
        "organisation_id": made.organisation,
        "customer_id": "acme",
        "score": 50.0,
        "coverage": 1.0,
        "day": NOW.date(),
        "scored_at": NOW,
    }
    score = made.add(Score(run_id=run.id, scorecard="x", **common))
    made.add(Health(score_id=score.id, **common))
    return made


@pytest.fixture
def here(door: Door, world: World) -> Door:
    settings = door.settings.model_copy(update={"public_url": HERE, "organisation": "brightdesk"})
    return replace(door, settings=settings)


def asked_from(door: Door, address: str, host: str = HERE) -> TestClient:
    return TestClient(create_app(door), base_url=host, follow_redirects=False, client=(address, 1))


@pytest.fixture
def client(here: Door) -> Iterator[TestClient]:
    with asked_from(here, "127.0.0.1") as client:
        yield client


@pytest.mark.parametrize(
    ("role", "name", "home"),
    [
        (Role.CSM, "Dana Staff", "/console"),
        (Role.OPS, "Mateo Staff", "/console"),
        (Role.ADMIN, "Erin Staff", "/console"),
        (Role.CLIENT, "Acme", "/success"),
    ],
)
def test_one_click_makes_somebody_of_the_made_up_people(
    client: TestClient, role: Role, name: str, home: str
) -> None:
    assert f'name="role" value="{role}"' in client.get("/sign-in").text
    for _ in range(2):
        came = client.post("/sign-in/demo", data={"role": role.value}, headers=PAGE)
        assert (came.status_code, came.headers["location"]) == (303, home)
        me = client.get("/api/v1/me").json()
        assert (me["name"], me["role"], set(me["permissions"])) == (name, role, set(GRANTS[role]))
        assert (me["customer_id"] == "acme") is (role is Role.CLIENT)


def test_another_organisation_has_no_such_door(client: TestClient, world: World) -> None:
    world.change(Organisation, world.organisation, demo=False)
    assert 'name="role"' not in client.get("/sign-in").text
    refused = client.post("/sign-in/demo", data={"role": "admin"}, headers=PAGE)
    assert refused.status_code == 403
    assert HOST_COOKIE not in refused.cookies


@pytest.mark.parametrize(
    ("address", "host", "headers"),
    [
        ("192.0.2.7", HERE, {}),
        ("127.0.0.1", "http://evil.example:8800", {}),
        ("127.0.0.1", HERE, {"X-Forwarded-For": "192.0.2.7"}),
        ("127.0.0.1", HERE, {"Forwarded": "for=192.0.2.7"}),
    ],
)
def test_from_elsewhere_it_is_closed_unless_it_was_opened(
    here: Door, address: str, host: str, headers: dict[str, str]
) -> None:
    given = {**PAGE, **headers, "Origin": host}
    with asked_from(here, address, host) as client:
        assert 'name="role"' not in client.get("/sign-in", headers=headers).text
        assert client.post("/sign-in/demo", data={"role": "csm"}, headers=given).status_code == 403
    opened = replace(here, settings=here.settings.model_copy(update={"demo_open": True}))
    with asked_from(opened, address, host) as client:
        assert client.post("/sign-in/demo", data={"role": "csm"}, headers=given).status_code == 303


def test_another_site_and_another_role_open_nothing(client: TestClient) -> None:
    evil = {"Origin": "https://evil.example", "Accept": "text/html"}
    assert client.post("/sign-in/demo", data={"role": "csm"}, headers=evil).status_code == 403
    assert client.post("/sign-in/demo", data={"role": "ingest"}, headers=PAGE).status_code == 422
