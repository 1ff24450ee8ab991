"""Two organisations in one store: neither sees, finds nor touches anything of the other's, by whatever route.

The routes come from the OpenAPI document, so a new one is asked too, and fails here until it is narrowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.api.asking import IDS, Operation, an_id, operations
from tests.api.everything import MARK, House
from tests.unit.api.callers import key_for

PUBLIC = "https://keepwell.example"
NOT_OURS = ("/api/v1/feed", "/webhooks", "/health", "/ready", "/metrics")
"""Beginnings of paths whose callers belong to no organisation: contacts, providers, machines."""

NO_ROW = {"channel", "command", "day", "name", "scorecard", "kind", "rehearsal_id", "session_id"}
"""Placeholders that name no row of the house: playbooks, jobs of a process, kinds."""


def _settings(folder: Path) -> Settings:
    return Settings(home=folder, public_url=PUBLIC, rate_caller=0, rate_address=0)


DOCUMENT: dict[str, Any] = create_app(
    Door(settings=_settings(Path("/nowhere")), store=None, links=None)  # type: ignore[arg-type]
).openapi()
ALL = sorted(
    (one for one in operations(DOCUMENT) if not one.path.startswith(NOT_OURS)),
    # First what only reads: what is written names the other's ids, as it was asked to, in our own journal.
    key=lambda one: one.method != "GET",
)
WITH_ID = [one for one in ALL if any(name in IDS for name in one.placeholders) and one.method != "PUT"]
"""A PUT under somebody's own id makes what is not there: `test_nothing_of_the_others_…` looks at those."""


@pytest.fixture(scope="module")
def asked(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = _settings(tmp_path_factory.mktemp("home"))
    door = Door(settings=settings, store=house.store, links=Links(SecretStr("k" * 40), PUBLIC))
    with TestClient(create_app(door), base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


@dataclass(frozen=True)
class Callers:
    """Keys of the own organisation: one that may everything, one of a customer's."""

    staff: dict[str, str]
    client: dict[str, str]

    def for_(self, operation: Operation) -> dict[str, str]:
        """The headers of who may call it."""
        return self.client if operation.permissions == {Permission.OWN.value} else self.staff


@pytest.fixture(scope="module")
def callers(house: House) -> Callers:
    staff = key_for(house.store, house.own, *set(Permission) - {Permission.OWN})
    return Callers(staff, key_for(house.store, house.own, Permission.OWN, customer="acme"))


def test_every_placeholder_is_known() -> None:
    named = {name for one in ALL for name in one.placeholders}
    assert named - set(IDS) - NO_ROW == set(), "say in tests/api/asking.py whose id it is, or that it is none"


def test_the_house_has_what_the_routes_name(house: House) -> None:
    named = {name for one in WITH_ID for name in one.placeholders if name in IDS}
    missing = {name for name in named if set(an_id(house, house.own, name)) == {"0"}}
    assert missing == set(), "put one into tests/api/everything.py"


@pytest.mark.parametrize("operation", WITH_ID, ids=[one.name for one in WITH_ID])
def test_somebody_elses_id_is_unknown(
    house: House,
    asked: TestClient,
    callers: Callers,
    operation: Operation,
) -> None:
    who = callers.for_(operation)
    body = operation.body()
    sent: dict[str, Any] = {} if body is None else {"json": body}
    answer = asked.request(operation.method, operation.url(house, house.other), headers=who, **sent)
    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    "operation", [one for one in WITH_ID if one.method == "GET"], ids=lambda one: str(one.name)
)
def test_ones_own_id_is_found(
    house: House,
    asked: TestClient,
    callers: Callers,
    operation: Operation,
) -> None:
    """Else the test above would pass where nothing is ever found."""
    who = callers.for_(operation)
    answer = asked.get(operation.url(house, house.own), headers=who)
    assert answer.status_code == 200, answer.text
    assert MARK not in answer.text


@pytest.mark.parametrize("operation", ALL, ids=[one.name for one in ALL])
def test_nothing_of_the_others_is_shown_or_touched(
    house: House,
    asked: TestClient,
    callers: Callers,
    operation: Operation,
) -> None:
    """With the other's ids wherever a query or body may name a row; the path's are our own."""
    who = callers.for_(operation)
    before = house.everything(house.other)
    if operation.method == "GET":
        plain = asked.get(operation.url(house, house.own), headers=who)
        assert MARK not in plain.text
    body = operation.body(lambda name: an_id(house, house.other, name))
    sent: dict[str, Any] = {} if body is None else {"json": body}
    query = operation.query(house, house.other)
    answer = asked.request(
        operation.method, operation.url(house, house.own), headers=who, params=query, **sent
    )
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.is_success and operation.method == "GET":
        assert MARK not in answer.text
    assert house.everything(house.other) == before
