"""Settings: KEEPWELL_* variables, or the same names in a `.env` file in the working directory.

`load_settings()` is the way in; it turns a wrong value into an error that names the variable.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from dotenv import dotenv_values
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from keepwell.database_url import has_known_password, normalise, without_password
from keepwell.errors import ConfigurationError
from keepwell.settings_kinds import (
    AbsolutePath,
    Address,
    LogLevelOf,
    LongSecret,
    Networks,
    OrganisationKey,
    Origins,
    Places,
    Secret,
    Words,
)

PREFIX = "KEEPWELL_"
DOTENV = ".env"


class Settings(BaseSettings):
    """Everything that can be set from outside. Each description says what the variable takes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=DOTENV,
        env_ignore_empty=True,
        # A .env file is shared with other programs; `unknown_variables` reports what looks like ours.
        extra="ignore",
        frozen=True,
        # A wrong database URL may hold a password.
        hide_input_in_errors=True,
    )

    home: AbsolutePath = Field(
        default_factory=lambda: Path("~/.keepwell"),
        validate_default=True,
        description="a folder for the database, the embedded server and its logs",
    )
    database_url: str = Field(
        default="",
        validate_default=True,
        repr=False,
        description="sqlite:///path/to/file or postgresql://user:password@host:5432/name",
    )
    data_dir: AbsolutePath | None = Field(default=None, description="a folder with files to import")
    organisation: OrganisationKey = Field(
        default="main",
        description="a key of 1 to 40 lower-case letters, digits, '-' and '_', the first a letter or digit",
    )
    sending: Literal["outbox", "live"] = Field(
        default="outbox", description="'outbox' (messages are kept for reading) or 'live' (they are sent)"
    )
    public_url: Address = Field(
        default="http://127.0.0.1:8800",
        description="where customers and providers reach `keepwell serve`, beginning with http:// or https://",
    )
    secret_key: LongSecret | None = Field(
        default=None,
        description="32 to 500 characters that sign links, the same in every process "
        "(unset: a file in the home)",
    )
    email: Literal["sendgrid", "smtp"] = Field(
        default="sendgrid", description="'sendgrid' or 'smtp' (who takes the email where sending is live)"
    )
    sendgrid_api_key: Secret | None = Field(
        default=None,
        description="an API key of SendGrid, 8 to 500 characters without spaces; live sending needs it",
    )
    sendgrid_url: Address = Field(
        default="https://api.sendgrid.com",
        description="the address of SendGrid's API, beginning with http:// or https://",
    )
    sendgrid_activity: bool = Field(
        default=False,
        description="true where the SendGrid account has the Email Activity search, a paid extra; else false",
    )
    sendgrid_sandbox: bool = Field(
        default=False,
        description="true: SendGrid checks each email and sends none (for trying out); else false",
    )
    sendgrid_webhook_key: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9+/=]{40,500}$|^$",
        description="the verification key of SendGrid's event webhook (unset: its events are refused)",
    )
    reply_domain: str = Field(
        default="",
        pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$|^$",
        description="a domain whose mail inbound parse brings here (unset: replies go to the sender)",
    )
    inbound_token: Secret | None = Field(
        default=None,
        description="8 to 500 characters in the address that inbound parse calls (unset: it is refused)",
    )
    smtp_host: str = Field(default="", description="the name of a mail server, for KEEPWELL_EMAIL=smtp")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="the mail server's port, 1 to 65535")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="'starttls', 'tls' or 'none' (how the way to the mail server is encrypted)",
    )
    smtp_user: str = Field(default="", description="the name to sign in to the mail server with, if any")
    smtp_password: Secret | None = Field(
        default=None, description="the password that goes with it, 8 to 500 characters without spaces"
    )
    slack_token: Secret | None = Field(
        default=None,
        description="a bot token of Slack, 8 to 500 characters without spaces (unset: no Slack messages)",
    )
    slack_url: Address = Field(
        default="https://slack.com/api/",
        description="the address of Slack's Web API, beginning with http:// or https://",
    )
    slack_signing_secret: Secret | None = Field(
        default=None,
        description="the signing secret of the Slack app (unset: buttons in Slack are refused)",
    )
    widget_origins: Origins = Field(
        default=(),
        description="origins of the pages that show the in-app widget, say https://app.example.com, "
        "with commas between",
    )
    webhook_private: Places = Field(
        default=(),
        description="hosts and networks that webhooks may go to though they are private, or not encrypted",
    )
    oidc_issuer: Address | None = Field(
        default=None,
        description="the issuer of your OpenID Connect provider, beginning with https:// "
        "(unset: people sign in by password only)",
    )
    oidc_client_id: str = Field(
        default="", max_length=300, description="the id under which the provider knows Keepwell"
    )
    oidc_client_secret: Secret | None = Field(
        default=None, description="the secret that goes with it, 8 to 500 characters without spaces"
    )
    oidc_name: str = Field(
        default="single sign-on",
        max_length=60,
        description="how the sign-in page names the provider, at most 60 characters",
    )
    rate_caller: int = Field(
        default=1200,
        ge=0,
        le=1_000_000,
        description="requests a minute from one account or API key, 0 to 1000000 (0: no limit)",
    )
    rate_address: int = Field(
        default=300,
        ge=0,
        le=1_000_000,
        description="requests a minute from one address without sign-in, 0 to 1000000 (0: no limit)",
    )
    rate_sign_in: int = Field(
        default=10,
        ge=0,
        le=1_000_000,
        description="tries to sign in a minute from one address, 0 to 1000000 (0: no limit)",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="addresses and networks of proxies whose X-Forwarded-For is believed, with commas "
        "between; this machine's always is",
    )
    metrics_from: Networks = Field(
        default=(),
        description="addresses and networks that may read /metrics without a key, with commas between",
    )
    demo_open: bool = Field(
        default=False,
        description="true: anybody who reaches a demo may enter it by one click; "
        "else false (from this machine only)",
    )
    refuse_known_passwords: bool = Field(
        default=False,
        description="true: refuse a database password that everybody knows, as live sending does; else false",
    )
    task_queue: str = Field(
        default="keepwell", pattern=r"^\S{1,200}$", description="a name of 1 to 200 characters without spaces"
    )
    partition_size: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="a whole number from 1 to 100000 (customers in one batch)",
    )
    monitor_seconds: int = Field(
        default=60,
        ge=10,
        le=300,
        description="a whole number of seconds from 10 to 300 (how often alerts are looked for)",
    )
    churn_retrain: Literal["daily", "weekly", "monthly", "off"] = Field(
        default="weekly", description="'daily', 'weekly', 'monthly' or 'off' (churn models of your customers)"
    )
    churn_window_days: int = Field(
        default=90,
        ge=7,
        le=730,
        description="a whole number of days from 7 to 730 (leaving within it is what churn models predict)",
    )
    log_level: LogLevelOf = Field(default="INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL")
    ui_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="a port from 1 to 65535 for the embedded Temporal UI (unset: 8233, or a free one)",
    )
    temporal_ui_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="the address of a remote Temporal UI, beginning with http:// or https://",
    )
    history_retention_days: int = Field(
        default=90, ge=1, le=3650, description="a whole number of days from 1 to 3650"
    )
    playbooks: Words = Field(
        default=(), description="names of Python modules with playbooks of your own, with commas between"
    )
    templates: AbsolutePath | None = Field(
        default=None, description="a folder whose templates stand before those that Keepwell brings"
    )

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str, info: ValidationInfo) -> str:
        if value:
            return normalise(value)
        home: Path | None = info.data.get("home")
        # "?" starts the URL's query and "%" an escape, so a folder that has them in its name is quoted.
        return f"sqlite:///{quote(str(home / 'keepwell.sqlite3'), safe='/ ')}" if home else ""

    @property
    def safe_database_url(self) -> str:
        """The database URL for logs and pages: without its password."""
        return without_password(self.database_url)

    def ensure_home(self) -> Path:
        """Return the home folder; make it, readable by its owner only, where it does not exist.

        Raises ConfigurationError where it is a file or cannot be made or written to.
        """
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"KEEPWELL_HOME is {str(self.home)!r}, and this folder cannot be made: {error.strerror}.",
                hint="Set KEEPWELL_HOME to a folder you may write to.",
            ) from error
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"KEEPWELL_HOME is {str(self.home)!r}, and you may not write to this folder.",
                hint="Set KEEPWELL_HOME to a folder you may write to.",
            )
        return self.home


