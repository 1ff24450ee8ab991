"""Tells live pages of changes, in the transaction that makes them. One row however many changed at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlmodel import Session

from keepwell.db.repositories.bulk import stored_moment
from keepwell.db.repositories.lookup import table
from keepwell.db.tables.base import Json

CHANNEL: Final = "keepwell_live"
"""PostgreSQL's channel on which listening processes are woken; its notices say nothing more."""

NAMED: Final = 100
"""So many are named one by one; of more only the number is told."""

KEPT: Final = timedelta(hours=24)
"""Who comes back within this time hears what it missed."""

_COLUMNS = "organisation_id, about, ids, kinds, number_of, at"
_SQLITE = f"INSERT INTO live_change ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608
# One statement, so that it costs one way to the server: a NOTIFY reaches who listens when this commits.
_POSTGRESQL = (
    f"WITH told AS (INSERT INTO live_change ({_COLUMNS}, txn) VALUES (%s, %s, %s::jsonb, %s::jsonb, %s, %s, "  # noqa: S608
    f"pg_current_xact_id()::text::bigint) RETURNING 1) SELECT pg_notify('{CHANNEL}', '') FROM told"
)


class About(StrEnum):
    """What changed."""

    SCORE = "score"
    CHURN = "churn"
    ENGAGEMENT = "engagement"
    EVENT = "event"


def tell(
    session: Session, organisation: str, about: About, ids: Sequence[str], kinds: Iterable[str] = ()
) -> None:
    """Tell of these: customers' ids for scores and predictions, else the rows' own ids."""
    if not ids:
        return
    connection = session.connection()
    named = list(ids) if len(ids) <= NAMED else []
    row = (organisation, about.value, json.dumps(named), json.dumps(sorted(set(kinds))), len(ids))
    statement = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    connection.exec_driver_sql(statement, (*row, stored_moment(session, datetime.now(UTC))))


def tell_lines(session: Session, lines: Sequence[Json]) -> None:
    """Tell of new lines of the journal, by their columns."""
    by_owner: dict[str, list[Json]] = {}
    for line in lines:
        by_owner.setdefault(line["organisation_id"], []).append(line)
    for organisation, own in by_owner.items():
        tell(session, organisation, About.EVENT, [line["id"] for line in own], [line["kind"] for line in own])


def forget_old(session: Session) -> None:
    """Let go of what nobody can ask for any more; the hour more is for clocks that differ."""
    rows = table("live_change")
    long_ago = datetime.now(UTC) - KEPT - timedelta(hours=1)
    session.connection().execute(rows.delete().where(rows.c.at < long_ago))
