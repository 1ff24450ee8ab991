"""Databases of other versions are refused, and an older one is brought up to date."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from keepwell.db import migrate
from keepwell.db.engine import Store
from keepwell.errors import StoreError

NEXT = '''"""A later revision."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("customer", sa.Column("motto", sa.String(), nullable=True))
'''


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A database as this version makes it."""
    store = Store(f"sqlite:///{tmp_path / 'old.sqlite3'}")
    migrate.ensure_current(store)
    yield store
    store.dispose()


@pytest.fixture
def newer(old: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """As if a later Keepwell ran, which has one revision more; gives the revision before."""
    before = migrate.head()
    later = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, later, ignore=shutil.ignore_patterns("__pycache__"))
    (later / "versions" / "9999_later.py").write_text(NEXT.format(before=before))
    monkeypatch.setattr(migrate, "MIGRATIONS", later)
    return before


def test_an_older_database_is_refused_until_it_is_migrated(old: Store, newer: str) -> None:
    with pytest.raises(StoreError, match=f"older revision {newer}; this Keepwell needs 9999") as caught:
        migrate.ensure_current(old)
    assert "make a copy" in caught.value.hint
    assert "keepwell migrate" in caught.value.hint
    assert migrate.revision_of(old) == newer, "a refusal changes nothing"
    assert migrate.upgrade(old) == "9999"
    migrate.ensure_current(old)
    with old.read() as session:
        session.connection().execute(text("SELECT motto FROM customer"))


def test_a_database_of_a_newer_keepwell_is_refused(old: Store) -> None:
    with old.write() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999, which this version of Keepwell does not know") as caught:
        migrate.ensure_current(old)
    assert "newer Keepwell" in caught.value.hint


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'theirs.sqlite3'}")
    with store.write() as session:
        session.connection().execute(text("CREATE TABLE invoices (id INTEGER)"))
    with pytest.raises(StoreError, match="tables that are not Keepwell's"):
        migrate.ensure_current(store)
    store.dispose()


def test_an_installation_without_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions").mkdir()
    monkeypatch.setattr(migrate, "MIGRATIONS", tmp_path)
    with pytest.raises(StoreError, match="lacks its migrations"):
        migrate.head()
