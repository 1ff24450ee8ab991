"""Fixtures for tests with real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.providers import Providers, spawned_providers


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[Providers]:
    """A SendGrid and a Slack of ours, which outlive every worker."""
    with spawned_providers(tmp_path) as found:
        yield found
