"""What the repositories share: tables for bulk work, and finding a row or saying that it is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, select

import keepwell.db.tables  # noqa: F401  (fills the metadata)
from keepwell.db.tables import Organisation
from keepwell.errors import NotFoundError

Row = TypeVar("Row", bound=SQLModel)


class _Owned(Protocol):
    @property
    def organisation_id(self) -> str | None: ...


OwnRow = TypeVar("OwnRow", bound=_Owned)


def table(name: str) -> Table:
    """A table for Core statements: rows in bulk go without an object each."""
    return SQLModel.metadata.tables[name]


def found(session: Session, model: type[Row], key: str, what: str) -> Row:
    """The row with that primary key.

    Raises:
        NotFoundError: there is none; `what` names the kind of thing for the message.
    """
    row = session.get(model, key)
    if row is None:
        raise NotFoundError(f"There is no {what} {key!r}.")
    return row


def own(session: Session, model: type[OwnRow], organisation: str, key: str, what: str) -> OwnRow:
    """The organisation's row with exactly that primary key.

    Raises:
        NotFoundError: it has none, whoever else may have it; `what` names the kind of thing for the message.
    """
    row = session.get(model, key)
    if row is None or row.organisation_id != organisation:
        raise NotFoundError(f"There is no {what} {key!r}.")
    return row


def organisation_of(session: Session, name: str) -> Organisation:
    """An organisation by id or key.

    Raises:
        NotFoundError: neither is known.
    """
    row = session.get(Organisation, name)
    row = row or session.exec(select(Organisation).where(col(Organisation.key) == name)).first()
    if row is None:
        known = session.exec(select(Organisation.key).order_by(Organisation.key).limit(10)).all()
        hint = f"Known are: {', '.join(known)}." if known else "The store holds none yet."
        raise NotFoundError(f"There is no organisation {name!r}.", hint=hint)
    return row


def insert_if_absent(session: Session, name: str, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one of the same primary or unique key is there, also while others do the same.

    Says whether it was inserted.
    """
    connection = session.connection()
    statement = _insert_if_absent(name, connection.dialect.name)
    # Without the option an INSERT's count goes with its cursor, and psycopg then says -1.
    return connection.execute(statement, row, execution_options={"preserve_rowcount": True}).rowcount == 1


def insert_all_if_absent(session: Session, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same for many rows."""
    connection = session.connection()
    connection.execute(_insert_if_absent(name, connection.dialect.name), [dict(row) for row in rows])


@cache
def _insert_if_absent(name: str, dialect: str) -> Insert:
    """The row is given with the call and not here, or SQLAlchemy would put the statement together anew."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table(name)).on_conflict_do_nothing()
