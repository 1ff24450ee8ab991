"""What keeps this machine's settings out of tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

OURS = ("KEEPWELL_", "TEMPORAL_")
"""How the variables begin that lead to somebody's installation."""

AT_ANY_HOUR = ("quiet_from=", "quiet_until=", "business_days=")
"""Fields of an organisation whose messages go out whenever a test runs: also at night, also on a Sunday."""


def other_variables() -> dict[str, str]:
    """This process's environment without the variables of an installation; for a process of a test's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine: no variable, no `.env` file, no profile of Temporal's."""
    for name in os.environ.keys() - other_variables().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    monkeypatch.chdir(tmp_path)
