"""Bulk reads and upserts for ingestion. All of them run in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Column, TableValuedAlias, and_, cast, column, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from keepwell.db.repositories.lookup import table

Record = dict[str, Any]
MetricKey = tuple[str, str, datetime]

# Never changed by an upsert: identity, and what others own.
_KEPT = frozenset({"id", "organisation_id", "external_id", "created_at"})


def by_external_id(
    session: Session, name: str, organisation_id: str, external_ids: Collection[str]
) -> dict[str, Record]:
    """The rows with these external ids, by external id; locked until the transaction ends (PostgreSQL)."""
    rows = table(name)
    statement = (
        select(rows)
        .where(rows.c.organisation_id == organisation_id, rows.c.external_id.in_(external_ids))
        .order_by(rows.c.external_id)
        .with_for_update()
    )
    return {row["external_id"]: dict(row) for row in session.connection().execute(statement).mappings()}


def customer_ids(session: Session, organisation_id: str, external_ids: Collection[str]) -> dict[str, str]:
    """Our ids of customers by their external ids; unknown ones are missing."""
    rows = table("customer")
    statement = select(rows.c.external_id, rows.c.id).where(
        rows.c.organisation_id == organisation_id, rows.c.external_id.in_(external_ids)
    )
    return {external: own for external, own in session.connection().execute(statement)}


def staff_ids(session: Session, organisation_id: str, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Our ids of staff by external id, or else by email address (case does not count there).

    An address that two people share has two ids; unknown names are missing.
    """
    rows = table("staff")
    folded = {name.lower() for name in names}
    statement = (
        select(rows.c.external_id, rows.c.email, rows.c.id)
        .where(
            rows.c.organisation_id == organisation_id,
            or_(rows.c.external_id.in_(names), func.lower(rows.c.email).in_(folded)),
        )
        .order_by(rows.c.id)
    )
    by_id: dict[str, str] = {}
    by_email: dict[str, list[str]] = {}
    for external, email, own in session.connection().execute(statement):
        by_id[external] = own
        by_email.setdefault(email.lower(), []).append(own)
    found = {
        name: (by_id[name],) if name in by_id else tuple(by_email.get(name.lower(), ())) for name in names
    }
    return {name: ids for name, ids in found.items() if ids}


def managers(session: Session, organisation_id: str) -> dict[str, str | None]:
    """All staff: the external id of each one's manager by external id."""
    rows = table("staff")
    boss = rows.alias()
    statement = (
        select(rows.c.external_id, boss.c.external_id)
        .select_from(rows.outerjoin(boss, rows.c.manager_id == boss.c.id))
        .where(rows.c.organisation_id == organisation_id)
    )
    return {own: manager for own, manager in session.connection().execute(statement)}


def metrics_by_key(session: Session, keys: Collection[MetricKey]) -> dict[MetricKey, Record]:
    """The stored values of these (customer id, name, moment)."""
    if not keys:
        return {}
    rows = table("metric")
    columns = (rows.c.customer_id, rows.c.name, rows.c.measured_at)
    if session.get_bind().dialect.name == "sqlite":
        statement = select(rows).where(tuple_(*columns).in_(keys))
    else:
        wanted = _unnested(columns, keys)
        pairs = zip(columns, wanted.c, strict=True)
        statement = select(rows).join(wanted, and_(*(ours == theirs for ours, theirs in pairs)))
    found = session.connection().execute(statement).mappings()
    return {(row["customer_id"], row["name"], row["measured_at"]): dict(row) for row in found}


def _unnested(columns: Sequence[Column[Any]], keys: Collection[MetricKey]) -> TableValuedAlias:
    # PostgreSQL turns a long list of tuples into as many conditions (twenty times slower, tried);
    # arrays it joins by the index.
    arrays = [
        cast(list(parts), ARRAY(one.type))
        for one, parts in zip(columns, zip(*keys, strict=True), strict=True)
    ]
    names = [column(one.name, one.type) for one in columns]
    return func.unnest(*arrays).table_valued(*names, name="wanted").render_derived()


def upsert(session: Session, name: str, records: Sequence[Mapping[str, Any]], *, keys: Sequence[str]) -> None:
    """Insert records, all with the same columns; where one with the same `keys` is there, change that one.

    An existing row keeps its id. `keys` are the columns of a unique constraint.
    """
    if not records:
        return
    rows = table(name)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(rows)
    changed = [column for column in records[0] if column not in {*keys, *_KEPT}]
    upserting = statement.on_conflict_do_update(
        index_elements=list(keys), set_={column: statement.excluded[column] for column in changed}
    )
    session.connection().execute(upserting, [dict(record) for record in records])


def set_managers(session: Session, organisation_id: str, pairs: Iterable[tuple[str, str | None]]) -> None:
    """Give each member of staff (external id) a manager (external id, None for nobody)."""
    rows = table("staff")
    wanted = dict(pairs)
    if not wanted:
        return
    names = {*wanted, *(manager for manager in wanted.values() if manager)}
    ids = {
        name: record["id"]
        for name, record in by_external_id(session, "staff", organisation_id, names).items()
    }
    for name, manager in wanted.items():
        statement = update(rows).where(rows.c.id == ids[name])
        session.connection().execute(statement.values(manager_id=ids[manager] if manager else None))
