"""With CI=true a skipped test is a failed one: what CI does not run, nobody runs.

A skip is for a machine that lacks something (the public data, PostgreSQL, a browser). CI has all of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import TypeVar

import pytest

ALLOWED: tuple[str, ...] = ()
"""Patterns of reasons that may skip a test in CI as well. Say beside each one why."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _counted(report: Report) -> Report:
    """The report, failed where it was a skip that should not be there."""
    expected_failure = hasattr(report, "wasxfail")
    if not report.skipped or expected_failure or os.environ.get("CI") != "true":
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if any(re.search(pattern, reason) for pattern in ALLOWED):
        return report
    report.outcome = "failed"
    report.longrepr = f"Skipped, which CI does not allow: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips, in its code, a fixture or a mark."""
    return _counted((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module that skips."""
    return _counted((yield))
