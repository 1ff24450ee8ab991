"""Settings: defaults, wrong values explained, secrets kept, unknown variables reported."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import pytest

from keepwell.database_url import normalise, without_password
from keepwell.errors import (
    ConfigurationError,
    InputError,
    KeepwellError,
    NotFoundError,
    RefusedError,
    ServerUnavailableError,
    StoreError,
)
from keepwell.settings import Settings, environment, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def _clean(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings()
    home = tmp_path / "user" / ".keepwell"
    assert settings.home == home
    assert settings.database_url == f"sqlite:///{home}/keepwell.sqlite3"
    assert (settings.organisation, settings.sending, settings.task_queue) == ("main", "outbox", "keepwell")
    assert (settings.partition_size, settings.history_retention_days) == (10_000, 90)
    assert (settings.data_dir, settings.ui_port, settings.playbooks) == (None, None, ())
    assert not home.exists()


def test_variables_beat_the_dotenv_file_and_arguments_beat_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "KEEPWELL_TASK_QUEUE=file\nKEEPWELL_ORGANISATION=file\nKEEPWELL_LOG_LEVEL=debug\nOTHER=1\n"
    )
    monkeypatch.setenv("KEEPWELL_TASK_QUEUE", "variable")
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "variable")
    settings = load_settings(organisation="argument")
    assert (settings.task_queue, settings.organisation, settings.log_level) == (
        "variable",
        "argument",
        "DEBUG",
    )


def test_dotenv_counts_for_temporal_variables_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TEMPORAL_ADDRESS=file:1\nTEMPORAL_NAMESPACE=file\n")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "variable")
    assert environment()["TEMPORAL_ADDRESS"] == "file:1"
    assert environment()["TEMPORAL_NAMESPACE"] == "variable"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_PARTITION_SIZE", "")
    assert load_settings().partition_size == 10_000


def test_every_setting_says_what_it_takes() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("KEEPWELL_PARTITION_SIZE", "many", "a whole number from 1 to 100000"),
        ("KEEPWELL_PARTITION_SIZE", "0", "a whole number from 1 to 100000"),
        ("KEEPWELL_SENDING", "yes", "'outbox'"),
        ("KEEPWELL_ORGANISATION", "Our Firm", "lower-case letters"),
        ("KEEPWELL_ORGANISATION", "a/b", "lower-case letters"),
        ("KEEPWELL_LOG_LEVEL", "loud", "WARNING"),
        ("KEEPWELL_UI_PORT", "70000", "a port from 1 to 65535"),
        ("KEEPWELL_HISTORY_RETENTION_DAYS", "0.5", "a whole number of days"),
        ("KEEPWELL_TEMPORAL_UI_URL", "ui.example", "http://"),
        ("KEEPWELL_TASK_QUEUE", "two words", "without spaces"),
        ("KEEPWELL_SENDGRID_URL", "api.sendgrid.example", "http://"),
        ("KEEPWELL_SENDGRID_ACTIVITY", "perhaps", "true where"),
        ("KEEPWELL_SLACK_URL", "ftp://slack.example", "http://"),
    ],
)
def test_a_wrong_value_is_explained(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, right: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert f"{name} is {value!r}. It takes " in caught.value.message
    assert right in caught.value.message
    assert "validation error" not in str(caught.value)


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_UI_PORT", "x")
    monkeypatch.setenv("KEEPWELL_SENDING", "x")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert len(caught.value.message.splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h:5432/d", "postgresql+psycopg://u:p@h:5432/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("sqlite:////var/lib/k.sqlite3", "sqlite:////var/lib/k.sqlite3"),
        ("sqlite://", "sqlite://"),
    ],
)
def test_database_url_gets_our_driver(given: str, used: str) -> None:
    assert load_settings(database_url=given).database_url == used
    assert normalise(used) == used


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:s3cret@h/d",
        "postgresql+asyncpg://u:s3cret@h/d",
        "postgresql://u:s3cret@h:port/d",
        "u:s3cret@h/d",
        "sqlite://s3cret.sqlite3",
    ],
)
def test_a_wrong_database_url_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", url)
    with pytest.raises(ConfigurationError, match="KEEPWELL_DATABASE_URL") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)
    assert "sqlite:///path" in str(caught.value)
    with pytest.raises(ValueError, match="database_url") as plain:
        Settings()
    assert "s3cret" not in str(plain.value)


def test_the_password_is_shown_nowhere() -> None:
    settings = load_settings(database_url="postgresql://u:s3@cret@h/d?sslmode=require")
    assert "@cret" not in repr(settings)
    assert settings.safe_database_url == "postgresql+psycopg://u:***@h/d?sslmode=require"
    assert without_password("postgresql://h/d?user=u&password=s3cret&x=1").endswith("password=***&x=1")
    assert without_password("sqlite:////tmp/k.sqlite3") == "sqlite:////tmp/k.sqlite3"


SECRETS = ["KEEPWELL_SENDGRID_API_KEY", "KEEPWELL_SLACK_TOKEN"]


@pytest.mark.parametrize("name", SECRETS)
def test_keys_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, " xoxb-s3cret \n")
    settings = load_settings()
    kept = getattr(settings, name.removeprefix("KEEPWELL_").lower())
    assert kept.get_secret_value() == "xoxb-s3cret"
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize("value", ["s3cret two words", "s3cret\nX-Header: 1", "s3crét-of-mine", "s3cret"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_wrong_key_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name} is not usable") as caught:
        load_settings()
    assert value[:6] not in str(caught.value)


@pytest.mark.parametrize("name", ["KEEPWELL_SENDGRID_URL", "KEEPWELL_SLACK_URL"])
def test_an_address_holds_no_password(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "https://me:s3cret@proxy.example/api")
    with pytest.raises(ConfigurationError, match=f"{name} is not usable") as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv(name, "http://127.0.0.1:8025/api/")
    assert "http://127.0.0.1:8025/api/" in repr(load_settings())


def test_home_is_made_for_its_owner_only_and_may_have_odd_names(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "a home?")
    assert settings.ensure_home() == settings.ensure_home() == tmp_path / "a home?"
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700
    assert settings.database_url == f"sqlite:///{tmp_path}/a home%3F/keepwell.sqlite3"


def test_a_relative_home_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", "here")
    assert load_settings().home == tmp_path / "here"


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="KEEPWELL_HOME"):
        load_settings(home=tmp_path / "file").ensure_home()


def test_unknown_variables_are_reported_with_the_likely_name() -> None:
    environ = {
        "KEEPWELL_ORGANIZATION": "a",
        "KEEPWELL_HOME": "b",
        "KEEPWELL_ZZZZ": "secret",
        "KEEPWELL_SLACK_TOKEN": "secret",
        "PATH": "c",
    }
    warnings = unknown_variables(environ, also_known=["KEEPWELL_SLACK_TOKEN"])
    assert len(warnings) == 2
    assert "did you mean KEEPWELL_ORGANISATION?" in warnings[0]
    assert "KEEPWELL_ZZZZ" in warnings[1]
    assert "secret" not in "".join(warnings)


def test_an_unreadable_dotenv_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KEEPWELL_HOME=\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"\.env"):
        load_settings()


def test_errors_carry_who_must_act() -> None:
    kinds: list[type[KeepwellError]] = [InputError, NotFoundError, RefusedError]
    kinds += [ServerUnavailableError, StoreError, ConfigurationError]
    assert [kind.exit_code for kind in kinds] == [2, 3, 4, 5, 6, 7]
    assert [kind.retryable for kind in kinds] == [False, False, False, True, False, False]
    assert [kind.audience for kind in kinds] == ["user", "user", "user", "ops", "ops", "ops"]


def test_an_instance_overrides_its_class_and_survives_pickling() -> None:
    error = InputError("bad row", place="a.csv:3", hint="use a number", retryable=True, exit_code=9)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "a.csv:3: bad row\nuse a number"
    assert (copy.retryable, copy.exit_code, copy.audience, InputError.exit_code) == (True, 9, "user", 2)
    assert str(KeepwellError("only this")) == "only this"