SECRET = (
    "secret_key",
    "sendgrid_api_key",
    "inbound_token",
    "smtp_password",
    "slack_token",
    "slack_signing_secret",
    "oidc_client_secret",
)
"""Settings whose values no message shows, also when they are wrong."""


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; `overrides` (by field name, say from command-line options) win over variables.

    Raises ConfigurationError that names each wrong variable, its value and what it takes; also for a
    database password that everybody knows, where messages are sent or the setting forbids it.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        lines = [_explain(item["loc"], item["input"], item["msg"]) for item in error.errors()]
    except (OSError, UnicodeDecodeError) as error:
        lines = [f"The file {DOTENV!r} in {str(Path.cwd())!r} cannot be read: {error}."]
    else:
        _refuse_known_password(settings)
        return settings
    raise ConfigurationError("\n".join(lines), hint="Correct the environment or the .env file and try again.")


def _refuse_known_password(settings: Settings) -> None:
    """Production must not stand on a password that is in every example."""
    strict = settings.refuse_known_passwords or settings.sending == "live"
    if strict and has_known_password(settings.database_url):
        because = (
            "KEEPWELL_SENDING is 'live'"
            if settings.sending == "live"
            else "KEEPWELL_REFUSE_KNOWN_PASSWORDS is set"
        )
        raise ConfigurationError(
            f"KEEPWELL_DATABASE_URL holds a password that everybody knows, and {because}.",
            hint="Give the database's user a password of its own: openssl rand -hex 24 makes one.",
        )


