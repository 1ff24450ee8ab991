"""The OpenAPI document as somebody reads it: everything is described, and a body's types are meant.

Whatever is new is asked too: the parameters, operations and fields come from the document.
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
from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.api.asking import Operation, operations
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

PUBLIC = "https://keepwell.example"


def _settings(folder: Path) -> Settings:
    return Settings(home=folder, public_url=PUBLIC, rate_caller=0, rate_address=0)


DOCUMENT: dict[str, Any] = create_app(
    Door(settings=_settings(Path("/nowhere")), store=None, links=None)  # type: ignore[arg-type]
).openapi()
ALL = operations(DOCUMENT)
LOOSE = [(one, place, body) for one in ALL for place, body in one.loosely()]


@dataclass(frozen=True)
class Asked:
    """An application of one organisation, with the keys that may."""

    client: TestClient
    staff: dict[str, str]
    customer: dict[str, str]

    def who(self, operation: Operation) -> dict[str, str]:
        """The headers of who may call it."""
        return self.customer if operation.permissions == {Permission.OWN.value} else self.staff


@pytest.fixture
def asked(sqlite_store: Store, tmp_path: Path) -> Iterator[Asked]:
    world = World(sqlite_store)
    door = Door(settings=_settings(tmp_path), store=sqlite_store, links=Links(SecretStr("k" * 40), PUBLIC))
    world.customer("acme")
    staff = key_for(sqlite_store, world.organisation, *set(Permission) - {Permission.OWN})
    own = key_for(sqlite_store, world.organisation, Permission.OWN, customer="acme")
    with TestClient(create_app(door), base_url=PUBLIC) as client:
        yield Asked(client, staff, own)


def test_every_parameter_is_described() -> None:
    silent = [
        f"{operation.name}: {one['name']}"
        for operation in ALL
        for one in operation.said.get("parameters", [])
        if not one.get("description", "").strip()
    ]
    assert not silent, "give it Query(description=…) or Path(description=…): meaning, unit, format"


def test_every_operation_says_what_it_is() -> None:
    silent = [one.name for one in ALL if not one.said.get("summary") or not one.said.get("description")]
    assert not silent, "give the endpoint a docstring"


def test_a_value_of_another_type_is_refused(asked: Asked) -> None:
    """Numbers, yes and no, moments and lengths of time, wherever in a body they stand."""
    # What fits a body is more than these; without any the walk itself would be broken.
    assert len(LOOSE) > 100
    taken = []
    for operation, place, body in LOOSE:
        path = operation.path.replace("{", "").replace("}", "")
        days = path.replace("/day", "/2031-01-01")
        answer = asked.client.request(
            operation.method, days, headers={**asked.who(operation), "Idempotency-Key": "k"}, json=body
        )
        said = [str(one["place"]) for one in answer.json().get("errors", [])]
        if answer.status_code != 422 or not any(str(place[-1]) in one for one in said):
            taken.append(f"{operation.name} {place}: {body} is answered {answer.status_code} {said}")
    assert not taken
