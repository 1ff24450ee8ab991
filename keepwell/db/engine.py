"""The store's engine: SQLite (WAL) by default, PostgreSQL by URL, the same behaviour on both."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import RLock, local
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from keepwell.errors import StoreError

BUSY_SECONDS = 5.0
REACHABLE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""How a PostgreSQL is noticed that is gone without a word (a firewall, a machine that is off): within 25
seconds, where the system would have threads wait for hours. In seconds, the last one in milliseconds; what
the database's URL says counts more."""

DEADLOCKS = 4
"""So often is a piece of work tried that meets one. PostgreSQL notices after a second."""
_DEADLOCK = "40P01"
Result = TypeVar("Result")


class _Keeping(Session):
    """Keeps the rows it has found: SQLAlchemy's own session forgets a row that nobody holds any more."""


@event.listens_for(_Keeping, "loaded_as_persistent")
def _keep(session: Session, row: object) -> None:
    session.info.setdefault("rows", []).append(row)


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
        self._look = local()
        # SQLite takes one writer at a time, and who waits in its busy handler may starve: the threads
        # of one process queue up here, fairly; only other processes meet the busy timeout.
        self._turn: AbstractContextManager[object] = RLock() if is_sqlite else nullcontext()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; within `look()` the one that is open there."""
        shared: Session | None = getattr(self._look, "session", None)
        if shared is not None:
            yield shared
            return
        with self._session(self.engine) as session:
            yield session

    @contextmanager
    def look(self) -> Iterator[None]:
        """Let every `read()` of this thread share one session, so that no row is fetched twice by its key.

        What is written meanwhile, by this thread too, may not be seen in it: end it before you write.
        """
        if getattr(self._look, "session", None) is not None:
            yield
            return
        with self._session(self.engine, _Keeping) as session:
            self._look.session = session
            try:
                yield
            finally:
                self._look.session = None

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
    def _session(self, engine: Engine, kind: type[Session] = Session) -> Iterator[Session]:
        try:
            with kind(engine, expire_on_commit=False) as session:
                yield session
        except OperationalError as error:
            raise _explained(error, self.url.render_as_string(hide_password=True)) from error

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def past_deadlocks(session: Session, work: Callable[[], Result]) -> Result:
    """Do `work` in the caller's transaction, again where PostgreSQL ends it to break a deadlock.

    Only what `work` has written and locked is undone in between, so it must hold what the others wait for,
    and may be done twice. After some attempts the error is the caller's. SQLite has one writer at a time.
    """
    if session.connection().dialect.name == "sqlite":
        return work()
    for _ in range(DEADLOCKS - 1):
        try:
            with session.begin_nested():
                return work()
        except OperationalError as error:
            if _sqlstate(error) != _DEADLOCK:
                raise
    with session.begin_nested():
        return work()


def _sqlstate(error: OperationalError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _explained(error: OperationalError, where: str) -> StoreError:
    text = str(error.orig)
    if _sqlstate(error) == _DEADLOCK:
        return StoreError(
            f"Two transactions on the database {where} waited for each other, and it has ended this one: "
            "nothing of it is stored.",
            hint="Try again. If it happens often, find who else writes there, in another order.",
            retryable=True,
        )
    if isinstance(error.orig, sqlite3.OperationalError) and "locked" in text:
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
        engine = create_engine(
            url, creator=lambda: sqlite3.connect(file, uri=True, **options), hide_parameters=True
        )
        pragmas = ["query_only=ON"]
    else:
        engine = create_engine(url, connect_args=options, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("references", True):
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        if options.get("immediate"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        # By the driver itself, whose BEGIN touches no file and so cannot fail: for each look at the store,
        # what SQLAlchemy does around a statement would cost more than this one.
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101  (this engine's pool makes no other)
        driver.execute("BEGIN").close()

    return engine


def _postgresql(url: str, read_only: bool) -> Engine:
    given = {name: value for name, value in REACHABLE.items() if name not in make_url(url).query}
    # Names and addresses of people stay out of logs: an error shows the statement without its values.
    options: dict[str, Any] = {"pool_pre_ping": True, "connect_args": given, "hide_parameters": True}
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    engine = create_engine(url, **options)
    event.listen(engine, "handle_error", _close_cursor)
    return engine


def _close_cursor(context: ExceptionContext) -> None:
    """Close what a lost connection was read with: SQLAlchemy leaves it, and the driver warns when it goes."""
    cursor = context.execution_context.cursor if context.execution_context is not None else None
    if context.is_disconnect and cursor is not None:
        with suppress(OSError, context.dialect.loaded_dbapi.Error):
            cursor.close()