def _explain(place: tuple[int | str, ...], given: object, message: str) -> str:
    name = str(place[0])
    takes = Settings.model_fields[name].description
    if name == "database_url":
        return f"{PREFIX}DATABASE_URL: {message.removeprefix('Value error, ')}. It takes {takes}."
    # An address with "@" in it may hold a password.
    if name in SECRET or (name.endswith("_url") and "@" in str(given)):
        return f"{PREFIX}{name.upper()} is not usable (its value is not shown). It takes {takes}."
    return f"{PREFIX}{name.upper()} is {str(given)!r}. It takes {takes}."


def environment() -> dict[str, str]:
    """The process's environment with the `.env` file's variables beneath it (Temporal's among them)."""
    from_file = dotenv_values(DOTENV) if Path(DOTENV).is_file() else {}
    return {name: value for name, value in from_file.items() if value is not None} | dict(os.environ)


def unknown_variables(
    environ: Mapping[str, str] | None = None, *, also_known: Iterable[str] = ()
) -> tuple[str, ...]:
    """One warning for each KEEPWELL_* variable that nothing reads, with the name that was likely meant.

    Reads `environment()` unless told otherwise. `also_known` are full names read outside `Settings`.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {*also_known}
    warnings = []
    for name in sorted(environment() if environ is None else environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known:
            continue
        near = difflib.get_close_matches(upper, known, n=1, cutoff=0.6)
        meant = f"did you mean {near[0]}?" if near else "it is not a setting of Keepwell."
        warnings.append(f"{name} is not used: {meant}")
    return tuple(warnings)
