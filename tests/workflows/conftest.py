"""Fixtures for tests of runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from keepwell.db.engine import Store
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import FakeSlack
from tests.workflows.patience import have_patience
from tests.workflows.providers import LEASE, Providers
from tests.workflows.stage import Stage
from tests.workflows.stage import stage as open_stage


@pytest.fixture
async def stage(store: Store, temporal_address: str) -> AsyncIterator[Stage]:
    """The production parts on a virtual clock, once per database engine."""
    async with open_stage(store, temporal_address) as opened:
        yield opened


@pytest.fixture
async def sqlite_stage(sqlite_store: Store, temporal_address: str) -> AsyncIterator[Stage]:
    """The same with SQLite alone, for tests where the engine makes no difference."""
    async with open_stage(sqlite_store, temporal_address) as opened:
        yield opened


@pytest.fixture
def providers() -> Iterator[Providers]:
    """A SendGrid and a Slack of ours, over HTTP."""
    with FakeSendGrid() as mail, FakeSlack() as slack:
        yield Providers(mail, slack)


@pytest.fixture
async def live_stage(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> AsyncIterator[Stage]:
    """Like `sqlite_stage`, but messages go to the providers."""
    adapters = providers.adapters(sqlite_store)
    async with open_stage(sqlite_store, temporal_address, adapters=adapters, lease=LEASE) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    have_patience(monkeypatch)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The key that signs links is kept in a folder of the test's own."""
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
