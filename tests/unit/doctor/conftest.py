"""A look at a store of its own, with nothing of this machine's environment in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keepwell.db.engine import Store
from keepwell.db.tables import Organisation
from keepwell.doctor.scene import Scene
from keepwell.settings import load_settings
from tests.unit.db.world import NOW, World

MakeScene = Callable[..., Scene]


@pytest.fixture(autouse=True)
def _clean(clean_environment: None) -> None:
    """For every test here."""


@pytest.fixture
def make_scene(tmp_path: Path) -> MakeScene:
    """A look with these settings; `store` and `world` come with the organisation found."""

    def make(*, world: World | None = None, min_free: int = 1, **settings: Any) -> Scene:
        given = {"home": tmp_path / "home", "organisation": "brightdesk", **settings}
        if world is not None:
            url = world.store.url.render_as_string(hide_password=False)
            given = {"database_url": url, **given}
        scene = Scene(load_settings(**given), now=NOW, min_free=min_free)
        if world is not None:
            scene.store = world.store
            with world.store.read() as session:
                scene.organisation = session.get_one(Organisation, world.organisation)
        return scene

    return make


@pytest.fixture
def world(store: Store) -> World:
    """An organisation with nobody in it, on both engines."""
    return World(store)


@pytest.fixture
def small(sqlite_store: Store) -> World:
    """The same on SQLite alone, where the engine makes no difference."""
    return World(sqlite_store)
