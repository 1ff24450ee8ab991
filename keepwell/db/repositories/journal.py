"""Writes to the event journal. A key makes a line once, however often its cause is tried."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from keepwell.db.tables import Event
from keepwell.db.tables.base import Json
from keepwell.keys import new_id

ENGINE = "engine"


def insert_once(session: Session, table: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert a row unless one with the same unique key is there; says whether it was inserted."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(**values).on_conflict_do_nothing()
    result = session.connection().execute(statement)
    return result.rowcount == 1


def write(
    session: Session,
    *,
    key: str,
    organisation: str,
    kind: str,
    text: str,
    at: datetime,
    by: str = ENGINE,
    why: str = "",
    customer: str | None = None,
    intervention: str | None = None,
    data: Json | None = None,
) -> bool:
    """Append a line. Returns False when it is there already."""
    line = {
        "id": new_id(),
        "key": key[:240],
        "organisation_id": organisation,
        "customer_id": customer,
        "intervention_id": intervention,
        "kind": kind,
        "by": by,
        "text": text,
        "why": why,
        "data": data or {},
        "at": at,
        "recorded_at": datetime.now(UTC),
    }
    return insert_once(session, Event, line)
