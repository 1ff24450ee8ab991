"""The OpenAPI document against the application: whatever fits it, or does not, gets a documented answer.

Half of the requests name rows that exist, so that more than the 404 is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from keepwell.api import runs
from keepwell.api.door import Door
from keepwell.contracts.access import Permission
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.temporal import updates
from keepwell.web import create_app
from tests.api.asking import IDS, an_id
from tests.api.everything import House
from tests.unit.api.callers import key_for
from tests.workflows.patience import have_patience

PUBLIC = "https://keepwell.example"
EACH = 10
"""Requests tried of each operation: the document has some 150."""

AnyCase = schemathesis.Case[Any]


@schemathesis.serializer("application/x-ndjson")
def _lines(_context: Any, value: Any) -> bytes:
    """JSON lines are a text as they stand."""
    return str(value).encode("utf-8", "surrogatepass")


CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def application(
    house: House, tmp_path_factory: pytest.TempPathFactory, temporal_address: str
) -> Iterator[Any]:
    """On the server on which the house was played; its worker is gone, so that commands are kept."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, public_url=PUBLIC, rate_caller=0, rate_address=0, rate_sign_in=0)
    door = Door(settings=settings, store=house.store, links=Links(SecretStr("k" * 40), PUBLIC))
    tell = updates.update

    async def hardly_waits(client: Any, own: Any, workflow_id: str, command: Any, _within: timedelta) -> Any:
        """No worker answers, so that it need not be waited for; the server does, however busy it is."""
        return await tell(client, own, workflow_id, command, timedelta(milliseconds=300))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", temporal_address)
        patch.setattr(updates, "update", hardly_waits)
        have_patience(patch)
        patch.setattr(runs, "REST", 0.0)
        yield create_app(door)


@pytest.fixture(scope="module")
def callers(house: House) -> dict[str, dict[str, str]]:
    staff = key_for(house.store, house.own, *set(Permission) - {Permission.OWN})
    return {"staff": staff, "client": key_for(house.store, house.own, Permission.OWN, customer="acme")}


DOCUMENT = create_app(
    Door(
        settings=Settings(home=Path("/nowhere"), public_url=PUBLIC, rate_caller=0, rate_address=0),
        store=None,  # type: ignore[arg-type]
        links=None,  # type: ignore[arg-type]
    )
).openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=EACH, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_every_answer_is_documented(
    case: AnyCase, house: House, application: Any, callers: dict[str, dict[str, str]]
) -> None:
    headers = callers["client" if _own(case) else "staff"]
    if crc32(repr(case.path_parameters).encode()) % 2:
        for name in case.path_parameters or {}:
            if name in IDS:
                case.path_parameters[name] = an_id(house, house.own, name)
    case.call_and_validate(app=application, base_url=PUBLIC, headers=headers, checks=CHECKS)


def _own(case: AnyCase) -> bool:
    said = case.operation.definition.raw.get("security", [])
    scopes = {scope for one in said for scopes in one.values() for scope in scopes}
    return scopes == {Permission.OWN.value}
