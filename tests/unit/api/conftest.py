"""The application as `keepwell serve` makes it, asked without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.api.door import Door
from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.unit.api.desk_world import Desk, desk

PUBLIC = "https://keepwell.example"


@pytest.fixture
def door(sqlite_store: Store, tmp_path: Path) -> Door:
    """Everything an endpoint needs, on a store of its own."""
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    return Door(settings=settings, store=sqlite_store, links=Links(SecretStr("k" * 40), PUBLIC))


@pytest.fixture
def client(door: Door) -> Iterator[TestClient]:
    """A browser or provider; it follows no redirect."""
    with TestClient(create_app(door), base_url=PUBLIC, follow_redirects=False) as asked:
        yield asked


@pytest.fixture
def desks(store: Store, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """Two organisations in one store with work at hand, once per database engine: ours, and another's."""
    settings = Settings(home=tmp_path, public_url=PUBLIC)
    door = Door(settings=settings, store=store, links=Links(SecretStr("k" * 40), PUBLIC))
    with TestClient(create_app(door), base_url=PUBLIC) as asked:
        yield desk(asked, store, "org-1"), desk(asked, store, "org-2")
