"""Nobody waits while routes are built: they are before `keepwell serve` answers."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from keepwell.api.door import Door
from keepwell.web import create_app
from tests.unit.api.conftest import PUBLIC


@pytest.mark.parametrize("served", [True, False])
def test_the_first_request_builds_no_routes_where_it_is_served(
    door: Door, monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    built: list[Any] = []
    real = TypeAdapter.__init__

    def counted(self: TypeAdapter[Any], *given: Any, **more: Any) -> None:
        built.append(given)
        real(self, *given, **more)

    with TestClient(create_app(door, background=served), base_url=PUBLIC) as client:
        monkeypatch.setattr(TypeAdapter, "__init__", counted)
        assert client.get("/no-such-page").status_code == 404
    # Not served, as most tests ask it, routes are built when somebody gets to them: it would cost each test.
    assert (built == []) is served
