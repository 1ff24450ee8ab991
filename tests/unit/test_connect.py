"""Connecting where no Temporal server answers, and what the environment may name."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from keepwell.errors import ConfigurationError, ServerUnavailableError
from keepwell.settings import Settings, load_settings
from keepwell.temporal import checks
from keepwell.temporal.connect import connect, connect_to, external_profile
from tests.unit.adapters.messages import closed_port

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "a home with spaces")


async def test_without_a_server_the_next_step_is_named(settings: Settings) -> None:
    with pytest.raises(ServerUnavailableError) as caught:
        await connect(settings)
    assert str(settings.home) in caught.value.message
    assert caught.value.hint == "Start one: keepwell worker"
    assert (caught.value.retryable, caught.value.exit_code) == (True, 5)
    assert not settings.home.exists()


async def test_a_wrong_address_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepwell.temporal.connect.CONNECT_SECONDS", 60)
    with closed_port() as port:
        address = f"127.0.0.1:{port}"
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        with pytest.raises(
            ServerUnavailableError, match=f"{address} does not answer: the connection was refused"
        ):
            await connect(settings)


async def test_a_listener_that_never_answers_times_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepwell.temporal.connect.CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServerUnavailableError, match=f"{address} does not answer: no answer within"):
            await connect_to(address)


def test_temporal_variables_without_an_address_are_refused() -> None:
    assert external_profile({}) is None
    named = external_profile({"TEMPORAL_ADDRESS": "h:1", "TEMPORAL_NAMESPACE": "n"})
    assert named is not None
    assert (named.address, named.namespace) == ("h:1", "n")
    with pytest.raises(ConfigurationError, match="TEMPORAL_NAMESPACE is set, but no address"):
        external_profile({"TEMPORAL_NAMESPACE": "n"})


def test_a_profile_of_temporals_own_file_counts(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('[profile.prod]\naddress = "cloud:7233"\nnamespace = "kw"\n')
    environ = {"TEMPORAL_CONFIG_FILE": str(tmp_path / "t.toml"), "TEMPORAL_PROFILE": "prod"}
    profile = external_profile(environ)
    assert profile is not None
    assert (profile.address, profile.namespace) == ("cloud:7233", "kw")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        external_profile(environ | {"TEMPORAL_PROFILE": "missing"})


@pytest.mark.parametrize("version", ["1.30.0", "v1.31.2", "1.32.0-150.1", "2.0", ""])
def test_a_new_enough_version_passes(version: str) -> None:
    checks.check_version(version, "host:1")


@pytest.mark.parametrize("version", ["1.29.4", "v1.9.0", "0.30.0"])
def test_an_older_server_is_refused(version: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"host:1 is of version {version}; Keepwell needs 1.30"
    ) as caught:
        checks.check_version(version, "host:1")
    assert "Upgrade that server" in caught.value.hint


async def test_connecting_looks_at_the_version(
    temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect_to(temporal_address)
    monkeypatch.setattr(checks, "OLDEST_SERVER", (99, 0))
    with pytest.raises(ConfigurationError, match=r"is of version 1\.\d+\.\d+\S*; Keepwell needs 99\.0"):
        await connect_to(temporal_address)
