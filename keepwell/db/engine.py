"""The store's engine: SQLite (WAL) by default, PostgreSQL by URL, the same behaviour on both."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from keepwell.errors import StoreError

BUSY_SECONDS = 5.0


class Store:
    """Sessions on one database: `read()` for looking, `write()` for one short transaction.

    `read_only`: the database itself refuses every write (rehearsals look at production this way).
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = make_url(url)
        is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url, read_only) if is_sqlite else _postgresql(url, read_only)
        self._writing = {
            references: self.engine.execution_options(immediate=True, references=references)
            for references in (True, False)
        }
        # SQLite takes one writer at a time, and who waits in its busy handler may starve: the threads
        # of one process queue up here, fairly; only other processes meet the busy timeout.
        self._turn: AbstractContextManager[object] = RLock() if is_sqlite else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._session(self.engine) as session:
            yield session

    @contextmanager
    def write(self, *, references: bool = True) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error.

        `references=False` is for migrations alone: SQLite then does not check foreign keys.

        On SQLite it begins with BEGIN IMMEDIATE: a transaction that reads first and then writes
        would fail at once in spite of the busy timeout.
        """
        with self._turn, self._session(self._writing[references]) as session:
            yield session
            session.commit()
        if not references:
            # The connection it ran on does not check them any more.
            self.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session:
                yield session
        except OperationalError as error:
            raise _explained(error, self.url.render_as_string(hide_password=True)) from error

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _explained(error: OperationalError, where: str) -> StoreError:
    text = str(error.orig)
    if "locked" in text:
        return StoreError(
            f"The database {where} was locked for more than {BUSY_SECONDS:.0f} s.",
            hint="Another program holds it; try again, or find who keeps a transaction open.",
            retryable=True,
        )
    if "no such table" in text:
        return StoreError(
            f"The database {where} lacks a table: {text}.", hint="Bring it up to date: keepwell migrate"
        )
    return StoreError(
        f"The database {where} does not answer: {text}.",
        hint="Check KEEPWELL_DATABASE_URL and that the server runs and lets you in.",
        retryable=True,
    )


def _sqlite(url: str, read_only: bool) -> Engine:
    options: dict[str, Any] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    pragmas = ["journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"]
    path = make_url(url).database
    if read_only and path:
        # By the file's URI, so that SQLite opens the file itself for reading only.
        file = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
        engine = create_engine(url, creator=lambda: sqlite3.connect(file, uri=True, **options))
        pragmas = ["query_only=ON"]
    else:
        engine = create_engine(url, connect_args=options)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        options = connection.get_execution_options()
        immediate = options.get("immediate")
        if not options.get("references", True):
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgresql(url: str, read_only: bool) -> Engine:
    options: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    return create_engine(url, **options)
