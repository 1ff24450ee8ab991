"""The whole application over two organisations that have everything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from keepwell.db.engine import Store
from tests.api.everything import House, build


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, temporal_address: str) -> Iterator[House]:
    """Both organisations as they were played: nobody writes here, the files of tests have copies."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("KEEPWELL_HOME", str(tmp_path_factory.mktemp("home")))
        built = build(tmp_path_factory.mktemp("everything"), temporal_address)
        stack.callback(built.store.dispose)
        yield built


@pytest.fixture(scope="module")
def house(played: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Both organisations, a copy for each file of tests: what one writes is not there for the next."""
    file = tmp_path_factory.mktemp("house") / "everything.sqlite3"
    with (
        closing(sqlite3.connect(played.store.url.database or "")) as source,
        closing(sqlite3.connect(file)) as copy,
    ):
        source.backup(copy)
    store = Store(f"sqlite:///{file}")
    yield House(store, played.own, played.other)
    store.dispose()
