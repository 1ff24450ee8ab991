"""A store opened for reading only: the database itself refuses to be written."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from keepwell.db.engine import Store
from keepwell.db.migrate import require_current
from keepwell.db.tables import Customer
from keepwell.errors import StoreError
from tests.unit.db.world import World


def test_it_reads_and_refuses_to_write(database_url: str) -> None:
    whole = Store(database_url)
    World(whole).customer("acme")
    looking = Store(database_url, read_only=True)
    try:
        require_current(looking)
        with looking.read() as session:
            customer = session.get_one(Customer, "acme")
            assert customer.name == "Acme"
        with pytest.raises((StoreError, DBAPIError), match=r"read-?only"), looking.write() as session:
            session.get_one(Customer, "acme").name = "Changed"
        with whole.read() as session:
            assert session.get_one(Customer, "acme").name == "Acme"
    finally:
        looking.dispose()
        whole.dispose()


def test_a_file_is_not_made_by_looking_for_it(tmp_path: Path) -> None:
    looking = Store(f"sqlite:///{tmp_path / 'none.sqlite3'}", read_only=True)
    with pytest.raises(StoreError), looking.read() as session:
        session.connection()
    looking.dispose()
    assert [*tmp_path.iterdir()] == []


def test_an_odd_name_is_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "100% odd #name.sqlite3"
    url = f"sqlite:///{str(path).replace('%', '%25')}"
    whole = Store(url)
    with whole.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE thing (name TEXT)")
    whole.dispose()
    looking = Store(url, read_only=True)
    with looking.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM thing").scalar_one() == 0
    looking.dispose()


def test_an_empty_database_is_refused_and_stays_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite3"
    path.touch()
    looking = Store(f"sqlite:///{path}", read_only=True)
    with pytest.raises(StoreError, match="is empty") as refused:
        require_current(looking)
    looking.dispose()
    assert "keepwell demo" in refused.value.hint
    assert path.read_bytes() == b""
