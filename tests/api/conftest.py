"""The whole application over two organisations that have everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.api.everything import House, build


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, temporal_address: str) -> Iterator[House]:
    """Both organisations; whoever changes something in them works on a copy."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("KEEPWELL_HOME", str(tmp_path_factory.mktemp("home")))
        built = build(tmp_path_factory.mktemp("everything"), temporal_address)
        stack.callback(built.store.dispose)
        yield built
