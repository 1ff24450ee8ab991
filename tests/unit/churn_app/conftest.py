"""A store with a portfolio and a trained model, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.churn.service import ChurnService
from keepwell.contracts.churn import ChurnCall
from keepwell.db.engine import Store
from tests.unit.churn_app.portfolio import QUICK, fill
from tests.unit.cli.conftest import Cli, Result, _environment, cli, world
from tests.unit.db.world import World, real_moment

__all__ = ["QUICK", "Cli", "Result", "_environment", "cli", "world"]

TRAINED_AT = real_moment()
"""Of the session: what is asked of the model comes after it, however long the tests take."""


@pytest.fixture(scope="session")
def trained_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 150 customers, of whom `customers@1` learned; it is in use."""
    path = tmp_path_factory.mktemp("churn") / "trained.sqlite3"
    shutil.copyfile(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    try:
        made = World(store)
        fill(made, TRAINED_AT)
        call = ChurnCall(organisation=made.organisation, as_of=TRAINED_AT, by="ada")
        outcome = ChurnService(store, settings=QUICK).train(call)
        assert (outcome.state, outcome.model) == ("in_use", "customers@1"), outcome.why
    finally:
        store.dispose()
    return path


@pytest.fixture
def trained(trained_file: Path, sqlite_url: str) -> Iterator[Store]:
    """The command line's own store, with that database in it."""
    shutil.copyfile(trained_file, sqlite_url.removeprefix("sqlite:///"))
    store = Store(sqlite_url)
    yield store
    store.dispose()
