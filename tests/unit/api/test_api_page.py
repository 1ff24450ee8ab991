"""docs/api.md: every endpoint has an example for curl, and every example is sent and does what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.adapters.webhook import new_secret
from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.db.engine import Store
from keepwell.db.migrate import upgrade
from keepwell.db.repositories import journal
from keepwell.db.repositories.bulk import put_mapped_in
from keepwell.db.repositories.keys_and_sessions import make_key
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.webhooks_out import delivery_row
from keepwell.db.tables import Absence, Account, Alert, WebhookEndpoint
from keepwell.feed import feed_token
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.api_examples import ANSWERS
from tests.api_page import FOLDER, HOST, PAGE, written
from tests.client_calls import method_of, routes
from tests.unit.api.callers import key_for
from tests.unit.api.desk_world import Desk
from tests.unit.db.world import World

ENTRY = re.compile(r"^## (\w+) (\S+)\n\n.*?\n\n```sh\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


KEYS: dict[str, str] = {}
"""Below these paths others ask: a contact's widget, and a customer's own."""


class Shown(Desk):
    """An organisation whose ids are those of the examples."""

    def named(self, key: str) -> str:
        return key


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, module_store: Store) -> Iterator[TestClient]:
    """One application for all examples, in the page's order: what one makes the next may find."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), public_url=HOST)
    door = Door(settings=settings, store=module_store, links=Links(SecretStr("k" * 40), HOST))
    asked = TestClient(create_app(door), base_url=HOST, raise_server_exceptions=False)
    with asked:
        _furnish(asked, module_store)
        yield asked


@pytest.fixture(scope="module")
def module_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('store')}/keepwell.db")
    upgrade(store)
    yield store
    store.dispose()


def _furnish(client: TestClient, store: Store) -> None:
    world = World(store)
    client.headers.update(key_for(store, world.organisation, *(set(Permission) - {Permission.OWN})))
    made = Shown(client, world, {})
    world.staff("dana", name="Dana Reyes", email="dana@brightdesk.example")
    world.staff("omar", name="Omar Haddad", role="lead")
    world.customer("acme", owner_id="dana")
    world.contact("kim", "acme", name="Kim Lee", email="kim@acme.example")
    world.at_points("acme", 15.0, world.began - timedelta(hours=2))
    world.rescore("acme", world.began - timedelta(hours=2))
    links = Links(SecretStr("k" * 40), HOST)
    KEYS["/api/v1/feed"] = "Bearer " + feed_token(
        store, links, world.organisation, "kim", now=datetime.now(UTC)
    )
    KEYS["/api/client"] = key_for(store, world.organisation, Permission.OWN, customer="acme")["Authorization"]
    made.intervention("crit-1", "acme")
    world.add(
        Account(
            id="account-1",
            organisation_id=world.organisation,
            email="omar@brightdesk.example",
            name="Omar Haddad",
            role="csm",
            created_at=world.began,
        )
    )
    with store.write() as session:
        made_key, _ = make_key(
            session, world.organisation, name="old", scopes=[Permission.READ], by="a test", now=world.began
        )
        made_key.id = "key-1"
    made.task("task-1", "acme", owner_id="dana")
    made.task("task-2", "acme", owner_id="dana", state="done", closed_by="Dana Reyes")
    _furnish_settings(world, store)


def _furnish_settings(world: World, store: Store) -> None:
    now = world.began
    hook = "https://192.168.0.1/keepwell"
    world.add(
        WebhookEndpoint(
            id="HOOK-1",
            organisation_id=world.organisation,
            url=hook,
            secret=new_secret(),
            kinds={"wanted": ["alert."]},
            created_by="Dana Reyes",
            created_at=now,
        )
    )
    told: dict[str, Any] = {"kind": "alert.raised", "text": "It is quiet", "at": now, "by": "engine"}
    with store.write() as session:
        event = journal.line(key="told", organisation=world.organisation, **told)
        insert_if_absent(session, "event", event)
        row = delivery_row(world.organisation, "HOOK-1", event["id"], "alert.raised", now, identity="CALL-1")
        put_mapped_in(session, "webhook_delivery", [{**row, "state": "failed", "ended_at": now}])
    world.add(
        Absence(
            id="away-1",
            organisation_id=world.organisation,
            staff_id="omar",
            from_on=now.date() + timedelta(days=9),
            until_on=now.date() + timedelta(days=9),
            entered_at=now,
        )
    )
    world.add(
        Alert(
            id="alert-1",
            key="alert-1",
            organisation_id=world.organisation,
            customer_id="acme",
            trigger="inactivity",
            severity="warning",
            words="No event for 48 hours",
            raised_at=now,
            due_at=now,
        )
    )


def examples() -> list[tuple[str, str, str]]:
    pages = sorted(FOLDER.glob("*.md"))
    return [found for page in pages for found in ENTRY.findall(page.read_text(encoding="utf-8"))]


def test_the_page_is_what_the_endpoints_say() -> None:
    there = {page: page.read_text(encoding="utf-8") for page in (PAGE, *FOLDER.glob("*.md"))}
    assert there == written(), "run: python -m tests.api_page"


def test_every_endpoint_is_on_it() -> None:
    shown = {(method, path) for method, path, _ in examples()}
    assert shown == {(method_of(route), route.path.replace(":path", "")) for route in routes()}


@pytest.mark.parametrize(("method", "path", "command"), examples(), ids=lambda one: one[:60].split("\n")[0])
def test_an_example_does_what_it_says(method: str, path: str, command: str, client: TestClient) -> None:
    # Their days of 2027 are days to come; who reads them later takes later ones.
    later = command.replace("2027-", f"{max(2027, datetime.now(UTC).year + 1)}-")
    words = shlex.split(later.replace("\\\n", " "))
    assert words[0] == "curl"
    url = next(word for word in words if word.startswith(HOST))
    headers: dict[str, str] = {}
    content: bytes | None = None
    for flag, value in pairwise(words):
        if flag == "-H" and "$KEY" not in value:
            name, _, given = value.partition(": ")
            headers[name] = given
        if flag == "-d":
            content = value.encode()
    verb = words[words.index("-X") + 1] if "-X" in words else "GET"
    assert verb == method
    own = next((key for start, key in KEYS.items() if path.startswith(start)), None)
    headers |= {"Authorization": own} if own else {}
    answer = client.request(verb, url.removeprefix(HOST), headers=headers, content=content)
    expected = ANSWERS.get((method, path))
    if expected is None and answer.status_code == 404 and "unknown" in command:
        expected = 404
    if expected is None:
        assert answer.status_code < 300, f"{answer.status_code} {answer.text[:400]}"
        return
    assert answer.status_code == expected, answer.text[:400]
    document = client.get("/openapi.json").json()["paths"]
    [responses] = [
        one[method.lower()]["responses"]
        for known, one in document.items()
        if known.replace(":path", "") == path and method.lower() in one
    ]
    assert str(expected) in responses
