"""Fixtures for all tests."""

pytest_plugins = ("tests.databases", "tests.environment", "tests.temporal_server", "tests.no_skips")
