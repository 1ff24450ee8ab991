"""The store's engine: SQLite (WAL) by default, PostgreSQL by URL, the same behaviour on both."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from keepwell.errors import StoreError

BUSY_SECONDS = 5.0


class Store:
    """Sessions on one database: `read()` for looking, `write()` for one short transaction."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url) if is_sqlite else _postgresql(url)
        # SQLite takes one writer at a time, and who waits in its busy handler may starve: the threads
        # of one process queue up here, fairly; only other processes meet the busy timeout.
        self._turn: AbstractContextManager[object] = RLock() if is_sqlite else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with self._session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error.

        On SQLite it begins with BEGIN IMMEDIATE: a transaction that reads first and then writes
        would fail at once in spite of the busy timeout.
        """
        with self._turn, self._session(self.engine.execution_options(immediate=True)) as session:
            yield session
            session.commit()

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


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    options: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
    return create_engine(url, **options)
