"""Writes to the event journal. A key makes a line once, however often its cause is tried."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session

from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables.base import Json
from keepwell.keys import new_id

ENGINE = "engine"


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
    return insert_if_absent(session, "event", line)
