"""Fixtures for all tests, and what properties are tried with."""

import pytest
from hypothesis import HealthCheck, settings

# What helpers of tests assert is told as fully as what tests do.
pytest.register_assert_rewrite("tests.api", "tests.browser", "tests.e2e", "tests.unit", "tests.workflows")

pytest_plugins = (
    "tests.databases",
    "tests.environment",
    "tests.temporal_server",
    "tests.no_skips",
    "tests.order",
)

# How long an example takes says more of what else the machine does than of the code, so it fails no test. In
# CI this is made from Hypothesis' profile for CI, which draws the same examples each time.
settings.register_profile("keepwell", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keepwell")
