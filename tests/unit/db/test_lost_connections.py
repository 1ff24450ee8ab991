"""A PostgreSQL that goes away while it is read from leaves nothing open."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.errors import StoreError

MANY = text("SELECT generate_series(1, 100000)")
BIT_BY_BIT = {"yield_per": 10}


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    """A store on PostgreSQL."""
    store = Store(postgresql_url)
    yield store
    store.dispose()


def _process(session: Session) -> int:
    """Who answers the session at the server."""
    number: int = session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
    return number


def _end(store: Store, process: int) -> None:
    """End it, as a server that is stopped does."""
    with store.engine.connect() as other:
        ended = other.execute(text("SELECT pg_terminate_backend(:process, 60000)"), {"process": process})
        assert ended.scalar_one()


def _before_rows_are_asked_for(store: Store) -> None:
    with store.read() as session:
        _end(store, _process(session))
        session.connection().execute(MANY, execution_options=BIT_BY_BIT)


def _between_two_fetches(store: Store) -> None:
    with store.read() as session:
        process = _process(session)
        rows = session.connection().execute(MANY, execution_options=BIT_BY_BIT).partitions(10)
        assert len(next(rows)) == 10
        _end(store, process)
        list(rows)


@pytest.mark.parametrize("look", [_before_rows_are_asked_for, _between_two_fetches])
def test_a_connection_that_ends_leaves_no_cursor_open(store: Store, look: Callable[[Store], None]) -> None:
    with pytest.raises(StoreError) as caught:
        look(store)
    assert caught.value.retryable
    del caught
    # The driver warns of a cursor that goes without having been closed, which is an error in tests.
    gc.collect()
