"""Customers over HTTP: the list with its filters, one of them, and its people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.access import Permission, Role
from keepwell.db.engine import Store
from keepwell.db.tables import Organisation
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.callers import key_for, sign_in
from tests.unit.api.settings_world import Asked, asked
from tests.unit.db.world import World

PUBLIC = "https://keepwell.example"


@pytest.fixture
def ask(store: Store, tmp_path: Path) -> Iterator[Asked]:
    """On SQLite and on PostgreSQL: five customers, the worst of them Dana's."""
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    door = Door(settings=settings, store=store, links=Links(SecretStr("k" * 40), PUBLIC))
    world = World(store)
    world.staff("dana")
    for place, name in enumerate(("acme", "beta", "coda", "delta", "echo")):
        world.customer(
            name,
            owner_id="dana" if place == 0 else None,
            plan="pro" if place % 2 else "team",
            external_id=f"X-{name}",
        )
        world.score(name, 15.0 + place * 18, world.began)
    world.contact("kim", "acme", consent="denied")
    world.contact("lou", "acme")
    world.suppress("lou@customer.example", "mailbox full")
    with TestClient(create_app(door), base_url=PUBLIC) as client:
        yield asked(client, world, Permission.READ)


def names(ask: Asked, **query: object) -> list[str]:
    return [one["id"] for one in ask.ok("GET", "/customers", params=query)["items"]]


def test_the_worst_come_first_page_by_page(ask: Asked) -> None:
    first = ask.ok("GET", "/customers", params={"limit": 2})
    assert (first["total"], [one["id"] for one in first["items"]]) == (5, ["acme", "beta"])
    rest = ask.ok("GET", "/customers", params={"limit": 200, "cursor": first["next"]})
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["coda", "delta", "echo"], None)
    assert ask("GET", "/customers", params={"cursor": "bm9uc2Vuc2U"}).status_code == 422
    assert ask("GET", "/customers", params={"limit": 201}).status_code == 422


def test_filters_narrow_and_go_together(ask: Asked) -> None:
    assert names(ask, search="CoD") == ["coda"]
    assert names(ask, owner="dana") == names(ask, level="CRITICAL") == ["acme"]
    assert names(ask, owner="none", plan="team") == ["coda", "echo"]
    assert names(ask, owner=["dana", "none"], plan="pro") == ["beta", "delta"]
    assert names(ask, sort="name", descending=True)[0] == "echo"
    assert names(ask, inactive=True) == []
    assert ask("GET", "/customers", params={"owner": "nobody"}).status_code == 404
    assert ask("GET", "/customers", params={"owner": "me"}).status_code == 422
    assert ask("GET", "/customers", params={"levels": "CRITICAL"}).status_code == 422


def test_me_is_whoever_is_signed_in(ask: Asked) -> None:
    world = ask.world
    headers = sign_in(ask.client, world.store, world.organisation, Role.CSM, staff="dana")
    assert names(Asked(ask.client, world, headers), owner="me") == ["acme"]


def test_one_is_told_by_either_id_and_once_per_state(ask: Asked) -> None:
    answer = ask("GET", "/customers/X-acme")
    detail = answer.json()
    assert (detail["customer"]["id"], detail["customer"]["level"]) == ("acme", "CRITICAL")
    assert [one["name"] for one in detail["contacts"]] == ["Kim Person", "Lou Person"]
    assert ask("GET", "/customers/acme").json()["customer"] == detail["customer"]
    assert ask("GET", "/customers/Acme").status_code == 404


def test_contacts_come_with_what_they_may_hear_of(ask: Asked) -> None:
    kim, lou = ask.ok("GET", "/customers/acme/contacts")["items"]
    assert (kim["consent"], kim["suppressed"]) == ("denied", "")
    assert all(one["against"]["in_app"] for one in kim["purposes"])
    assert lou["suppressed"] != ""
    assert all(
        one["against"] == {"email": lou["purposes"][0]["against"]["email"], "in_app": ""}
        for one in lou["purposes"]
    )
    assert ask.ok("GET", "/customers/beta/contacts")["items"] == []


def test_another_organisation_sees_none_of_them(ask: Asked) -> None:
    ask.world.add(Organisation(id="org-2", key="other", name="Other", created_at=ask.world.began))
    theirs = Asked(ask.client, ask.world, key_for(ask.world.store, "org-2", Permission.READ))
    assert names(theirs) == []
    for path in ("/customers/acme", "/customers/X-acme", "/customers/acme/contacts"):
        assert theirs("GET", path).status_code == 404
