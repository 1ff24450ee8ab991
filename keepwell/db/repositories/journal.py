"""Writes to the event journal. A key makes a line once, however often its cause is tried.

All lines go in through here: whoever listens (webhooks, live pages) is told in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmodel import Session

from keepwell.db.repositories.bulk import put_mapped_in
from keepwell.db.repositories.live import tell_lines
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.webhooks_out import tell_webhooks
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
    new = line(
        key=key,
        organisation=organisation,
        kind=kind,
        text=text,
        at=at,
        by=by,
        why=why,
        customer=customer,
        intervention=intervention,
        data=data,
    )
    return put(session, new)


def put(session: Session, new: Json) -> bool:
    """Append a line made by `line`. Returns False when it is there already."""
    if not insert_if_absent(session, "event", new):
        return False
    tell_webhooks(session, [new])
    tell_lines(session, [new])
    return True


def put_new(session: Session, lines: Sequence[Json]) -> None:
    """Append many lines whose keys are surely new."""
    put_mapped_in(session, "event", lines)
    tell_webhooks(session, lines)
    tell_lines(session, lines)


def line(
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
    identity: str = "",
) -> Json:
    """A line's columns, for who writes many at once; `identity` is its id, where that is drawn already."""
    return {
        "id": identity or new_id(),
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
