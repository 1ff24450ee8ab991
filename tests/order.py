"""On several workers (pytest-xdist): the long files first, so that no worker waits for another at the end.

xdist hands out whole files (`--dist loadfile`), those with the most tests first. But the longest have few
tests: they start servers and workers, or play weeks of a playbook, or train models.
"""

from __future__ import annotations

from collections import Counter

import pytest

LONG = ("tests/e2e/", "tests/workflows/", "tests/unit/churn_app/", "tests/unit/churn/", "tests/replay/")
"""Folders by how long their files take, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist keep our order; without xdist there is no such option."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a worker: sort by folder, and within it the files with the most tests first, as xdist would."""
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (rank(item.nodeid), -tests[item.path]))


def rank(nodeid: str) -> int:
    """The place of a test's folder among the long ones; after them for any other."""
    return next((place for place, folder in enumerate(LONG) if nodeid.startswith(folder)), len(LONG))
