"""Migrations: make a new database, bring an old one up to date, refuse to work on a wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from keepwell.db.engine import Store
from keepwell.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def head() -> str:
    """The newest revision that this version of Keepwell knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise StoreError(
            "This installation of Keepwell lacks its migrations.",
            hint="Install it again; nothing was changed.",
        )
    return revision


@contextmanager
def _connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole way, through a session that explains a database that does not answer.

    SQLite changes a table by making it anew, which its foreign keys would forbid: they are off
    meanwhile, and whether all of them hold is checked before anything is committed.
    """
    with store.write(references=False) as session:
        connection = session.connection()
        yield connection
        if (
            connection.dialect.name == "sqlite"
            and connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        ):
            raise StoreError(
                f"The migration of {store.url.render_as_string()} would break references between tables.",
                hint="Nothing was changed. Please report this, with the revision the database is at.",
            )


def revision_of(store: Store) -> str | None:
    """The revision a database is at; None for an empty one."""
    with store.read() as session:
        connection = session.connection()
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is None and inspect(connection).get_table_names():
            raise StoreError(
                f"The database {store.url.render_as_string()} holds tables that are not Keepwell's.",
                hint="Name an empty database in KEEPWELL_DATABASE_URL.",
            )
        return revision


def upgrade(store: Store) -> str:
    """Bring the database to the newest revision and return it."""
    with _connection(store) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head()


def ensure_current(store: Store) -> None:
    """Make a new database; refuse one of another version, naming what to do."""
    revision = revision_of(store)
    if revision is None:
        upgrade(store)
    else:
        check_revision(store, revision)


def require_current(store: Store) -> None:
    """Refuse a database that is empty or of another version; changes nothing."""
    revision = revision_of(store)
    if revision is None:
        raise StoreError(
            f"The database {store.url.render_as_string()} is empty.",
            hint="Import customers first (keepwell import), or look around with: keepwell demo",
        )
    check_revision(store, revision)


def check_revision(store: Store, revision: str) -> None:
    """Raise StoreError, naming what to do, for a database that is not at the newest revision."""
    if revision == head():
        return
    where = store.url.render_as_string()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision in known:
        raise StoreError(
            f"The database {where} is at the older revision {revision}; this Keepwell needs {head()}.",
            hint="Stop the worker, make a copy of the database, then run: keepwell migrate",
        )
    raise StoreError(
        f"The database {where} is at revision {revision}, which this version of Keepwell does not know.",
        hint="A newer Keepwell made it: install that version, or use another database.",
    )
