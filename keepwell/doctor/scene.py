"""What the checks look at: settings, and the database and the Temporal server as far as they answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlmodel import Session
from temporalio.client import Client

from keepwell.database_url import is_known_password, password_of
from keepwell.db.engine import Store
from keepwell.db.tables import Organisation
from keepwell.errors import StoreError
from keepwell.settings import SECRET, Settings, environment

STATEMENT_SECONDS = 8
_SECRET_WORDS = ("PASSWORD", "API_KEY", "TOKEN", "SECRET", "PWD")


@dataclass
class Scene:
    """One look. Whatever does not answer stays None, and who needs it is not asked.

    `min_free` is the least free disk space, in bytes: a database that runs full stops everything.
    `store` is set once the database's tables are those of this version, `organisation` once its row is
    found. `also_known` are KEEPWELL_* variables that something else reads.
    """

    settings: Settings
    min_free: int
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    also_known: tuple[str, ...] = ()
    store: Store | None = None
    client: Client | None = None
    organisation: Organisation | None = None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session on a database whose tables are as they should be."""
        if self.store is None:
            raise StoreError("The database was not reached.")
        with looking(self.store) as session:
            yield session

    @property
    def temporal(self) -> Client:
        """The client of a server that answered."""
        if self.client is None:
            raise StoreError("The Temporal server was not reached.")
        return self.client

    @property
    def ours(self) -> Organisation:
        """The organisation that this installation works for."""
        if self.organisation is None:
            raise StoreError("The organisation was not found.")
        return self.organisation

    def secrets(self) -> set[str]:
        """Every secret that the environment or the settings hold, so that none gets into a finding."""
        named = {
            value
            for name, value in environment().items()
            if name.startswith(("KEEPWELL_", "TEMPORAL_")) and any(word in name for word in _SECRET_WORDS)
        }
        keys = (getattr(self.settings, name) for name in SECRET)
        plain = (key.get_secret_value() for key in keys if key is not None)
        found = (*named, *plain, password_of(self.settings.database_url))
        # A password that everybody knows is often a word of our own sentences, and hides nothing.
        return {one for one in found if len(one) >= 4 and not is_known_password(one)}

    def close(self) -> None:
        """Let go of what is open: a client that outlives the event loop may spoil the exit code."""
        self.client = None
        if self.store is not None:
            self.store.dispose()


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for another database, or one in memory."""
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite" or not parts.database or parts.database == ":memory:":
        return None
    return Path(parts.database).absolute()


def store_to_look_at(url: str) -> Store:
    """A store for reading. A SQLite file that is not there is not made: opening it fails instead."""
    path = sqlite_file(url)
    if path is None:
        return Store(url)
    only = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    return Store(only.render_as_string(hide_password=False))


@contextmanager
def looking(store: Store) -> Iterator[Session]:
    """A session that can only read, and that no statement holds up for long."""
    with store.read() as session:
        if store.url.get_backend_name() != "sqlite":
            session.execute(text("SET TRANSACTION READ ONLY"))
            session.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"))
        yield session
