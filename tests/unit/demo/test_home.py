"""The demo's own home: cut off from everything else, and only its own files are ever deleted."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.demo.home import DATABASE, LOCK, MARK, DemoHome, demo_home, home_at, prefix, wants_live
from keepwell.errors import ConfigurationError, RefusedError
from keepwell.settings import Settings
from keepwell.temporal.connect import external_profile
from keepwell.temporal.home_files import HomeFiles, try_lock

ANCHOR = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def bare(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, and a home directory of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))


@pytest.fixture
def home(tmp_path: Path) -> DemoHome:
    found = home_at(tmp_path / "demo")
    found.settings.ensure_home()
    return found


def test_it_is_beside_the_users_own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert demo_home().folder == tmp_path / "somebody" / ".keepwell" / "demo"
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "mine"))
    assert demo_home().folder == tmp_path / "mine" / "demo"
    assert not (tmp_path / "mine").exists()


def test_a_home_that_is_a_demos_is_taken_itself(monkeypatch: pytest.MonkeyPatch, home: DemoHome) -> None:
    home.note(ANCHOR, ready=True)
    monkeypatch.setenv("KEEPWELL_HOME", str(home.folder))
    assert demo_home().folder == home.folder


def test_the_environment_leads_it_nowhere_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "KEEPWELL_DATABASE_URL": "postgresql://somebody@example.com/live",
        "KEEPWELL_SENDING": "live",
        "KEEPWELL_ORGANISATION": "theirs",
        "KEEPWELL_TASK_QUEUE": "theirs",
        "KEEPWELL_PLAYBOOKS": "their.playbooks",
        "KEEPWELL_TEMPLATES": "/their/templates",
    }.items():
        monkeypatch.setenv(name, value)
    settings = demo_home().settings
    assert settings.sending == "outbox"
    assert settings.database_url == f"sqlite:///{settings.home / DATABASE}"
    assert (settings.organisation, settings.task_queue) == ("main", "keepwell")
    assert (settings.playbooks, settings.templates) == ((), None)
    assert wants_live()


def environment_of(words: tuple[str, ...], given: dict[str, str]) -> dict[str, str]:
    """The environment a printed command runs in."""
    return given | dict(shlex.split(word)[0].split("=", 1) for word in words)


def test_a_printed_command_needs_the_home_alone(home: DemoHome) -> None:
    assert prefix(home, "127.0.0.1:7233", "http://127.0.0.1:8233", {}) == (f"KEEPWELL_HOME={home.folder}",)


def test_a_folder_with_a_blank_is_quoted(tmp_path: Path) -> None:
    home = home_at(tmp_path / "my demo")
    assert prefix(home, "127.0.0.1:7233", None, {}) == (f"KEEPWELL_HOME='{home.folder}'",)


def test_a_printed_command_gets_past_other_settings(monkeypatch: pytest.MonkeyPatch, home: DemoHome) -> None:
    given = {
        "KEEPWELL_DATABASE_URL": "postgresql://somebody@example.com/live",
        "KEEPWELL_SENDING": "live",
        "KEEPWELL_ORGANISATION": "theirs",
        "KEEPWELL_TASK_QUEUE": "theirs",
        "KEEPWELL_TEMPORAL_UI_URL": "https://temporal.example.com",
        "TEMPORAL_ADDRESS": "temporal.example.com:7233",
        "TEMPORAL_NAMESPACE": "live",
        "TEMPORAL_API_KEY": "theirs",
    }
    environ = environment_of(prefix(home, "127.0.0.1:7233", "http://127.0.0.1:8233", given), given)
    profile = external_profile(environ)
    assert profile is not None
    assert (profile.address, profile.namespace, profile.api_key or "") == ("127.0.0.1:7233", "default", "")
    for name, value in environ.items():
        if name.startswith("KEEPWELL_"):
            monkeypatch.setenv(name, value)
    settings = Settings()
    wanted = home.settings
    assert settings.model_dump(include={"home", "database_url", "organisation", "task_queue", "sending"}) == (
        wanted.model_dump(include={"home", "database_url", "organisation", "task_queue", "sending"})
    )
    assert settings.temporal_ui_url == "http://127.0.0.1:8233"


def test_half_a_temporal_setting_is_got_past_too(home: DemoHome) -> None:
    given = {"TEMPORAL_NAMESPACE": "live"}
    environ = environment_of(prefix(home, "127.0.0.1:7233", None, given), given)
    profile = external_profile(environ)
    assert profile is not None
    assert profile.address == "127.0.0.1:7233"


def test_fresh_deletes_what_the_demo_made_and_nothing_else(home: DemoHome) -> None:
    home.note(ANCHOR, ready=True)
    own = [DATABASE, f"{DATABASE}-wal", "temporal.sqlite3", "temporal.log", "demo.log"]
    others = ["notes.txt", "customers.csv", "keepwell.sqlite3.backup"]
    for name in (*own, *others):
        (home.folder / name).write_text("x")
    (home.folder / "folder").mkdir()
    deleted = {path.name for path in home.clear()}
    assert deleted == {*own, MARK}
    assert {path.name for path in home.folder.iterdir()} == {*others, "folder"}


def test_fresh_is_refused_while_the_server_runs(home: DemoHome) -> None:
    home.note(ANCHOR, ready=True)
    lock = try_lock(HomeFiles(home.folder).server_lock)
    assert lock is not None
    try:
        with pytest.raises(RefusedError, match="is running"):
            home.clear()
    finally:
        os.close(lock)
    assert home.mark() is not None


def test_a_database_that_is_not_the_demos_is_left_alone(home: DemoHome) -> None:
    (home.folder / DATABASE).write_text("somebody's")
    with pytest.raises(ConfigurationError, match="not the demo's"):
        home.check_own()


def test_the_lock_is_held_by_one(home: DemoHome) -> None:
    with home.claim() as first, home.claim() as second:
        assert (first, second) == (True, False)
    with home.claim() as again:
        assert again
    assert (home.folder / LOCK).exists()


def test_a_mark_that_cannot_be_read_is_none(home: DemoHome) -> None:
    (home.folder / MARK).write_text("{")
    assert home.mark() is None
